"""The breaker stops what harms the sender's name, once, until a person has looked."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from rapport.delivery import breaker, reconcile_once
from rapport.errors import PermanentError


def accepted(shop: Any, number: int, engagement: str = "delivered", prefix: str = "p") -> list[UUID]:
    """Mails of the campaign that the provider took just now."""
    values = {"n": number, "at": shop.clock.at, "engagement": engagement, "prefix": prefix}
    shop.conn.execute(
        "insert into ops.recipient select %(prefix)s || i, i || '@x.example', %(at)s from generate_series(1, %(n)s) i",
        values,
    )
    rows = shop.conn.execute(
        "insert into ops.send (send_id, campaign_id, occurrence_key, recipient_key, customer_id, topic, policy, state,"
        " due_at, expires_at, attempt_no, accepted_at, engagement, template_version, context, planned_at)"
        " select gen_random_uuid(), 'hello', '2027-03-01', %(prefix)s || i, 'c', 'marketing', 'at_most_once',"
        " 'accepted', %(at)s, %(at)s + interval '6 hours', 1, %(at)s, %(engagement)s, 'v1', '{}', %(at)s"
        " from generate_series(1, %(n)s) i returning send_id",
        values,
    ).fetchall()
    return [row["send_id"] for row in rows]


def reconcile(shop: Any) -> int:
    return reconcile_once(shop.settings, shop.clock).trips


def campaign(shop: Any) -> dict[str, Any]:
    return dict(shop.conn.execute("select paused, paused_because, paused_at from ops.campaign").fetchone())


def marketing_stop(shop: Any) -> Any:
    return shop.conn.execute("select value from ops.control where name = 'marketing_stop'").fetchone()["value"]


def trips(shop: Any) -> list[tuple[str, str, str]]:
    rows = shop.conn.execute("select scope, measure, level from ops.breaker_trip order by recorded_at, trip_id")
    return [(row["scope"], row["measure"], row["level"]) for row in rows]


def complain(shop: Any, ids: list[UUID]) -> None:
    for send_id in ids:
        shop.event(send_id, "spamreport")


def test_one_complaint_in_three_mails_stops_nothing(shop: Any) -> None:
    complain(shop, accepted(shop, 3)[:1])
    assert reconcile(shop) == 0
    assert campaign(shop)["paused"] is False
    assert marketing_stop(shop) is False


def test_a_tenth_of_a_percent_pauses_the_campaign_once(shop: Any) -> None:
    ids = accepted(shop, 2000)
    complain(shop, ids[:2])
    assert reconcile(shop) > 0
    found = campaign(shop)
    assert found["paused"] is True
    assert found["paused_because"] == "breaker: campaign hello: 2 complaints of 2000 delivered mails (0.10%)"
    assert found["paused_at"] is not None
    assert marketing_stop(shop) is False
    assert ("campaign", "complaints", "pause") in trips(shop)
    before = trips(shop)
    complain(shop, ids[2:3])
    reconcile(shop)
    assert trips(shop) == before


def test_three_tenths_stop_all_marketing_until_a_person_resets(shop: Any) -> None:
    ids = accepted(shop, 1000)
    complain(shop, ids[:3])
    reconcile(shop)
    assert marketing_stop(shop)["because"].startswith("breaker: ")
    assert "at" in marketing_stop(shop)
    assert breaker.reset(shop.settings, "the engineer") is True
    assert marketing_stop(shop) is False
    assert campaign(shop)["paused"] is True
    assert breaker.reset(shop.settings, "the marketer", "hello") is True
    assert campaign(shop) == {"paused": False, "paused_because": None, "paused_at": None}
    # The old three are forgiven; a fourth alone is one in a thousand.
    shop.event(ids[5], "open")
    assert reconcile(shop) == 0
    assert campaign(shop)["paused"] is False
    complain(shop, ids[6:7])
    reconcile(shop)
    assert campaign(shop)["paused"] is True
    assert marketing_stop(shop) is False


def test_a_warning_is_given_once_a_day(shop: Any) -> None:
    ids = accepted(shop, 6000)
    complain(shop, ids[:5])
    reconcile(shop)
    assert trips(shop) == [("campaign", "complaints", "warn"), ("occurrence", "complaints", "warn"),
                           ("marketing", "complaints", "warn")]  # fmt: skip
    shop.event(ids[9], "bounce", type="bounce", status="5.1.1")
    assert reconcile(shop) == 0
    assert campaign(shop)["paused"] is False


def test_hard_bounces_pause_and_blocks_do_without_suppressing_anybody(shop: Any) -> None:
    ids = accepted(shop, 1000)
    for send_id in ids[:70]:
        shop.event(send_id, "bounce", type="blocked", status="5.7.1")
    reconcile(shop)
    assert "refused because of us" in campaign(shop)["paused_because"]
    assert shop.conn.execute("select count(*) as n from ops.suppression").fetchone()["n"] == 0
    assert [trip for trip in trips(shop) if trip[2] == "pause"] == [("campaign", "blocks", "pause")]


def test_mails_of_yesterday_count_for_their_occurrence_only(shop: Any) -> None:
    ids = accepted(shop, 1000)
    shop.conn.execute("update ops.send set accepted_at = accepted_at - interval '25 hours'")
    for send_id in ids[:20]:
        shop.event(send_id, "bounce", type="bounce", status="5.1.1", minutes=-1600)
    shop.conn.execute("update ops.webhook_inbox set occurred_at = %s", (shop.clock.at - timedelta(hours=25),))
    reconcile(shop)
    assert [trip for trip in trips(shop) if trip[2] != "warn"] == [("occurrence", "hard_bounces", "pause")]


def test_a_pause_by_hand_keeps_its_reason(shop: Any) -> None:
    complain(shop, accepted(shop, 1000)[:2])
    shop.conn.execute("update ops.campaign set paused = true, paused_because = 'wrong price'")
    reconcile(shop)
    assert campaign(shop)["paused_because"] == "wrong price"
    assert breaker.reset(shop.settings, "the marketer", "hello") is False
    assert campaign(shop)["paused"] is True


def test_receipts_are_not_stopped(shop: Any) -> None:
    shop.conn.execute("update ops.campaign set policy = 'at_least_once'")
    complain(shop, accepted(shop, 1000)[:20])
    assert reconcile(shop) == 0
    assert campaign(shop)["paused"] is False


def test_a_pass_without_feedback_counts_nothing(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    complain(shop, accepted(shop, 3)[:1])
    reconcile(shop)
    monkeypatch.delitem(breaker.SQL, "mails_of_the_day")
    assert reconcile(shop) == 0


def test_trips_and_resets_are_never_changed(shop: Any) -> None:
    complain(shop, accepted(shop, 1000)[:3])
    reconcile(shop)
    shop.conn.execute("set role engine")
    for table in ("breaker_trip", "breaker_reset", "feedback"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            shop.conn.execute(f"delete from ops.{table}")
    shop.conn.execute("reset role")


def test_a_reset_of_an_unknown_campaign_names_it(shop: Any) -> None:
    with pytest.raises(PermanentError, match="no campaign 'nope'"):
        breaker.reset(shop.settings, "the marketer", "nope")
