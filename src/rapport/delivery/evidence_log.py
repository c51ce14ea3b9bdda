"""Proof of acceptance where nobody posts events: the lines that a Postfix mail server logs, as events of the inbox.

A message is known by its Message-ID, which names the send. Postfix logs that while it still reads the message, so it
proves nothing; what proves that the server took it is the line of the queue manager that follows, or of a delivery.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from rapport.clock import Clock
from rapport.db import connect, load_queries
from rapport.delivery.mime import ascii_address
from rapport.errors import DataError, TransientError
from rapport.keys import recipient_key
from rapport.settings import Settings

SQL = load_queries("rapport.delivery", "evidence.sql")
EVENTS_PER_ROUND = 2000
EVENTS = {"sent": "delivered", "bounced": "bounce", "deferred": "deferred"}
# "Delivery time expired": the server gave up on a mailbox that it could not reach in days.
EXPIRED_STATUS = "4.4.7"
_LINE = re.compile(
    r"(?P<stamp>\d{4}-\d\d-\d\dT\S+|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) (?P<host>\S+) "
    r"postfix[^\s\[]*\[\d+\]: (?P<queue_id>[0-9A-Za-z]{5,20}): (?P<rest>.+)"
)
_MESSAGE_ID = re.compile(r"message-id=<?(?P<send_id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@(?P<domain>[^>\s]+)>?")
_QUEUED = re.compile(r"from=<[^>]*>, size=\d+, nrcpt=\d+ \(queue active\)")
_STATUS = re.compile(
    r"to=<(?P<to>[^>]*)>, (?:orig_to=<(?P<orig_to>[^>]*)>, )?relay=.*?"
    r", dsn=(?P<dsn>[245]\.\d{1,3}\.\d{1,3}), status=(?P<status>sent|bounced|deferred) "
)
_EXPIRED = re.compile(r"from=<[^>]*>, status=expired, returned to sender")


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One event of one send. Its id comes from what the line says, so that reading it again is the same event.
    `status` is the enhanced status code; keys are those of the addresses in the line, which are not kept."""

    event_id: str
    event: str
    send_id: UUID
    queue_id: str
    occurred_at: datetime
    status: str | None = None
    recipient_key: str | None = None
    original_key: str | None = None


@dataclass
class EvidenceReport:
    """Counts of one reading. `found` are events about mails of our sending domain; `added` are those of our sends that
    were not known yet."""

    lines: int = 0
    found: int = 0
    added: int = 0

    def __str__(self) -> str:
        return f"evidence: {self.lines} lines, {self.found} events found, {self.added} added"


def read_evidence(
    settings: Settings, clock: Clock, lines: Iterable[str], *, time_zone: str | None = None
) -> EvidenceReport:
    """Takes log lines, oldest first, into the inbox; `reconcile_once` then applies them. Reading lines again changes
    nothing. `time_zone` is the log's own where its stamps name none; left out: the shop's.

    Raises TransientError when Postgres is lost: what was committed stands, and reading again goes on.
    """
    report = EvidenceReport()
    reader = LogReader(
        ascii_address(settings.require("mail_from")).rpartition("@")[2],
        ZoneInfo(time_zone or settings.shop_time_zone),
        clock.now(),
        lambda address: recipient_key(settings, address),
    )

    def counted() -> Iterator[str]:
        for line in lines:
            report.lines += 1
            yield line

    try:
        with connect("engine", settings=settings, autocommit=True) as conn:
            found = reader.events(counted())
            while events := list(islice(found, EVENTS_PER_ROUND)):
                columns: dict[str, Any] = {
                    one.name: [getattr(event, one.name) for event in events] for one in fields(LogEvent)
                }
                report.found += len(events)
                report.added += conn.execute(SQL["insert_log_events"], columns).rowcount
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise TransientError(f"Postgres was lost while reading evidence: {type(error).__name__}") from error
    return report


class LogReader:
    """Follows messages by their queue ids. Pure but for what it remembers."""

    def __init__(self, domain: str, zone: ZoneInfo, now: datetime, key: Callable[[str], str]) -> None:
        """`now` dates stamps without a year: none lies more than a day after it."""
        self._domain, self._zone, self._now, self._key = domain.lower(), zone, now, key
        self._sends: dict[tuple[str, str], UUID] = {}

    def events(self, lines: Iterable[str]) -> Iterator[LogEvent]:
        """Events of messages from our domain, in the order of the lines. Other lines are passed over."""
        for line in lines:
            match = _LINE.match(line)
            if match is not None:
                event = self._event(match)
                if event is not None:
                    yield event

    def _event(self, line: re.Match[str]) -> LogEvent | None:
        rest, place = line["rest"], (line["host"], line["queue_id"])
        if rest.startswith("message-id="):
            self._begin(place, rest)
            return None
        send_id = self._sends.get(place)
        occurred_at = self._moment(line["stamp"]) if send_id else None
        if send_id is None or occurred_at is None:
            return None
        if rest.startswith("removed"):
            # The server may give the same queue id to another message now.
            del self._sends[place]
            return None
        if _QUEUED.match(rest):
            # Told again whenever it is tried again: one event, whichever came first.
            return LogEvent(_event_id(*place, send_id, "processed"), "processed", send_id, place[1], occurred_at)
        if _EXPIRED.match(rest):
            event_id = _event_id(*place, send_id, "expired", line["stamp"])
            return LogEvent(event_id, "bounce", send_id, place[1], occurred_at, EXPIRED_STATUS)
        status = _STATUS.match(rest)
        return self._delivery(line, send_id, status, occurred_at) if status else None

    def _begin(self, place: tuple[str, str], rest: str) -> None:
        found = _MESSAGE_ID.match(rest)
        if found is not None and found["domain"].lower() == self._domain:
            self._sends[place] = UUID(found["send_id"])
        else:
            self._sends.pop(place, None)

    def _delivery(
        self, line: re.Match[str], send_id: UUID, status: re.Match[str], occurred_at: datetime
    ) -> LogEvent | None:
        try:
            to, original = self._key(status["to"]), self._key(status["orig_to"] or status["to"])
        except DataError:
            # A mailbox of the server's own, which is no recipient of ours.
            return None
        event, queue_id = EVENTS[status["status"]], line["queue_id"]
        event_id = _event_id(line["host"], queue_id, send_id, event, line["stamp"], status["dsn"], to)
        return LogEvent(event_id, event, send_id, queue_id, occurred_at, status["dsn"], to, original)

    def _moment(self, stamp: str) -> datetime | None:
        try:
            if stamp[0].isdigit():
                told = datetime.fromisoformat(stamp)
                return told if told.tzinfo else told.replace(tzinfo=self._zone)
            # A leap year, so that a 29th of February can be read before its year is known.
            told = datetime.strptime(f"2000 {stamp}", "%Y %b %d %H:%M:%S").replace(tzinfo=self._zone)
            for year in (self._now.year + 1, self._now.year, self._now.year - 1):
                dated = told.replace(year=year)
                if dated <= self._now + timedelta(days=1):
                    return dated
        except ValueError:
            return None
        return None


def _event_id(*parts: object) -> str:
    return "smtp-" + hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:40]
