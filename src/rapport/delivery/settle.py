"""Writing results back: a batch in one statement, each row only if its fence still stands."""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from rapport.db import load_queries
from rapport.delivery.records import Settlement
from rapport.delivery.worker import Worker

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


async def return_batch(worker: Worker, batch_id: UUID) -> int:
    """Puts back what a claim with a lost answer may have claimed; returns how many rows there were."""
    return len(await worker.rows(SQL["return_batch"], {"batch_id": batch_id}))
