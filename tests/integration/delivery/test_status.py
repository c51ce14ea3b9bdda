"""What `rapport deliver status` and the metrics tell."""

from typing import Any

from psycopg.types.json import Jsonb

from rapport.delivery import controls
from rapport.delivery.metrics import text
from rapport.delivery.status import status

from .conftest import NOW


def test_the_table_says_what_a_person_asks_first(shop: Any) -> None:
    ids = shop.plan(3)
    shop.conn.execute(
        "update ops.send set state = 'unknown', attempt_no = 1, unknown_since = clock_timestamp() - interval '90 s'"
        " where send_id = %s",
        (ids[0],),
    )
    shop.event(ids[0], "processed")
    controls.stop(shop.settings, wait_seconds=0)
    controls.pause_campaign(shop.settings, "hello", "a wrong price")
    found = status(shop.settings, shop.clock)
    assert found.states == {"hello": {"pending": 2, "unknown": 1}}
    assert (found.unknown, found.inbox, found.kill_switch) == (1, 1, True)
    assert 90 <= found.unknown_age_seconds < 3600
    lines = str(found).splitlines()
    assert lines[0].split() == ["campaign", "pending", "unknown"]
    assert lines[1].split() == ["hello", "2", "1"]
    assert any("KILL SWITCH" in line for line in lines)
    assert "paused: hello (a wrong price)" in lines


def test_an_empty_ledger_has_a_status_too(shop: Any) -> None:
    found = status(shop.settings, shop.clock)
    assert (found.states, found.kill_switch, found.unknown, found.against) == ({}, False, 0, ())
    assert "campaign" in str(found)


def test_what_slows_or_stops_mail_is_named(shop: Any) -> None:
    shop.plan(1)
    controls.set_rate(shop.settings, "all", "*", 7200)
    controls.set_rate(shop.settings, "mailbox", "gmail", 600)
    controls.set_warm_up(shop.settings, "shop.example", NOW.date(), [50, 100])
    shop.conn.execute("update ops.occurrence set canary_wait_seconds = 60, held_because = 'two bounced'")
    stop = Jsonb({"because": "0.4 % complaints"})
    shop.conn.execute("update ops.control set value = %s where name = 'marketing_stop'", (stop,))
    against = status(shop.settings, shop.clock).against
    assert against == (
        "MARKETING IS STOPPED: 0.4 % complaints; `rapport deliver reset` lifts it",
        "the rest of hello 2027-03-01 waits for its canaries: two bounced",
        "rate: at most 7,200 messages an hour",
        "rate of mailbox gmail: at most 600 messages an hour",
        "warm-up of shop.example: 0 of today's 50 have left",
    )


def test_a_mail_that_the_provider_took_in_twice_is_counted(shop: Any) -> None:
    ids = shop.plan(2)
    for send_id in ids:
        shop.conn.execute(
            "insert into ops.send_attempt (send_id, attempt_no, fence, batch_id, intent_at, outcome, allowed_because)"
            " values (%s, 1, 1, gen_random_uuid(), clock_timestamp(), 'accepted', 'first attempt')",
            (send_id,),
        )
    shop.event(ids[0], "processed", minutes=1, sg_message_id="a")
    shop.event(ids[0], "processed", minutes=2, sg_message_id="b")
    shop.event(ids[1], "processed", minutes=1, sg_message_id="c")
    shop.event(ids[1], "processed", minutes=2, sg_message_id="c")
    found = status(shop.settings, shop.clock)
    assert found.duplicates == 1
    assert "SENT TWICE: 1" in str(found)


def test_metrics_hold_figures_and_no_person(shop: Any) -> None:
    shop.plan(3)
    found = text(shop.settings, shop.clock)
    assert 'rapport_sends{campaign="hello",state="pending"} 3.0' in found
    for name in ("unknown_age_seconds", "quarantined", "duplicate_processed", "evidence_gate_open", "kill_switch"):
        assert f"rapport_{name} 0.0" in found
    assert "ada" not in found.lower()
