"""Who goes first, how fast, and what holds a message back: judged inside the claim."""

import asyncio
import threading
from datetime import date, timedelta
from typing import Any

import pytest

from rapport.clock import FixedClock
from rapport.delivery import Limits, run_dispatcher
from rapport.delivery.claim import claim_batch, open_lanes
from rapport.delivery.records import Claim, Lane
from rapport.delivery.worker import Worker
from rapport.errors import PermanentError
from rapport.keys import uuid7

from .conftest import NOW

LIMITS = Limits()
TODAY = NOW.date()
LANE = Lane("hello", "2027-03-01", "rest", canary=True)


def claim(shop: Any, lane: Lane = LANE, batch: int = 100, today: date = TODAY) -> Claim:
    async def once() -> Claim:
        async with Worker(shop.settings) as worker:
            return await claim_batch(
                worker, LIMITS, lane, shop.clock.now(), batch, uuid7(), today=today, sending_domain="shop.example"
            )

    return asyncio.run(once())


def lanes(shop: Any) -> list[Lane]:
    async def once() -> list[Lane]:
        async with Worker(shop.settings) as worker:
            return await open_lanes(worker, shop.clock.now())

    return asyncio.run(once())


def another_campaign(shop: Any, name: str, priority: int = 50, definition: str = "{}") -> None:
    shop.conn.execute(
        "insert into ops.campaign (campaign_id, kind, topic, policy, priority, definition, version, updated_at)"
        " values (%s, 'broadcast', 'marketing', 'at_most_once', %s, %s, '1', %s)",
        (name, priority, definition, NOW),
    )
    shop.conn.execute(
        "insert into ops.occurrence (campaign_id, occurrence_key, planned_at, waterfall) values (%s, 'o', %s, '{}')",
        (name, NOW),
    )


def move(shop: Any, send_ids: list[Any], **to: Any) -> None:
    columns = ", ".join(f"{column} = %s" for column in to)
    shop.conn.execute(f"update ops.send set {columns} where send_id = any(%s)", (*to.values(), send_ids))


def hours(*spans: tuple[int, int]) -> str:
    """Hours from NOW on, as a multirange."""
    return "{" + ",".join(f"[{NOW + timedelta(hours=a)},{NOW + timedelta(hours=b)})" for a, b in spans) + "}"


def test_the_more_urgent_campaign_goes_first(shop: Any) -> None:
    another_campaign(shop, "receipt", priority=90)
    shop.plan(1)
    later = shop.plan(1, prefix="bob")
    move(shop, later, campaign_id="receipt", occurrence_key="o", due_at=NOW - timedelta(minutes=1))
    assert [lane.campaign_id for lane in lanes(shop)] == ["receipt", "hello"]


def test_a_rate_bounds_what_all_claims_together_take(shop: Any) -> None:
    shop.plan(30)
    shop.conn.execute(
        "insert into ops.throttle (scope, key, per_second, burst, tokens) values ('campaign', 'hello', 0.001, 10, 10)"
    )
    taken = [len(claim(shop, batch=6).rows) for _ in range(4)]
    assert taken == [6, 4, 0, 0]


def test_the_tightest_of_several_rates_holds_and_each_is_charged(shop: Any) -> None:
    shop.plan(9)
    shop.conn.execute(
        "insert into ops.throttle (scope, key, per_second, burst, tokens)"
        " values ('all', '*', 0.001, 8, 8), ('mailbox', 'rest', 0.001, 3, 3), ('mailbox', 'gmail', 0.001, 1, 1)"
    )
    assert len(claim(shop).rows) == 3
    left = {row["key"]: round(row["tokens"]) for row in shop.conn.execute("select key, tokens from ops.throttle")}
    assert left == {"*": 5, "rest": 0, "gmail": 1}


def test_a_bucket_refills_with_real_time_up_to_its_burst(shop: Any) -> None:
    shop.plan(9)
    shop.conn.execute(
        "insert into ops.throttle (scope, key, per_second, burst, tokens, refilled_at)"
        " values ('campaign', 'hello', 1, 4, 0, clock_timestamp() - interval '1 hour')"
    )
    assert len(claim(shop).rows) == 4


@pytest.mark.parametrize(
    ("started_on", "expected"),
    [(TODAY, 5), (TODAY - timedelta(days=1), 8), (TODAY - timedelta(days=2), 12)],
    ids=["first day", "second day", "after the ramp"],
)
def test_a_new_domain_sends_what_its_day_allows(shop: Any, started_on: date, expected: int) -> None:
    shop.plan(12)
    shop.conn.execute(
        "insert into ops.warm_up (sending_domain, started_on, daily_limits) values ('shop.example', %s, '{5,8}')",
        (started_on,),
    )
    assert sum(len(claim(shop, batch=4).rows) for _ in range(4)) == expected


def test_a_domain_whose_warm_up_begins_tomorrow_sends_nothing(shop: Any) -> None:
    shop.plan(2)
    shop.conn.execute(
        "insert into ops.warm_up (sending_domain, started_on, daily_limits) values ('shop.example', %s, '{5}')",
        (TODAY + timedelta(days=1),),
    )
    assert claim(shop).rows == ()


