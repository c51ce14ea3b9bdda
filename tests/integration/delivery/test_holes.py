"""Schedules that the model of the protocol found, one test each: see docs/delivery-model.md."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from rapport.db import connect
from rapport.delivery import reconcile_once, run_dispatcher
from rapport.delivery.records import Settlement
from rapport.delivery.settle import return_batch, settle
from rapport.delivery.worker import LOCK_SPACE, Worker
from rapport.errors import TransientError
from rapport.keys import recipient_key, uuid7

from .conftest import NOW
from .test_reconcile import neighbours, unknown_send


def test_a_refusal_from_a_clock_that_is_ahead_counts_at_once(shop: Any, provider: Any) -> None:
    (send_id,) = shop.plan(1)
    shop.conn.execute(
        "insert into ops.consent_fact (recipient_key, topic, granted, occurred_at, source, how, source_record_id)"
        " values (%s, 'marketing', false, %s, 'shopify', 'account', 'later')",
        (shop.row(send_id)["recipient_key"], NOW + timedelta(seconds=5)),
    )
    run_dispatcher(shop.settings, shop.clock, until_idle=True)
    assert (shop.row(send_id)["state"], provider.requests) == ("suppressed", 0)


def test_a_grant_from_a_clock_that_is_ahead_waits_for_its_time(shop: Any, provider: Any) -> None:
    (send_id,) = shop.plan(1)
    shop.conn.execute("update ops.consent_fact set occurred_at = %s", (NOW + timedelta(seconds=5),))
    run_dispatcher(shop.settings, shop.clock, until_idle=True)
    assert (shop.row(send_id)["state"], provider.requests) == ("suppressed", 0)


def test_silence_after_a_burst_is_no_evidence_while_nothing_later_was_told_of(shop: Any, provider: Any) -> None:
    """All neighbours lie before the doubtful one, and one much later has its event: a receiver was down in between."""
    send_id = unknown_send(shop, provider, "at_least_once", 20)
    neighbours(shop, provider, told=40)
    shop.conn.execute(
        "update ops.send_attempt set intent_at = clock_timestamp() - interval '25 minutes' where outcome = 'accepted'"
    )
    shop.conn.execute(
        "update ops.send_attempt set intent_at = clock_timestamp() - interval '1 minute'"
        " where send_id = (select send_id from ops.send_attempt where outcome = 'accepted' limit 1)"
    )
    report = reconcile_once(shop.settings, shop.clock)
    assert (report.gate_open, report.released) == (False, 0)
    assert shop.row(send_id)["state"] == "unknown"


def test_what_waits_behind_a_shut_gate_is_given_up_once_it_is_too_late_to_send(shop: Any, provider: Any) -> None:
    send_id = unknown_send(shop, provider, "at_least_once", 20)
    assert reconcile_once(shop.settings, shop.clock).quarantined == 0
    shop.conn.execute("update ops.send set due_at = due_at - interval '1 day', expires_at = %s", (NOW,))
    assert reconcile_once(shop.settings, shop.clock).quarantined == 1
    assert shop.row(send_id)["state"] == "quarantined"


def test_an_answer_that_comes_after_we_gave_up_waiting_is_proof(shop: Any, provider: Any) -> None:
    send_id = unknown_send(shop, provider, "at_most_once", 20)
    reconcile_once(shop.settings, shop.clock)
    row = shop.row(send_id)
    assert row["state"] == "quarantined"
    late = [Settlement(send_id, row["fence"], "accepted", "accepted", "", NOW, 202, "m1")]

    async def write() -> None:
        async with Worker(shop.settings) as worker:
            await settle(worker, late)

    asyncio.run(write())
    assert shop.row(send_id)["state"] == "accepted"


def test_a_claim_is_not_returned_while_the_session_that_made_it_may_still_commit(shop: Any) -> None:
    batch = uuid7()

    async def give_back(epoch: int) -> int:
        async with Worker(shop.settings) as worker:
            return await return_batch(worker, batch, epoch)

    with connect("engine", settings=shop.settings, autocommit=True) as lost:
        lost.execute("select pg_advisory_lock(%s, 4711)", (LOCK_SPACE,))
        with pytest.raises(TransientError, match="has not ended yet"):
            asyncio.run(give_back(4711))
    assert asyncio.run(give_back(4711)) == 0


@pytest.mark.parametrize(("event", "reason"), [("spamreport", "complaint"), ("unsubscribe", "unsubscribe")])
def test_who_complains_about_a_mail_that_a_restore_forgot_is_heard(shop: Any, event: str, reason: str) -> None:
    shop.event(UUID(int=77), event, email="Ada@Post.Example")
    assert reconcile_once(shop.settings, shop.clock).suppressions == 1
    found = shop.conn.execute("select recipient_key, topic, reason from ops.suppression").fetchall()
    key = recipient_key(shop.settings, "ada@post.example")
    assert found == [{"recipient_key": key, "topic": "*", "reason": reason}]
