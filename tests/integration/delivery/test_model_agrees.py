"""The model's table of moves holds in the product: on real Postgres each legal move happens, each other is refused."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from rapport.delivery import Limits, reconcile, reconcile_once
from rapport.delivery.claim import claim_batch
from rapport.delivery.records import AttemptOutcome, Lane, Settlement
from rapport.delivery.settle import return_batch, settle
from rapport.delivery.worker import LOCK_SPACE, Worker
from rapport.keys import uuid7
from tests.model import ledger as model

from .conftest import NOW

LANE = Lane("hello", "2027-03-01", "rest", canary=True)
BATCH = uuid7()
OWNER = 4_000
Rows = dict[str, UUID]
Action = Callable[[Any, Rows], None]


def place(shop: Any, policy: str, *, attempted: bool = True) -> Rows:
    """One row in each state, attempted once twenty minutes ago by an owner that is gone, and overdue for whatever
    comes with time."""
    ids = dict(zip(model.STATES, shop.plan(len(model.STATES), policy=policy), strict=True))
    for state, send_id in ids.items():
        shop.conn.execute(
            "update ops.send set state = %s, reason = 'not sent: busy', attempt_no = %s, fence = nextval('ops.fence'),"
            " owner_epoch = %s, lease_until = clock_timestamp() - interval '19 minutes',"
            " unknown_since = clock_timestamp() - interval '19 minutes' where send_id = %s",
            (state, int(attempted), OWNER, send_id),
        )
        if attempted:
            shop.conn.execute(
                "insert into ops.send_attempt (send_id, attempt_no, fence, batch_id, intent_at, allowed_because)"
                " select send_id, 1, fence, %s, clock_timestamp() - interval '20 minutes', 'first attempt'"
                " from ops.send where send_id = %s",
                (BATCH, send_id),
            )
    return ids


def set_all(shop: Any, assignments: str) -> None:
    shop.conn.execute(f"update ops.send set {assignments}")


def with_worker(shop: Any, work: Callable[[Worker], Any]) -> None:
    async def once() -> None:
        async with Worker(shop.settings) as worker:
            await work(worker)

    asyncio.run(once())


def claim(shop: Any, rows: Rows) -> None:
    def work(worker: Worker) -> Any:
        now = shop.clock.now()
        return claim_batch(worker, Limits(), LANE, now, 100, uuid7(), today=now.date(), sending_domain="shop.example")

    with_worker(shop, work)


def suppress(shop: Any, rows: Rows) -> None:
    for send_id in rows.values():
        shop.suppress(send_id)
    claim(shop, rows)


def expire(shop: Any, rows: Rows) -> None:
    set_all(shop, f"expires_at = '{NOW - timedelta(seconds=1)}'")
    claim(shop, rows)


def settle_as(kind: AttemptOutcome, later: int = 0) -> Action:
    """Writes this result for every row, under the fence of its attempt plus `later`."""

    def act(shop: Any, rows: Rows) -> None:
        results = [
            Settlement(send_id, shop.row(send_id)["fence"] + later, kind, model.SETTLED[kind], kind, NOW)  # type: ignore[arg-type]
            for send_id in rows.values()
        ]
        with_worker(shop, lambda worker: settle(worker, results))

    return act


def give_back(shop: Any, rows: Rows) -> None:
    with_worker(shop, lambda worker: return_batch(worker, BATCH, OWNER))


def give_back_another(shop: Any, rows: Rows) -> None:
    with_worker(shop, lambda worker: return_batch(worker, uuid7(), OWNER))


def orphan(shop: Any, rows: Rows) -> None:
    set_all(shop, "unknown_since = clock_timestamp()")
    reconcile_once(shop.settings, shop.clock)


def orphan_of_a_living_owner(shop: Any, rows: Rows) -> None:
    shop.conn.execute("select pg_advisory_lock(%s, %s)", (LOCK_SPACE, OWNER))
    orphan(shop, rows)


def orphan_within_its_lease(shop: Any, rows: Rows) -> None:
    set_all(shop, "lease_until = clock_timestamp() + interval '1 minute'")
    orphan(shop, rows)


def reconcile_without_orphans(shop: Any, rows: Rows) -> None:
    set_all(shop, "lease_until = clock_timestamp() + interval '1 minute'")
    reconcile_once(shop.settings, shop.clock)


def release(shop: Any, rows: Rows, *, untold: int = 0) -> None:
    """The gate is open but for the neighbours without an event."""
    neighbours = shop.plan(model.GATE_LEAST + 5, prefix="bob")
    for at, send_id in enumerate(neighbours):
        shop.conn.execute(
            "insert into ops.send_attempt (send_id, attempt_no, fence, batch_id, intent_at, outcome, http_status,"
            " allowed_because) values (%s, 1, nextval('ops.fence'), %s, clock_timestamp() - interval '12 minutes',"
            " 'accepted', 202, 'first attempt')",
            (send_id, uuid7()),
        )
        if at >= untold:
            shop.event(send_id, "processed")
    shop.conn.execute("update ops.send set state = 'accepted', attempt_no = 1 where send_id = any(%s)", (neighbours,))
    reconcile_without_orphans(shop, rows)


def release_through_a_shut_gate(shop: Any, rows: Rows) -> None:
    release(shop, rows, untold=1)


def evidence(shop: Any, rows: Rows) -> None:
    for send_id in rows.values():
        shop.event(send_id, "processed")
    set_all(shop, "unknown_since = clock_timestamp()")
    reconcile_without_orphans(shop, rows)


def sweep(shop: Any, rows: Rows) -> None:
    """Another database than the one last sent from."""
    shop.conn.execute("delete from ops.control where name = 'database_identity'")
    with_worker(shop, lambda worker: asyncio.sleep(0))
    shop.conn.execute(
        "update ops.control set value = value || '{\"timeline\": \"00000000\"}' where name = 'database_identity'"
    )
    set_all(shop, "unknown_since = clock_timestamp()")
    reconcile_without_orphans(shop, rows)


NOTHING = "nothing"
CASES: dict[str, tuple[str, str, Action]] = {
    "claim": ("claim", model.AT_MOST, claim),
    "claim of a suppressed recipient": ("suppress", model.AT_MOST, suppress),
    "claim after expiry": ("expire", model.AT_MOST, expire),
    "settle accepted": ("settle accepted", model.AT_MOST, settle_as("accepted")),
    "settle not sent": ("settle not_sent", model.AT_MOST, settle_as("not_sent")),
    "settle rejected": ("settle rejected", model.AT_MOST, settle_as("rejected")),
    "settle unknown": ("settle unknown", model.AT_MOST, settle_as("unknown")),
    "settle under another fence": (NOTHING, model.AT_MOST, settle_as("accepted", later=1_000)),
    "return": ("return", model.AT_MOST, give_back),
    "return of another batch": (NOTHING, model.AT_MOST, give_back_another),
    "orphan": ("orphan", model.AT_MOST, orphan),
    "orphan of a living owner": (NOTHING, model.AT_MOST, orphan_of_a_living_owner),
    "orphan within its lease": (NOTHING, model.AT_MOST, orphan_within_its_lease),
    "quarantine": ("quarantine", model.AT_MOST, reconcile_without_orphans),
    "quarantine of at-least-once": (NOTHING, model.AT_LEAST, reconcile_without_orphans),
    "release": ("release", model.AT_LEAST, release),
    "release through a shut gate": (NOTHING, model.AT_LEAST, release_through_a_shut_gate),
    "evidence": ("evidence", model.AT_MOST, evidence),
    "sweep after a restore": ("sweep", model.AT_MOST, sweep),
}


@pytest.mark.parametrize("case", CASES)
def test_a_move_happens_in_the_product_exactly_where_the_model_allows_it(case: str, shop: Any, provider: Any) -> None:
    action, policy, act = CASES[case]
    rows = place(shop, policy)
    act(shop, rows)
    found = {state: shop.row(send_id)["state"] for state, send_id in rows.items()}
    assert found == {state: model.MOVES.get((state, action), state) for state in model.STATES}
    assert provider.requests == 0


def test_every_action_of_the_model_is_tried_but_what_only_a_person_does() -> None:
    assert {action for action, _, _ in CASES.values()} - {NOTHING} == set(model.ACTIONS) - {"cancel"}


def test_an_event_proves_a_send_whose_attempt_a_restore_forgot(shop: Any) -> None:
    rows = place(shop, model.AT_MOST, attempted=False)
    evidence(shop, rows)
    assert {shop.row(send_id)["state"] for send_id in rows.values()} == {"accepted"}


def test_the_model_reckons_with_the_times_and_thresholds_of_the_product() -> None:
    limits = Limits()
    assert (limits.connect_seconds, limits.read_seconds) == (model.CONNECT, model.READ)
    assert (limits.deadline_seconds, limits.lease_seconds) == (model.DEADLINE, model.LEASE)
    assert limits.window_seconds == model.WINDOW
    assert (reconcile.GATE_LEAST, reconcile.GATE_SHARE) == (model.GATE_LEAST, model.GATE_SHARE)
    assert reconcile.GATE_LEAST_AFTER == model.GATE_LEAST_AFTER
    assert timedelta(seconds=model.GATE_MARGIN) == reconcile.GATE_MARGIN
    assert reconcile.GATE_AROUND_SECONDS == model.GATE_AROUND
