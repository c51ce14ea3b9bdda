"""What a provider event means for the ledger. Pure: no database, no clock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

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
_DROPPED_FOR = {
    "bounced address": "hard_bounce",
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

    def __repr__(self) -> str:
        return f"InboxEvent({self.event_id!r}, {self.event!r}, {self.send_id})"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Proof that the provider took a send, with the largest engagement and the earliest time told."""

    send_id: UUID
    engagement: str
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
        rank = engagement(event.event, event.raw)
        former = found.get(event.send_id)
        if former is None:
            found[event.send_id] = Evidence(event.send_id, rank, event.occurred_at)
        else:
            earliest = min(former.occurred_at, event.occurred_at)
            found[event.send_id] = Evidence(event.send_id, larger(former.engagement, rank), earliest)
    return [found[send_id] for send_id in sorted(found)]


def suppressions(events: Iterable[InboxEvent]) -> list[Suppression]:
    """What the events forbid. Nothing lifts a suppression, a provider's resubscription neither."""
    found = []
    for event in events:
        reason, topic = _forbids(event)
        if reason:
            found.append(Suppression(event.send_id, event.event_id, reason, topic, event.occurred_at))
    return sorted(found, key=lambda fact: fact.event_id)


def _forbids(event: InboxEvent) -> tuple[str | None, str | None]:
    if event.event == "spamreport":
        return "complaint", EVERYTHING
    if event.event == "unsubscribe":
        return "unsubscribe", EVERYTHING
    if event.event == "group_unsubscribe":
        return "unsubscribe", None
    if event.event == "bounce" and _is_hard(event.raw):
        return "hard_bounce", EVERYTHING
    if event.event == "dropped":
        return _DROPPED_FOR.get(str(event.raw.get("reason", "")).strip().lower()), EVERYTHING
    return None, None


def _is_hard(raw: Mapping[str, Any]) -> bool:
    """A block is about us or about now; a 4.x status is about now. What is left is the address."""
    return raw.get("type") != "blocked" and not str(raw.get("status", "5")).startswith("4")
