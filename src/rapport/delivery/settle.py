"""Writing results back: a batch in one statement, each row only if its fence still stands."""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from rapport.db import Connection, load_queries
from rapport.delivery.records import Settlement
from rapport.delivery.worker import LOCK_SPACE, Worker
from rapport.errors import TransientError

SQL = load_queries("rapport.delivery", "settle.sql")
_FIELDS = tuple(Settlement.__dataclass_fields__)


async def settle(worker: Worker, results: Sequence[Settlement]) -> Counter[str]:
    """How many rows came to each state. Repeating a call changes nothing more, so it may be repeated after a lost
    session. Rows that no longer wait for this result are not counted. Raises TransientError."""
    if not results:
        return Counter()
    columns: dict[str, Any] = {name: [getattr(result, name) for result in results] for name in _FIELDS}
    rows = await worker.rows(SQL["settle"], columns)
    return Counter(row["state"] for row in rows)


async def pause_provider(worker: Worker, seconds: float, because: str) -> None:
    """No worker claims anything for so many real seconds."""
    await worker.rows(SQL["pause_provider"], {"seconds": seconds, "because": because})


async def return_batch(worker: Worker, batch_id: UUID, epoch: int) -> int:
    """Puts back what a claim with a lost answer may have claimed under `epoch`; returns how many rows there were.
    Raises TransientError while the lost session still lives on the server's side: it may commit that claim yet."""
    return await worker.transaction(lambda conn: _return_batch(conn, batch_id, epoch))


def _return_batch(conn: Connection, batch_id: UUID, epoch: int) -> int:
    gone = conn.execute(SQL["owner_is_gone"], {"space": LOCK_SPACE, "epoch": epoch}).fetchone()
    if not (gone and gone["gone"]):
        raise TransientError("the session that was lost has not ended yet")
    return len(conn.execute(SQL["return_batch"], {"batch_id": batch_id}).fetchall())
