"""What a provider event means for the ledger. Pure: no database, no clock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from rapport.delivery.bounces import bounce_kind

# From the least to the largest; the largest a send has met is kept. A bounce may follow a delivery, and who opens,
# clicks or complains has surely got it.
LATTICE = (
    "none",
    "processed",
    "deferred",
    "dropped",
    "delivered",
    "bounced",
    "opened",
    "clicked",
    "unsubscribed",
    "complained",
)
_RANK = {name: rank for rank, name in enumerate(LATTICE)}
_ENGAGEMENT = {
    "processed": "processed",
    "deferred": "deferred",
    "dropped": "dropped",
    "delivered": "delivered",
    "bounce": "bounced",
    "open": "opened",
    "click": "clicked",
    "unsubscribe": "unsubscribed",
    "group_unsubscribe": "unsubscribed",
    "spamreport": "complained",
}
# What the provider says when it did not even try. Of its own bounces it does not say what kind they were.
_DROPPED_FOR = {
    "bounced address": "provider_list",
    "invalid": "provider_list",
    "spam reporting address": "complaint",
    "unsubscribed address": "unsubscribe",
}
EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class InboxEvent:
    """A row of ops.webhook_inbox. `raw` names the person, so it stays out of the repr."""

    event_id: str
    event: str
    send_id: UUID
    occurred_at: datetime
    raw: Mapping[str, Any]
    attempt_no: int | None = None

    def __repr__(self) -> str:
        return f"InboxEvent({self.event_id!r}, {self.event!r}, {self.send_id})"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Proof that the provider took a send, with the largest engagement, the earliest time and the last attempt told."""

    send_id: UUID
    engagement: str
    occurred_at: datetime
    attempt_no: int = 1


@dataclass(frozen=True, slots=True)
class Feedback:
    """One event that speaks against an address or against us. `kind`: complaint, hard_bounce, soft_bounce or block."""

    event_id: str
    send_id: UUID
    kind: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Suppression:
    """A fact that forbids further mail. `topic` None: the topic of the send."""

    send_id: UUID
    event_id: str
    reason: str
    topic: str | None
    occurred_at: datetime


def engagement(event: str, raw: Mapping[str, Any]) -> str:
    """Place in the lattice; what is not known proves acceptance and nothing more."""
    if event == "open" and raw.get("sg_machine_open") is True:
        # A mail program that loads every picture on arrival: delivered, not read.
        return "delivered"
    return _ENGAGEMENT.get(event, "processed")


def larger(one: str, other: str) -> str:
    return one if _RANK[one] >= _RANK[other] else other


def evidence(events: Iterable[InboxEvent]) -> list[Evidence]:
    """One entry a send, whatever the order and however often an event is repeated."""
    found: dict[UUID, Evidence] = {}
    for event in events:
        told = Evidence(event.send_id, engagement(event.event, event.raw), event.occurred_at, event.attempt_no or 1)
        former = found.get(event.send_id)
        found[event.send_id] = told if former is None else _both(former, told)
    return [found[send_id] for send_id in sorted(found)]


def _both(one: Evidence, other: Evidence) -> Evidence:
    return Evidence(
        one.send_id,
        larger(one.engagement, other.engagement),
        min(one.occurred_at, other.occurred_at),
        max(one.attempt_no, other.attempt_no),
    )


def suppressions(events: Iterable[InboxEvent]) -> list[Suppression]:
    """What the events forbid at once; a provider's resubscription lifts nothing. Soft bounces forbid by their number,
    which the ledger counts (sql/inbox.sql)."""
    found = []
    for event in events:
        reason, topic = _forbids(event)
        if reason:
            found.append(Suppression(event.send_id, event.event_id, reason, topic, event.occurred_at))
    return sorted(found, key=lambda fact: fact.event_id)


def feedback(events: Iterable[InboxEvent]) -> list[Feedback]:
    """What the events say against addresses or against us, in the order of their ids."""
    found = []
    for event in events:
        if event.event == "spamreport":
            found.append(Feedback(event.event_id, event.send_id, "complaint", event.occurred_at))
        elif event.event == "bounce":
            found.append(Feedback(event.event_id, event.send_id, bounce_kind(event.raw), event.occurred_at))
    return sorted(found, key=lambda one: one.event_id)


def _forbids(event: InboxEvent) -> tuple[str | None, str | None]:
    if event.event == "spamreport":
        return "complaint", EVERYTHING
    if event.event == "unsubscribe":
        return "unsubscribe", EVERYTHING
    if event.event == "group_unsubscribe":
        return "unsubscribe", None
    if event.event == "bounce" and bounce_kind(event.raw) == "hard_bounce":
        return "hard_bounce", EVERYTHING
    if event.event == "dropped":
        reason = _DROPPED_FOR.get(str(event.raw.get("reason", "")).strip().lower())
        # The provider says the same of its unsubscribe group and of its global list; the latter is synchronised daily.
        grouped = reason == "unsubscribe" and event.raw.get("asm_group_id") is not None
        return reason, None if grouped else EVERYTHING
    return None, None