def test_the_next_day_has_a_count_of_its_own(shop: Any) -> None:
    shop.plan(12)
    shop.conn.execute(
        "insert into ops.warm_up (sending_domain, started_on, daily_limits) values ('shop.example', %s, '{5,6}')",
        (TODAY,),
    )
    assert len(claim(shop).rows) == 5
    assert len(claim(shop, today=TODAY + timedelta(days=1)).rows) == 6


def test_a_late_mail_waits_for_the_readers_morning(shop: Any) -> None:
    (send_id,) = shop.plan(1)
    move(shop, [send_id], open_during=hours((-9, -1), (2, 5)))
    found = claim(shop)
    assert (found.held, found.rows) == (1, ())
    row = shop.row(send_id)
    assert (row["state"], row["due_at"], row["attempt_no"]) == ("pending", NOW + timedelta(hours=2), 0)
    shop.clock = FixedClock(NOW + timedelta(hours=2))
    assert len(claim(shop).rows) == 1


def test_a_mail_whose_last_open_hour_is_over_expires(shop: Any) -> None:
    (send_id,) = shop.plan(1)
    move(shop, [send_id], open_during=hours((-9, -1)))
    assert claim(shop).expired == 1
    assert shop.row(send_id)["reason"] == "not sent before its last open hour"


def test_the_cap_holds_inside_the_claim(shop: Any) -> None:
    cap = '{"frequency_cap": {"max": 1, "days": 7}}'
    shop.conn.execute("update ops.campaign set definition = %s where campaign_id = 'hello'", (cap,))
    another_campaign(shop, "other", definition=cap)
    (first,) = shop.plan(1)
    shop.conn.execute(
        "insert into ops.send (send_id, campaign_id, occurrence_key, recipient_key, customer_id, topic, policy, due_at,"
        " expires_at, template_version, context, planned_at)"
        " select %s, 'other', 'o', recipient_key, customer_id, topic, policy, due_at, expires_at, template_version,"
        " context, planned_at from ops.send where send_id = %s",
        (uuid7(), first),
    )
    assert len(claim(shop).rows) == 1
    found = claim(shop, Lane("other", "o", "rest", canary=True))
    assert (found.suppressed, found.rows) == (1, ())


def test_the_rest_waits_until_the_first_wave_is_released(shop: Any) -> None:
    rest = shop.plan(5)[1:]
    move(shop, rest, canary=False)
    shop.conn.execute("update ops.occurrence set canary_wait_seconds = 60")
    assert lanes(shop) == [LANE]
    held_back = Lane("hello", "2027-03-01", "rest", canary=False)
    assert claim(shop, held_back).rows == ()
    shop.conn.execute("update ops.occurrence set released_at = %s", (NOW,))
    assert lanes(shop) == [held_back, LANE] or lanes(shop) == [LANE, held_back]
    assert len(claim(shop, held_back).rows) == 4


def test_a_stop_of_marketing_lets_receipts_go(shop: Any) -> None:
    another_campaign(shop, "receipt")
    shop.conn.execute("update ops.campaign set policy = 'at_least_once' where campaign_id = 'receipt'")
    shop.plan(1)
    receipt = shop.plan(1, policy="at_least_once", prefix="bob")
    move(shop, receipt, campaign_id="receipt", occurrence_key="o")
    shop.conn.execute("""update ops.control set value = '{"because": "complaints"}' where name = 'marketing_stop'""")
    report = run_dispatcher(shop.settings, shop.clock, until_idle=True)
    assert report.accepted == 1
    assert shop.row(receipt[0])["state"] == "accepted"


def test_a_mail_that_was_claimed_is_stopped_before_its_first_byte(shop: Any, provider: Any) -> None:
    """Two leave at once, two more are claimed and wait for a connection while the switch is thrown."""
    shop.plan(6)
    provider.delay = 4.0
    switch = threading.Timer(
        1.0, shop.conn.execute, ("update ops.control set value = 'true' where name = 'kill_switch'",)
    )
    switch.start()
    report = run_dispatcher(shop.settings, shop.clock, seconds=6, concurrency=2)
    switch.join()
    assert (report.accepted, report.retried) == (2, 2)
    assert shop.states() == {"accepted": 2, "pending": 4}
    reasons = [row["reason"] for row in shop.conn.execute("select reason from ops.send where attempt_no > 0")]
    assert reasons.count("not sent: the kill switch is on") == 2
    assert sum(provider.accepted.values()) == 2


def test_nothing_leaves_for_a_real_provider_before_preflight_has_passed(shop: Any, provider: Any) -> None:
    shop.plan(1)
    real = shop.settings.model_copy(update={"sendgrid_url": "https://mail.provider.example"})
    with pytest.raises(PermanentError, match="rapport preflight"):
        run_dispatcher(real, shop.clock, until_idle=True)
    assert shop.states() == {"pending": 1}
