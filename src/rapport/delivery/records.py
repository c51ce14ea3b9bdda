"""Typed rows of the ledger. What holds personal data keeps it out of its repr."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

SendState = Literal[
    "planned",
    "pending",
    "sending",
    "unknown",
    "accepted",
    "failed",
    "suppressed",
    "expired",
    "cancelled",
    "quarantined",
]
AttemptOutcome = Literal["accepted", "not_sent", "rejected", "unknown"]


@dataclass(frozen=True, slots=True)
class Claimed:
    """One row whose intent is on record: it is ours to send once, before the deadline."""

    send_id: UUID
    campaign_id: str
    occurrence_key: str
    topic: str
    policy: str
    attempt_no: int
    fence: int
    expires_at: datetime
    template_version: str
    address: str = field(repr=False)
    context: Mapping[str, Any] = field(repr=False)
    from_name: str | None
    reply_to: str | None


@dataclass(frozen=True, slots=True)
class Lane:
    """One wave of one occurrence to one mailbox provider."""

    campaign_id: str
    occurrence_key: str
    mailbox: str
    canary: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """What one claim did: rows to send, how many it moved to a final state instead, and how many it held until the
    reader's next open hour."""

    rows: tuple[Claimed, ...]
    suppressed: int = 0
    expired: int = 0
    held: int = 0

    @property
    def moved(self) -> int:
        return len(self.rows) + self.suppressed + self.expired + self.held


@dataclass(frozen=True, slots=True)
class Settlement:
    """The result of one attempt on its way into the ledger. `detail` holds no personal data; `finished_at` is the
    injected clock's, `wait_seconds` real seconds before the row may be claimed again."""

    send_id: UUID
    fence: int
    outcome: AttemptOutcome
    state: SendState
    detail: str
    finished_at: datetime
    http_status: int | None = None
    message_id: str | None = None
    wait_seconds: float = 0.0
    payload_sha256: str | None = None
    request_id: UUID | None = None


@dataclass
class DispatchReport:
    """Counts of one run. `held` wait for the reader's next open hour, `retried` went back to pending because they were
    certainly not sent; `late` were settled by someone else (an event, the reconciler) before our result came."""

    accepted: int = 0
    failed: int = 0
    unknown: int = 0
    suppressed: int = 0
    expired: int = 0
    held: int = 0
    retried: int = 0
    late: int = 0

    def __str__(self) -> str:
        return "dispatched: " + ", ".join(f"{count} {name}" for name, count in vars(self).items())


@dataclass
class ReconcileReport:
    """Counts of one pass. `proved` moved to accepted by evidence, `orphaned` lost their worker, `released` may be
    tried again, `foreign` are events of sends this ledger does not know, `doubted` may have left before the database
    was restored, `trips` of the breaker, `canaries` are occurrences let go. `gate_open` is None when nobody asked."""

    events: int = 0
    proved: int = 0
    suppressions: int = 0
    foreign: int = 0
    orphaned: int = 0
    quarantined: int = 0
    released: int = 0
    still_unknown: int = 0
    expired: int = 0
    doubted: int = 0
    trips: int = 0
    canaries: int = 0
    gate_open: bool | None = None

    def __str__(self) -> str:
        return "reconciled: " + ", ".join(f"{value} {name}" for name, value in vars(self).items() if value is not None)
