"""Evidence: what events prove, whatever their order, and what silence may mean."""

import random
import threading
from datetime import timedelta
from typing import Any

import pytest

from rapport.delivery import Limits, ReconcileReport, inbox, reconcile_once, run_dispatcher
from rapport.delivery.worker import LOCK_SPACE
from rapport.keys import uuid7

QUICK = Limits(connect_seconds=0.5, read_seconds=1, deadline_seconds=2, lease_seconds=3, window_seconds=4)


def dispatch(shop: Any) -> Any:
    return run_dispatcher(shop.settings, shop.clock, until_idle=True, limits=QUICK)


def reconcile(shop: Any) -> ReconcileReport:
    return reconcile_once(shop.settings, shop.clock)


def unknown_send(shop: Any, provider: Any, policy: str, minutes_ago: float) -> Any:
    (send_id,) = shop.plan(1, policy=policy, prefix="eve")
    provider.behave = lambda address: "drop" if address.startswith("eve") else "accept"
    dispatch(shop)
    age = timedelta(minutes=minutes_ago)
    shop.conn.execute("update ops.send set unknown_since = unknown_since - %s where send_id = %s", (age, send_id))
    shop.conn.execute("update ops.send_attempt set intent_at = intent_at - %s where send_id = %s", (age, send_id))
    return send_id


def test_an_event_proves_that_a_lost_answer_was_a_yes(shop: Any, provider: Any) -> None:
    send_id = unknown_send(shop, provider, "at_most_once", 0)
    shop.event(send_id, "processed")
    assert reconcile(shop).proved == 1
    row = shop.row(send_id)
    assert (row["state"], row["engagement"], row["unknown_since"]) == ("accepted", "processed", None)
    dispatch(shop)
    assert provider.accepted[str(send_id)] == 1


def test_at_most_once_ends_in_quarantine_and_a_late_event_still_upgrades_it(shop: Any, provider: Any) -> None:
    send_id = unknown_send(shop, provider, "at_most_once", 20)
    assert reconcile(shop).quarantined == 1
    assert shop.row(send_id)["state"] == "quarantined"
    dispatch(shop)
    assert provider.requests == 1
    shop.event(send_id, "delivered", minutes=600)
    reconcile(shop)
    row = shop.row(send_id)
    assert (row["state"], row["engagement"]) == ("accepted", "delivered")
    assert row["reason"] == "proved by a provider event; was quarantined"


def test_nothing_is_given_up_before_the_window_is_over(shop: Any, provider: Any) -> None:
    send_id = unknown_send(shop, provider, "at_most_once", 14)
    assert reconcile(shop).quarantined == 0
    assert shop.row(send_id)["state"] == "unknown"


def neighbours(shop: Any, provider: Any, told: int) -> None:
    """Forty answered attempts around the doubtful one, the first `told` of them with their event."""
    ids = shop.plan(40, prefix="bob")
    dispatch(shop)
    shop.conn.execute(
        "update ops.send_attempt set intent_at = intent_at - interval '10 minutes' where outcome = 'accepted'"
    )
    for send_id in ids[:told]:
        shop.event(send_id, "processed")


def test_at_least_once_repeats_only_through_the_open_gate(shop: Any, provider: Any) -> None:
    send_id = unknown_send(shop, provider, "at_least_once", 20)
    neighbours(shop, provider, told=40)
    report = reconcile(shop)
    assert (report.gate_open, report.released) == (True, 1)
    provider.behave = lambda address: "accept"
    dispatch(shop)
    second = shop.attempts(send_id)[1]
    assert second["allowed_because"] == "not accepted, by evidence: 40 of 40 attempts around it have events"
    assert shop.row(send_id)["state"] == "accepted"


@pytest.mark.parametrize("told", [0, 39])
def test_late_webhooks_shut_the_gate_and_nothing_is_doubled(shop: Any, provider: Any, told: int) -> None:
    send_id = unknown_send(shop, provider, "at_least_once", 20)
    neighbours(shop, provider, told=told)
    report = reconcile(shop)
    assert (report.gate_open, report.released) == (False, 0)
    assert shop.row(send_id)["state"] == "unknown"


def test_an_event_after_the_release_takes_the_repetition_back(shop: Any, provider: Any) -> None:
    send_id = unknown_send(shop, provider, "at_least_once", 20)
    neighbours(shop, provider, told=40)
    reconcile(shop)
    assert shop.row(send_id)["state"] == "pending"
    shop.event(send_id, "processed")
    reconcile(shop)
    dispatch(shop)
    assert provider.accepted[str(send_id)] == 1
    assert shop.row(send_id)["state"] == "accepted"


def claim_and_die(shop: Any, send_id: Any, epoch: int) -> None:
    shop.conn.execute(
        "update ops.send set state = 'sending', attempt_no = 1, fence = 7, owner_epoch = %s,"
        " lease_until = clock_timestamp() - interval '1 second' where send_id = %s",
        (epoch, send_id),
    )
    shop.conn.execute(
        "insert into ops.send_attempt (send_id, attempt_no, fence, batch_id, intent_at, allowed_because)"
        " values (%s, 1, 7, gen_random_uuid(), clock_timestamp(), 'first attempt')",
        (send_id,),
    )


