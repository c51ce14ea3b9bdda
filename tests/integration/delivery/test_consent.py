"""Consent facts on their way from the warehouse to the claim."""

from datetime import UTC, datetime

import pytest

from rapport.db import connect
from rapport.delivery.consent import sync_consent
from rapport.errors import PermanentError
from rapport.keys import recipient_key
from rapport.settings import Settings

AT = datetime(2027, 1, 1, tzinfo=UTC)


def build(settings: Settings, rows: list[tuple[str, bool, str]]) -> None:
    with connect("transformer", settings=settings) as conn:
        conn.execute(
            "create table if not exists intermediate.int_consent_facts (email text, topic text, granted boolean,"
            " occurred_at timestamptz, source text, how text, source_record_id text)"
        )
        for email, granted, record in rows:
            conn.execute(
                "insert into intermediate.int_consent_facts"
                " values (%s, 'marketing', %s, %s, 'shopify', 'checkout', %s)",
                (email, granted, AT, record),
            )


def test_facts_are_copied_once_and_only_grow(database: Settings) -> None:
    build(database, [("ada@post.example", True, "1"), ("bob@post.example", False, "2"), ("nonsense", True, "3")])
    assert sync_consent(database) == 2
    assert sync_consent(database) == 0
    build(database, [("ada@post.example", False, "4")])
    assert sync_consent(database) == 1
    with connect("engine", settings=database) as conn:
        facts = conn.execute("select recipient_key, granted from ops.consent_fact order by source_record_id").fetchall()
    ada, bob = (recipient_key(database, f"{name}@post.example") for name in ("ada", "bob"))
    assert [(fact["recipient_key"], fact["granted"]) for fact in facts] == [(ada, True), (bob, False), (ada, False)]


def test_without_a_built_warehouse_the_message_says_so(database: Settings) -> None:
    with pytest.raises(PermanentError, match="build the warehouse first"):
        sync_consent(database)
