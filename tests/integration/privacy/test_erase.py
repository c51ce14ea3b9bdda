"""Erasing a person removes them everywhere but for what says never to write again, and touches nobody else."""

from datetime import UTC, datetime
from typing import Any

import pytest
from typer.testing import CliRunner

from rapport.clock import FixedClock
from rapport.db import connect
from rapport.errors import DataError
from rapport.keys import recipient_key
from rapport.privacy import erase
from rapport.settings import Settings

AT = FixedClock(datetime(2026, 4, 1, tzinfo=UTC))
ADA = "ada@example.com"
# Whatever could name Ada, wherever it could stand.
MARKS = ("ada@example.com", "ada lovelace", "customer/1", "files:till:9")
SCHEMAS = (
    *("raw_shopify", "raw_zendesk", "raw_bluesky", "raw_files", "raw_web", "landing", "identity", "scores", "ops"),
    *("raw_shopify_staging", "raw_zendesk_staging", "raw_bluesky_staging"),
)


def everything(settings: Settings) -> dict[str, list[str]]:
    """Every row of every table a person could stand in, as text."""
    with connect(settings=settings) as conn:
        tables = conn.execute(
            "select schemaname || '.' || tablename as name from pg_tables where schemaname = any(%s)"
            " and tablename !~ '^_dlt'",
            (list(SCHEMAS),),
        ).fetchall()
        return {
            table["name"]: [
                row["line"]
                for row in conn.execute(f"select lower(t::text) as line from {table['name']} as t order by 1")  # type: ignore[arg-type]
            ]
            for table in tables
        }


def naming_ada(found: dict[str, list[str]]) -> dict[str, Any]:
    named = {name: [line for line in lines if any(mark in line for mark in MARKS)] for name, lines in found.items()}
    return {name: lines for name, lines in named.items() if lines}


def test_nothing_names_the_person_afterwards_and_nobody_else_is_touched(shop: Settings) -> None:
    before = everything(shop)
    assert len(naming_ada(before)) >= 12
    report = erase(shop, AT, ADA)
    after = everything(shop)
    assert naming_ada(after) == {}
    assert (report.profiles, report.probable_profiles) == (3, 1)
    for name in ("raw_shopify.orders", "raw_shopify.customers", "identity.members", "ops.send", "scores.churn"):
        bens = [line for line in before[name] if "ben@" in line or "customer/2" in line or "c-ben" in line]
        assert bens
        assert set(bens) <= set(after[name])


def test_sums_stay_and_the_address_is_never_written_to_again(shop: Settings) -> None:
    erase(shop, AT, ADA)
    with connect("engine", settings=shop) as conn:
        orders = conn.execute("select count(*) as n, sum(total_amount) as total from raw_shopify.orders").fetchone()
        stop = conn.execute("select recipient_key, topic, reason from ops.suppression").fetchall()
        raw = conn.execute("select raw from ops.webhook_inbox where event_id = 'e-ada'").fetchone()
    assert orders == {"n": 3, "total": 90}
    assert stop == [{"recipient_key": recipient_key(shop, ADA), "topic": "*", "reason": "erasure"}]
    assert raw == {"raw": {"sg": 1}}


def test_a_dry_run_counts_the_same_and_changes_nothing(shop: Settings) -> None:
    before = everything(shop)
    planned = erase(shop, AT, "Ada@Example.com", dry_run=True)
    assert everything(shop) == before
    assert erase(shop, AT, ADA) == planned
    again = erase(shop, AT, ADA)
    assert {name: count for name, count in again.rows.items() if count} == {}


def test_an_address_of_several_people_erases_nobody(shop: Settings) -> None:
    before = everything(shop)
    with pytest.raises(DataError, match="2 customers share this address"):
        erase(shop, AT, "front@office.example")
    with pytest.raises(DataError, match="not an e-mail address"):
        erase(shop, AT, "nobody")
    assert everything(shop) == before


def test_the_command_asks_first(shop: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from rapport.cli import privacy

    monkeypatch.setattr(privacy, "get_settings", lambda: shop)
    before = everything(shop)
    refused = CliRunner().invoke(privacy.app, ["erase", ADA], input="n\n")
    assert (refused.exit_code, everything(shop)) == (1, before)
    assert "profiles of this person: 3" in refused.output
    done = CliRunner().invoke(privacy.app, ["erase", ADA, "--yes"])
    assert done.exit_code == 0
    assert naming_ada(everything(shop)) == {}


def test_a_device_that_two_share_keeps_what_the_other_did(shop: Settings) -> None:
    report = erase(shop, AT, ADA)
    with connect("engine", settings=shop) as conn:
        left = {row["message_id"] for row in conn.execute("select message_id from raw_web.events")}
    assert {name for name in left if not name.endswith("stays")} == set()
    assert len(left) == 7
    assert report.rows["raw_web.events"] == 9


def test_a_number_that_somebody_elses_store_account_has_is_not_the_persons(shop: Settings) -> None:
    with connect(settings=shop) as conn:
        conn.execute("update identity.members set profile_key = 'files:till:2' where profile_key = 'files:till:9'")
    erase(shop, AT, ADA)
    with connect("engine", settings=shop) as conn:
        bens = conn.execute("select count(*) as n from raw_web.events where message_id like '%% stays'").fetchone()
    assert bens == {"n": 7}


def test_another_address_of_the_same_person_is_forgotten_too(shop: Settings) -> None:
    other = "a.lovelace@example.com"
    with connect(settings=shop) as conn:
        conn.execute("update intermediate.int_profiles set email = %s where profile_key = 'files:till:9'", (other,))
        conn.execute("insert into ops.recipient values (%s, %s, '2026-03-01')", (recipient_key(shop, other), other))
    erase(shop, AT, ADA)
    with connect("engine", settings=shop) as conn:
        addresses = conn.execute("select address from ops.recipient where address is not null").fetchall()
        stopped = conn.execute("select recipient_key from ops.suppression").fetchall()
    assert addresses == [{"address": "ben@example.com"}]
    assert {row["recipient_key"] for row in stopped} == {recipient_key(shop, ADA), recipient_key(shop, other)}


def test_the_log_says_that_somebody_was_erased_and_not_who(shop: Settings) -> None:
    erase(shop, AT, ADA)
    with connect("engine", settings=shop) as conn:
        logged = conn.execute("select action, object, detail from ops.audit_log").fetchall()
    assert [(row["action"], row["object"], set(row["detail"])) for row in logged] == [("erase", "privacy", {"rows"})]
