"""Events of visitors by Segment's published HTTP tracking specification, as rows of `raw_web.events`. Pure.

The specification: https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, NamedTuple

import orjson

from rapport.gateway.visit_fields import Kept, text_of
from rapport.gateway.visitors import Visitor
from rapport.keys import uuid7

TYPES = frozenset(("identify", "track", "page", "screen", "alias", "group"))
MAX_EVENT_BYTES = 32 * 1024
MAX_BATCH_BYTES = 500 * 1024
MAX_EVENTS = 2_500
MAX_ID_CHARS = 200
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
KNOWN_NAMES = frozenset(
    (
        "Products Searched",
        "Product List Viewed",
        "Product Clicked",
        "Product Viewed",
        "Product Added",
        "Product Removed",
        "Cart Viewed",
        "Checkout Started",
        "Order Completed",
    )
)
"""Names of the specification's e-commerce events: all that is kept of a name when there is no consent."""
SHAPED = (
    "type", "event", "name", "messageId", "anonymousId", "userId", "previousId", "groupId", "timestamp",
    "originalTimestamp", "sentAt", "properties", "traits", "context",
)  # fmt: skip


class BadEventError(ValueError):
    """The event cannot be read; the message says why and holds no value of it."""


class Row(NamedTuple):
    """One event. The last three but two columns are JSON text. With consent it names a device: never log one."""

    message_id: str
    type: str
    name: str | None
    device_id: str | None
    user_id: str | None
    previous_id: str | None
    properties: str
    page: str
    campaign: str
    channel: str
    device_kind: str
    is_bot: bool
    has_consent: bool
    occurred_at: datetime
    received_at: datetime


class Bad(NamedTuple):
    """One event for the quarantine: its fields and their kinds, no values."""

    event_hash: str
    reason: str
    shape: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of one request, in the order of the keys, so that two requests at once cannot block each other."""

    rows: list[Row] = field(default_factory=list)
    bad: list[Bad] = field(default_factory=list)
    repeated: int = 0


@dataclass(frozen=True)
class Reader:
    """`secret` hides the ids of events without consent; `category` names the consent that counts."""

    secret: str
    category: str
    kept: Kept
    visitor: Visitor = field(default_factory=Visitor)

    def single(self, event: Any, kind: str, user_agent: str | None, now: datetime) -> Row:
        """The event of an address such as `/v1/track`, whose type is the address's. Raises BadEventError."""
        if not isinstance(event, dict):
            raise BadEventError("not a JSON object")
        return self._row({**event, "type": kind}, {}, user_agent, now)

    def batch(self, document: Any, user_agent: str | None, now: datetime) -> Reading:
        """Raises BadEventError when it is no batch at all; events that cannot be read are set aside with a reason."""
        events = document.get("batch") if isinstance(document, dict) else None
        if not isinstance(events, list):
            raise BadEventError("no list of events under `batch`")
        if len(events) > MAX_EVENTS:
            raise BadEventError(f"more than {MAX_EVENTS} events in a batch")
        common = {key: document[key] for key in ("sentAt", "context") if key in document}
        rows: dict[str, Row] = {}
        bad: dict[str, Bad] = {}
        repeated = 0
        for event in events:
            try:
                row = self._row(_object(event), common, user_agent, now)
            except BadEventError as problem:
                entry = self._bad(event, str(problem), now)
                bad[entry.event_hash] = entry
            else:
                repeated += row.message_id in rows
                rows[row.message_id] = row
        by_key = attrgetter("message_id")
        return Reading(sorted(rows.values(), key=by_key), sorted(bad.values(), key=lambda b: b.event_hash), repeated)

    def _row(self, event: dict[str, Any], common: Mapping[str, Any], user_agent: str | None, now: datetime) -> Row:
        kind = event.get("type")
        if not isinstance(kind, str) or kind not in TYPES:
            raise BadEventError("type is none of " + ", ".join(sorted(TYPES)))
        if len(orjson.dumps(event)) > MAX_EVENT_BYTES:
            raise BadEventError(f"larger than {MAX_EVENT_BYTES // 1024} kB")
        device_id, user_id = _identifier(event, "anonymousId"), _identifier(event, "userId")
        if device_id is None and user_id is None:
            raise BadEventError("neither anonymousId nor userId")
        previous_id = _identifier(event, "previousId")
        name = text_of(event.get("event" if kind == "track" else "name"))
        if kind == "track" and name is None:
            raise BadEventError("a track event without its name in `event`")
        message_id = _identifier(event, "messageId") or str(uuid7())
        context = _merged(common.get("context"), event.get("context"))
        occurred_at = _occurred_at(event, common, now)
        consent = self._consents(context)
        agent = text_of(context.get("userAgent")) or user_agent
        row = Row(
            message_id, kind, name, device_id, user_id, previous_id, "{}", "{}", "{}",
            channel=self.visitor.channel(kind, context),
            device_kind=self.visitor.device_kind(agent, context),
            is_bot=self.visitor.is_bot(agent),
            has_consent=consent,
            occurred_at=occurred_at,
            received_at=now,
        )  # fmt: skip
        if consent:
            properties, page, campaign = self.kept.of(kind, event, context)
            return row._replace(properties=properties, page=page, campaign=campaign)
        return row._replace(
            message_id=self._hidden(message_id),
            name=name if kind == "track" and name in KNOWN_NAMES else None,
            device_id=None,
            user_id=None,
            previous_id=None,
            occurred_at=occurred_at.replace(minute=0, second=0, microsecond=0),
        )

    def _consents(self, context: Mapping[str, Any]) -> bool:
        """Only a plain `true` under the category's own name counts; anything else is no consent."""
        consent = context.get("consent")
        preferences = consent.get("categoryPreferences") if isinstance(consent, dict) else None
        return isinstance(preferences, dict) and preferences.get(self.category) is True

    def _bad(self, event: Any, reason: str, now: datetime) -> Bad:
        known = event if isinstance(event, dict) else {}
        shape = {name: _kind_of(known[name]) for name in SHAPED if name in known} or {"event": _kind_of(event)}
        return Bad(self._hidden(orjson.dumps(event).decode()), reason, orjson.dumps(shape).decode(), now)

    def _hidden(self, text: str) -> str:
        return hmac.new(self.secret.encode(), b"web:" + text.encode(), hashlib.sha256).hexdigest()


