"""A batch of SendGrid events as rows of the inbox. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

import orjson

MAX_EVENTS = 10_000
MAX_NAME_CHARS = 64
MAX_ID_CHARS = 200


class MalformedError(ValueError):
    """The body is not a list of events; the message says what it is instead."""


class Row(NamedTuple):
    """One event of ours. `raw` is JSON text and names the person: never log one."""

    event_id: str
    event: str
    send_id: UUID
    attempt_no: int | None
    raw: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows in the order of their ids, so that two batches at once cannot block each other. `repeated` events stood in
    the body twice, `foreign` ones carry another installation's or environment's mark, or none; `broken` ones cannot be
    read."""

    rows: list[Row]
    repeated: int = 0
    foreign: int = 0
    broken: int = 0


def parse(body: bytes, installation: str, environment: str) -> Batch:
    """Raises MalformedError. One event that cannot be read is counted and left out: the others must not suffer."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise MalformedError("not JSON") from None
    if not isinstance(document, list):
        raise MalformedError("not a list of events")
    if len(document) > MAX_EVENTS:
        raise MalformedError(f"more than {MAX_EVENTS} events")
    rows: dict[str, Row] = {}
    repeated = foreign = broken = 0
    for event in document:
        if not isinstance(event, dict):
            broken += 1
        elif (event.get("installation"), event.get("environment")) != (installation, environment):
            foreign += 1
        else:
            row = _row(event)
            if row is None:
                broken += 1
            else:
                repeated += row.event_id in rows
                rows[row.event_id] = row
    return Batch(sorted(rows.values(), key=itemgetter(0)), repeated, foreign, broken)


def _row(event: dict[str, Any]) -> Row | None:
    event_id, name = event.get("sg_event_id"), event.get("event")
    if not isinstance(event_id, str) or not 0 < len(event_id) <= MAX_ID_CHARS or "\0" in event_id:
        return None
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME_CHARS or "\0" in name:
        return None
    try:
        send_id = UUID(str(event["send_id"]))
        occurred_at = datetime.fromtimestamp(float(event["timestamp"]), UTC)
    except (KeyError, ValueError, TypeError, OverflowError, OSError):
        return None
    # jsonb refuses the NUL escape, and what a mail server answered may hold one.
    raw = orjson.dumps(event).decode().replace("\\u0000", "\\ufffd")
    return Row(event_id, name, send_id, _attempt(event.get("attempt_no")), raw, occurred_at)


def _attempt(value: Any) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None
