"""What a person's hand does to sending, and what it says afterwards."""

import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from rapport.delivery import controls, run_dispatcher
from rapport.errors import PermanentError

from .conftest import NOW


def test_the_kill_switch_stops_within_seconds_and_says_what_was_under_way(shop: Any, provider: Any) -> None:
    shop.plan(40)
    provider.delay = 1.0
    running = threading.Thread(
        target=run_dispatcher, args=(shop.settings, shop.clock), kwargs={"seconds": 10, "concurrency": 4}
    )
    running.start()
    while provider.requests < 4:
        time.sleep(0.05)
    report = controls.stop(shop.settings)
    asked = provider.requests
    running.join()
    assert provider.requests == asked < 40
    assert report.under_way >= 4
    assert report.ended == {"hello": {**report.ended["hello"]}}
    assert sum(report.ended["hello"].values()) == report.under_way
    assert "sending" not in report.ended["hello"]
    assert f"{report.under_way} messages were under way" in str(report)

    controls.resume(shop.settings)
    provider.delay = 0.0
    shop.conn.execute("update ops.send set not_before = null where state = 'pending'")
    run_dispatcher(shop.settings, shop.clock, until_idle=True)
    assert shop.states() == {"accepted": 40}
    assert set(provider.accepted.values()) == {1}


def test_a_stop_with_nothing_under_way_says_so(shop: Any) -> None:
    shop.plan(1)
    assert str(controls.stop(shop.settings)) == "stopped; nothing was under way"
    assert run_dispatcher(shop.settings, shop.clock, until_idle=True).accepted == 0


def test_a_paused_campaign_waits_and_goes_on_where_it_stopped(shop: Any, provider: Any) -> None:
    shop.plan(3)
    controls.pause_campaign(shop.settings, "hello", "a wrong price")
    assert run_dispatcher(shop.settings, shop.clock, until_idle=True).accepted == 0
    controls.resume_campaign(shop.settings, "hello")
    assert run_dispatcher(shop.settings, shop.clock, until_idle=True).accepted == 3
    assert provider.requests == 3


def test_what_the_breaker_paused_is_not_resumed_without_a_reset(shop: Any) -> None:
    shop.conn.execute("update ops.campaign set paused = true, paused_because = 'breaker: 9 complaints of 900'")
    with pytest.raises(PermanentError, match="rapport deliver reset hello"):
        controls.resume_campaign(shop.settings, "hello")
    assert shop.conn.execute("select paused from ops.campaign").fetchone() == {"paused": True}


def test_an_unknown_campaign_is_named_with_those_there_are(shop: Any) -> None:
    for act in (
        lambda: controls.pause_campaign(shop.settings, "helo", "x"),
        lambda: controls.resume_campaign(shop.settings, "helo"),
        lambda: controls.cancel(shop.settings, "helo", None, "x"),
    ):
        with pytest.raises(PermanentError, match="no campaign 'helo' was ever planned; there are: hello"):
            act()


def test_what_has_not_left_can_be_called_back(shop: Any, provider: Any) -> None:
    now, later = shop.plan(2)
    shop.conn.execute("update ops.send set due_at = %s where send_id = %s", (NOW + timedelta(hours=1), later))
    run_dispatcher(shop.settings, shop.clock, until_idle=True)
    assert controls.cancel(shop.settings, "hello", "another-day", "wrong segment") == 0
    assert controls.cancel(shop.settings, "hello", "2027-03-01", "wrong segment") == 1
    assert (shop.row(now)["state"], shop.row(later)["state"]) == ("accepted", "cancelled")
    assert shop.row(later)["reason"] == "cancelled: wrong segment"
    assert provider.requests == 1


def test_a_rate_is_set_changed_and_lifted(shop: Any) -> None:
    shop.plan(30)
    controls.set_rate(shop.settings, "campaign", "hello", 1800)
    assert 5 <= run_dispatcher(shop.settings, shop.clock, seconds=1).accepted <= 6
    controls.set_rate(shop.settings, "campaign", "hello", None)
    run_dispatcher(shop.settings, shop.clock, until_idle=True)
    assert shop.states() == {"accepted": 30}
    with pytest.raises(PermanentError, match="more than 0"):
        controls.set_rate(shop.settings, "all", "*", 0)


def test_a_warm_up_is_set_and_ended(shop: Any, provider: Any) -> None:
    shop.plan(9)
    controls.set_warm_up(shop.settings, "Shop.Example", NOW.date(), [4])
    assert run_dispatcher(shop.settings, shop.clock, seconds=2).accepted == 4
    controls.clear_warm_up(shop.settings, "shop.example")
    assert run_dispatcher(shop.settings, shop.clock, until_idle=True).accepted == 5


def test_another_secret_sends_nothing_because_it_would_not_know_who_unsubscribed(shop: Any, provider: Any) -> None:
    shop.plan(1)
    run_dispatcher(shop.settings, shop.clock, until_idle=True)
    shop.plan(1, prefix="bob")
    stranger = shop.settings.model_copy(update={"secret_key": "another"})
    with pytest.raises(PermanentError, match="not the one under which this database knows its recipients"):
        run_dispatcher(stranger, shop.clock, until_idle=True)
    assert provider.requests == 1
    assert run_dispatcher(shop.settings, shop.clock, until_idle=True).accepted == 1
