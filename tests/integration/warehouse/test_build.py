"""A build of nothing, and builds that break: what is said, and what is left untouched."""

from datetime import UTC, datetime
from typing import Any

import pytest

from rapport import identity, transform
from rapport.db import connect
from rapport.errors import DataError, PermanentError, TransientError
from rapport.landing import prepare_raw
from rapport.settings import Settings
from rapport.transform.ledger import building
from rapport.transform.report import readable

AS_OF = datetime(2026, 3, 25, 8, tzinfo=UTC)


def test_an_empty_warehouse_builds_then_a_broken_one_says_what_is_wrong(database: Settings, build: Any) -> None:
    prepare_raw(database)
    resolved, report = build(database, AS_OF)
    assert (resolved.profiles, resolved.customers) == (0, 0)
    assert not report.failures

    with connect(settings=database) as conn:
        conn.execute("alter table raw_zendesk.tickets drop column status cascade")
    with pytest.raises(DataError, match=r"model staging\.stg_zendesk__tickets: .*status"):
        transform.prepare(database, AS_OF)
    with connect("engine", settings=database) as conn:
        newest = conn.execute("select status, detail from ops.build order by started_at desc limit 1").fetchone()
        audience = conn.execute("select count(*) as n from activation.campaign_audience").fetchone()
    assert newest is not None
    assert newest["status"] == "failed"
    assert "stg_zendesk__tickets" in newest["detail"]["error"]
    assert audience is not None


def test_two_builds_at_once_are_refused(database: Settings) -> None:
    with building(database, "prepare", AS_OF), pytest.raises(TransientError, match="another build"):
        transform.prepare(database, AS_OF)


def test_a_moment_without_a_time_zone_is_refused(database: Settings) -> None:
    with pytest.raises(PermanentError, match="time zone"):
        transform.prepare(database, AS_OF.replace(tzinfo=None))


def test_identity_does_not_retire_everybody_when_profiles_are_missing(database: Settings) -> None:
    with connect("transformer", settings=database) as conn:
        conn.execute("create table intermediate.int_profiles (profile_key text, created_at timestamptz)")
        conn.execute("create table intermediate.int_edges (profile_key_a text, profile_key_b text, rule text)")
        conn.execute("insert into identity.customer_ids values ('x', 'zendesk:1', %(at)s, null)", {"at": AS_OF})
        conn.execute("insert into identity.members values ('zendesk:1', 'x', %(at)s)", {"at": AS_OF})
    with pytest.raises(DataError, match="int_profiles is empty"):
        identity.resolve(database, AS_OF)


def test_messages_for_the_log_name_no_person() -> None:
    said = readable("duplicate key\nDETAIL:  Key (email)=(ada@example.com) already exists.\nfor ada@example.com")
    assert said == "duplicate key for <address>"
