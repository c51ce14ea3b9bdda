"""Claiming due sends: judged one by one, and the intent to send on record before a byte leaves."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Any
from uuid import UUID

from rapport.db import Connection, load_queries
from rapport.delivery.limits import Limits
from rapport.delivery.records import Claim, Claimed, Lane
from rapport.delivery.worker import LOCK_SPACE, Worker

SQL = load_queries("rapport.delivery", "pick.sql", "claim.sql", "coupons.sql")
LANES = load_queries("rapport.delivery", "lanes.sql")
_FIELDS = tuple(Claimed.__dataclass_fields__)


async def open_lanes(worker: Worker, now: datetime) -> list[Lane]:
    """Lanes with something due at `now`, the most urgent first. Raises TransientError."""
    return [Lane(**row) for row in await worker.rows(LANES["lanes"], {"now": now})]


async def claim_batch(
    worker: Worker,
    limits: Limits,
    lane: Lane,
    now: datetime,
    batch: int,
    batch_id: UUID,
    *,
    today: date,
    sending_domain: str,
) -> Claim:
    """Claims at most `batch` sends of a lane that are due at `now`, fewer where a rate or the warm-up of the sending
    domain asks for it (`today` is the shop's local day). Raises TransientError when the session is lost; give
    `batch_id` to `settle.return_batch` then."""
    values = {
        **asdict(lane),
        "now": now,
        "today": today,
        "sending_domain": sending_domain,
        "batch": batch,
        "batch_id": batch_id,
        "space": LOCK_SPACE,
        "epoch": worker.epoch,
        "lease_seconds": limits.lease_seconds,
    }
    found = await worker.transaction(lambda conn: _claim(conn, values))
    worker.remember(max((row["fence"] for row in found), default=0))
    states = [row["state"] for row in found]
    return Claim(
        rows=tuple(Claimed(**{name: row[name] for name in _FIELDS}) for row in found if row["state"] == "sending"),
        suppressed=states.count("suppressed"),
        expired=states.count("expired"),
        held=states.count("pending"),
    )


def _claim(conn: Connection, values: dict[str, Any]) -> list[dict[str, Any]]:
    # Statements of one transaction, so that the second sees everything that was committed before the rows were locked.
    picked = [row["send_id"] for row in conn.execute(SQL["pick"], values)]
    if not picked:
        return []
    found = conn.execute(SQL["claim"], {**values, "send_ids": picked}).fetchall()
    mails = sum(row["state"] == "sending" for row in found)
    if mails:
        _bind_coupons(conn, found, values["now"])
        conn.execute(SQL["charge_rates"], {**values, "mails": mails})
        conn.execute(SQL["charge_warm_up"], {**values, "mails": mails})
    return found


def _bind_coupons(conn: Connection, found: list[dict[str, Any]], now: datetime) -> None:
    """Puts a code of its own into the context of each row whose mail prints one, in the transaction that claims it.
    Where the pool is empty nothing is put, and the mail fails for want of it."""
    sending = {row["send_id"]: row for row in found if row["state"] == "sending"}
    for bound in conn.execute(SQL["bind"], {"send_ids": list(sending), "now": now}):
        if bound["code"] is not None:
            coupon = {"code": bound["code"], "expires_at": bound["expires_at"].isoformat()}
            row = sending[bound["send_id"]]
            row["context"] = {**row["context"], "coupon": coupon}


async def soonest_wait(worker: Worker, now: datetime) -> float | None:
    """Real seconds until a due send may be claimed, below zero for now; None when none is due."""
    rows = await worker.rows(LANES["soonest_wait"], {"now": now})
    seconds = rows[0]["seconds"]
    return None if seconds is None else float(seconds)
