"""Claiming due sends: one committed statement that judges them and records the intent to send."""

from datetime import datetime
from uuid import UUID

from rapport.db import load_queries
from rapport.delivery.limits import Limits
from rapport.delivery.records import Claim, Claimed
from rapport.delivery.worker import LOCK_SPACE, Worker

SQL = load_queries("rapport.delivery", "claim.sql")
_FIELDS = tuple(Claimed.__dataclass_fields__)


async def claim_batch(worker: Worker, limits: Limits, now: datetime, batch: int, batch_id: UUID) -> Claim:
    """Claims at most `batch` sends that are due at `now`. Raises TransientError when the session is lost; give
    `batch_id` to `settle.return_batch` then."""
    values = {
        "now": now,
        "batch": batch,
        "batch_id": batch_id,
        "space": LOCK_SPACE,
        "epoch": worker.epoch,
        "lease_seconds": limits.lease_seconds,
    }
    found = await worker.rows(SQL["claim_batch"], values)
    states = [row["state"] for row in found]
    return Claim(
        rows=tuple(Claimed(**{name: row[name] for name in _FIELDS}) for row in found if row["state"] == "sending"),
        suppressed=states.count("suppressed"),
        expired=states.count("expired"),
    )


async def soonest_wait(worker: Worker, now: datetime) -> float | None:
    """Real seconds until a due send that waits for its time may be claimed; None when none waits."""
    rows = await worker.rows(SQL["soonest_wait"], {"now": now})
    seconds = rows[0]["seconds"]
    return None if seconds is None else float(seconds)
