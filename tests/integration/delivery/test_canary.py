"""The rest of a large occurrence leaves only after its canaries proved harmless; whatever is not known holds it."""

from typing import Any
from uuid import UUID

import pytest

from rapport.delivery import Limits, breaker, reconcile_once, run_dispatcher

QUICK = Limits(connect_seconds=0.5, read_seconds=1, deadline_seconds=2, lease_seconds=3, window_seconds=4)


@pytest.fixture
def wave(shop: Any, provider: Any) -> list[UUID]:
    """Twenty canaries that were sent, and ten that wait for them."""
    ids: list[UUID] = shop.plan(20, prefix="canary")
    rest = shop.plan(10, prefix="rest")
    shop.conn.execute("update ops.send set canary = send_id = any(%s)", (ids,))
    shop.conn.execute("update ops.occurrence set canary_wait_seconds = 900")
    run_dispatcher(shop.settings, shop.clock, until_idle=True, limits=QUICK)
    assert {shop.row(send_id)["state"] for send_id in rest} == {"pending"}
    return ids


def wait_is_over(shop: Any) -> None:
    shop.conn.execute("update ops.send_attempt set finished_at = finished_at - interval '16 minutes'")


def occurrence(shop: Any) -> tuple[Any, Any]:
    reconcile_once(shop.settings, shop.clock)
    row = shop.conn.execute("select released_at, held_because from ops.occurrence").fetchone()
    return row["released_at"], row["held_because"]


def test_a_wave_that_ended_well_lets_the_rest_go(shop: Any, wave: list[UUID], provider: Any) -> None:
    assert occurrence(shop) == (None, "events have come for 0 of 20 canaries, 18 are needed")
    for send_id in wave[:18]:
        shop.event(send_id, "processed")
    assert occurrence(shop) == (None, "it waits 900 s after the last canary for complaints and bounces")
    wait_is_over(shop)
    assert occurrence(shop) == (shop.clock.at, None)
    run_dispatcher(shop.settings, shop.clock, until_idle=True, limits=QUICK)
    assert shop.states() == {"accepted": 30}


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ("update ops.campaign set paused = true, paused_because = 'wrong'", "the campaign is paused: wrong"),
        ("update ops.control set value = '{}' where name = 'marketing_stop'", "all marketing is stopped"),
        ("update ops.send set state = 'unknown' where send_id = %s", "of 1 canaries it is not known whether they left"),
        (
            "update ops.send set state = 'pending', attempt_no = 0 where send_id = %s",
            "1 canaries are due and not sent yet",
        ),
        ("update ops.send set state = 'failed' where canary and send_id != %s", "only 1 of 20 canaries were accepted"),
        ("update ops.send set state = 'suppressed' where canary", "only 0 of 0 canaries were accepted"),
        (
            "update ops.send set engagement = 'dropped' where canary",
            "events have come for 0 of 20 canaries, 18 are needed",
        ),
    ],
    ids=["paused", "stopped", "unknown", "waiting", "refused", "nobody", "dropped"],
)
def test_whatever_is_not_known_holds_it(shop: Any, wave: list[UUID], change: str, because: str) -> None:
    for send_id in wave:
        shop.event(send_id, "processed")
    reconcile_once(shop.settings, shop.clock)
    wait_is_over(shop)
    shop.conn.execute("update ops.occurrence set released_at = null")
    shop.conn.execute(change, (wave[0],) if "%s" in change else ())
    assert occurrence(shop) == (None, because)


def test_complaints_about_canaries_hold_the_rest_until_a_person_resets(shop: Any, wave: list[UUID]) -> None:
    for send_id in wave:
        shop.event(send_id, "delivered")
    for send_id in wave[:3]:
        shop.event(send_id, "spamreport")
    wait_is_over(shop)
    released, because = occurrence(shop)
    assert released is None
    assert because.startswith("the campaign is paused: breaker: ")
    breaker.reset(shop.settings, "the marketer", "hello")
    breaker.reset(shop.settings, "the engineer")
    assert occurrence(shop) == (shop.clock.at, None)