def _object(event: Any) -> dict[str, Any]:
    if not isinstance(event, dict):
        raise BadEventError("not a JSON object")
    return event


def _merged(common: Any, own: Any) -> dict[str, Any]:
    """The batch's context holds for each of its events, which may say more or otherwise."""
    return {**(common if isinstance(common, dict) else {}), **(own if isinstance(own, dict) else {})}


def _identifier(event: Mapping[str, Any], name: str) -> str | None:
    value = event.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > MAX_ID_CHARS or "\0" in value:
        raise BadEventError(f"{name} is no text of at most {MAX_ID_CHARS} characters")
    if "@" in value:
        raise BadEventError(f"{name} looks like an address; give an id, the store's own for userId")
    return value


def _occurred_at(event: Mapping[str, Any], common: Mapping[str, Any], now: datetime) -> datetime:
    """The specification's correction of a device's clock: the time of receipt, less how long before sending it was by
    the device's own clock. Never later than the receipt."""
    original = _time(event, "originalTimestamp") or _time(event, "timestamp")
    if original is None:
        return now
    sent = _time(event, "sentAt") or _time(common, "sentAt")
    corrected = original if sent is None else now - max(sent - original, timedelta(0))
    if corrected < EARLIEST:
        raise BadEventError(f"timestamp lies before {EARLIEST.year}")
    return min(corrected, now)


def _time(event: Mapping[str, Any], name: str) -> datetime | None:
    value = event.get(name)
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise BadEventError(f"{name} is no ISO 8601 time") from None


def _kind_of(value: Any) -> str:
    kinds = {dict: "object", list: "list", str: "text", bool: "boolean", int: "number", float: "number"}
    return kinds.get(type(value), "null")