def test_a_dead_workers_sends_become_unknown(shop: Any) -> None:
    (send_id,) = shop.plan(1)
    claim_and_die(shop, send_id, 900)
    assert reconcile(shop).orphaned == 1
    assert shop.row(send_id)["state"] == "unknown"
    assert shop.attempts(send_id)[0]["outcome"] == "unknown"


def test_a_frozen_worker_keeps_its_sends_while_it_holds_its_lock(shop: Any) -> None:
    (send_id,) = shop.plan(1)
    claim_and_die(shop, send_id, 901)
    shop.conn.execute("select pg_advisory_lock(%s, 901)", (LOCK_SPACE,))
    assert reconcile(shop).orphaned == 0
    assert shop.row(send_id)["state"] == "sending"


STORY = (
    ("processed", 1, {}),
    ("deferred", 2, {}),
    ("delivered", 3, {}),
    ("open", 4, {"sg_machine_open": True}),
    ("open", 50, {"sg_machine_open": False}),
    ("click", 51, {}),
    ("group_unsubscribe", 52, {}),
    ("spamreport", 53, {}),
)


@pytest.mark.parametrize("seed", range(6))
def test_any_order_and_repetition_of_events_gives_the_same_tables(shop: Any, provider: Any, seed: int) -> None:
    ids = shop.plan(4)
    provider.behave = lambda address: "drop" if address.startswith(("ada1", "ada2")) else "accept"
    dispatch(shop)
    events = [(send_id, *step) for at, send_id in enumerate(ids) for step in STORY[: 2 * (at + 1)]]
    told = events * 2
    if seed:
        random.Random(seed).shuffle(told)
    size = 1 + seed * 3
    for start in range(0, len(told), size):
        for send_id, event, minutes, raw in told[start : start + size]:
            shop.event(send_id, event, minutes=minutes, **raw)
        reconcile(shop)
    rows = [shop.row(send_id) for send_id in ids]
    assert [row["engagement"] for row in rows] == ["deferred", "delivered", "clicked", "complained"]
    assert {row["state"] for row in rows} == {"accepted"}
    assert rows[1]["accepted_at"] == shop.clock.at + timedelta(minutes=1)
    assert rows[1]["reason"] == "proved by a provider event; was unknown"
    facts = shop.conn.execute("select topic, reason, source from ops.suppression order by reason").fetchall()
    assert [(fact["topic"], fact["reason"]) for fact in facts] == [("*", "complaint"), ("marketing", "unsubscribe")]


def test_a_hard_bounce_suppresses_and_a_block_does_not(shop: Any, provider: Any) -> None:
    hard, blocked = shop.plan(2)
    dispatch(shop)
    shop.event(hard, "bounce", type="bounce", status="5.1.1")
    shop.event(blocked, "bounce", type="blocked", status="5.7.1")
    reconcile(shop)
    facts = shop.conn.execute("select recipient_key, topic, reason from ops.suppression").fetchall()
    assert facts == [{"recipient_key": shop.row(hard)["recipient_key"], "topic": "*", "reason": "hard_bounce"}]


def test_events_of_sends_that_were_never_planned_harm_nobody(shop: Any) -> None:
    (send_id,) = shop.plan(1)
    shop.event(uuid7(), "processed")
    report = reconcile(shop)
    assert (report.events, report.foreign, report.proved) == (1, 1, 0)
    assert shop.row(send_id)["state"] == "pending"


def test_overdue_rows_expire_though_the_campaign_is_paused(shop: Any, provider: Any) -> None:
    late, waiting = shop.plan(2)
    shop.conn.execute(
        "update ops.send set due_at = due_at - interval '1 day', expires_at = %s where send_id = %s",
        (shop.clock.at, late),
    )
    shop.conn.execute("update ops.campaign set paused = true")
    assert reconcile(shop).expired == 1
    assert (shop.row(late)["state"], shop.row(late)["reason"]) == ("expired", "not sent before it expired")
    assert shop.row(waiting)["state"] == "pending"
    shop.conn.execute("update ops.campaign set paused = false")
    dispatch(shop)
    assert provider.accepted == {str(waiting): 1}


def test_silence_about_what_was_attempted_before_a_restore_proves_nothing(shop: Any, provider: Any) -> None:
    send_id = unknown_send(shop, provider, "at_least_once", 20)
    neighbours(shop, provider, told=40)
    shop.conn.execute(
        "insert into ops.adoption (adoption_id, adopted_by, adopted_at, forced, details)"
        " values (gen_random_uuid(), 'the engineer', %s, true, '{}')",
        (shop.clock.at,),
    )
    report = reconcile(shop)
    assert (report.gate_open, report.released) == (None, 0)
    assert shop.row(send_id)["state"] == "unknown"


def test_two_reconcilers_at_once_read_each_event_once(shop: Any, provider: Any, monkeypatch: Any) -> None:
    ids = shop.plan(60)
    dispatch(shop)
    monkeypatch.setattr(inbox, "EVENTS_PER_ROUND", 7)
    for send_id in ids:
        shop.event(send_id, "delivered")
        shop.event(send_id, "bounce", type="bounce", status="5.1.1")
    reports: list[ReconcileReport] = []
    threads = [threading.Thread(target=lambda: reports.append(reconcile(shop))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reports) == 4
    assert sum(report.events for report in reports) == 120
    assert sum(report.suppressions for report in reports) == 60
