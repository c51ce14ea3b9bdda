"""The reconciler: reads the provider's events, finds dead workers, and settles what is unknown by evidence."""

import logging
from datetime import timedelta
from typing import Any

import psycopg

from rapport.clock import Clock
from rapport.db import Connection, connect, load_queries
from rapport.delivery.events import LATTICE, InboxEvent, evidence, suppressions
from rapport.delivery.limits import Limits
from rapport.delivery.records import ReconcileReport
from rapport.delivery.worker import LOCK_SPACE
from rapport.errors import TransientError
from rapport.settings import Settings

log = logging.getLogger(__name__)

SQL = load_queries("rapport.delivery", "reconcile.sql")
EVENTS_PER_ROUND = 2000
# The evidence gate: how many answered attempts around the doubtful one must have been told of, and how far past it
# the provider must have told us of newer ones.
GATE_LEAST = 20
GATE_SHARE = 0.999
GATE_MARGIN = timedelta(minutes=5)
GATE_AROUND_SECONDS = 1800.0


def reconcile_once(settings: Settings, clock: Clock, *, limits: Limits | None = None) -> ReconcileReport:
    """One pass. Safe to run at any moment and beside dispatchers; two at once do not hinder each other. Raises
    TransientError when Postgres is lost; what was committed until then stands and the next pass goes on."""
    limits = limits or Limits()
    limits.check()
    report = ReconcileReport()
    try:
        with connect("engine", settings=settings) as conn:
            while _read_inbox(conn, report):
                pass
            _find_orphans(conn, report)
            _settle_unknown(conn, report, limits)
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise TransientError(f"Postgres was lost while reconciling: {type(error).__name__}") from error
    return report


def _read_inbox(conn: Connection, report: ReconcileReport) -> bool:
    """Takes one batch of events into the ledger, in one transaction; whether there may be more."""
    with conn.transaction():
        if not _all(conn, "one_at_a_time", space=LOCK_SPACE)[0]["taken"]:
            return False
        rows = _all(conn, "unread_events", batch=EVENTS_PER_ROUND)
        if not rows:
            return False
        events = [
            InboxEvent(row["event_id"], row["event"], row["send_id"], row["occurred_at"], row["raw"])
            for row in rows
            if row["send_id"] is not None
        ]
        _apply(conn, events, report)
        _run(conn, "mark_read", event_ids=[row["event_id"] for row in rows])
        report.events += len(rows)
        report.foreign += len(rows) - len(events)
    return len(rows) == EVENTS_PER_ROUND


def _apply(conn: Connection, events: list[InboxEvent], report: ReconcileReport) -> None:
    told = evidence(events)
    if told:
        moved = _all(
            conn,
            "apply_evidence",
            send_id=[one.send_id for one in told],
            engagement=[one.engagement for one in told],
            occurred_at=[one.occurred_at for one in told],
            lattice=list(LATTICE),
        )
        report.proved += sum(row["was"] not in (None, "accepted") for row in moved)
        unheard = sum(row["was"] is None for row in moved)
        report.foreign += unheard
        if unheard:
            log.warning("events told of %s sends that this ledger never attempted; was it restored?", unheard)
    facts = suppressions(events)
    if facts:
        names = ("send_id", "topic", "reason", "event_id", "occurred_at")
        columns: dict[str, Any] = {name: [getattr(fact, name) for fact in facts] for name in names}
        report.suppressions += _run(conn, "add_suppressions", **columns)


def _find_orphans(conn: Connection, report: ReconcileReport) -> None:
    """A worker is dead when its lease is past and its lock can be taken; a frozen one still holds its lock."""
    with conn.transaction():
        owners = [row["owner_epoch"] for row in _all(conn, "overdue_owners")]
    for epoch in owners:
        with conn.transaction():
            if _all(conn, "owner_is_gone", space=LOCK_SPACE, epoch=epoch)[0]["gone"]:
                report.orphaned += len(_all(conn, "orphans_to_unknown", epoch=epoch))


def _settle_unknown(conn: Connection, report: ReconcileReport, limits: Limits) -> None:
    with conn.transaction():
        report.quarantined += len(_all(conn, "quarantine", window_seconds=limits.window_seconds))
    with conn.transaction():
        doubtful = _all(conn, "doubtful", window_seconds=limits.window_seconds)
    for row in doubtful:
        with conn.transaction():
            found = _all(conn, "evidence_around", at=row["intent_at"], around_seconds=GATE_AROUND_SECONDS)[0]
            is_open = gate_is_open(found, row["intent_at"])
            report.gate_open = is_open if report.gate_open is None else report.gate_open and is_open
            if is_open:
                because = (
                    f"not accepted, by evidence: {found['told']} of {found['answered']} attempts around it have events"
                )
                report.released += len(
                    _all(conn, "release", send_id=row["send_id"], fence=row["fence"], because=because)
                )
    with conn.transaction():
        report.still_unknown = _all(conn, "count_unknown")[0]["n"]


def gate_is_open(found: dict[str, Any], at: Any) -> bool:
    """Whether "no event" may count as "not accepted" for an attempt made at `at`."""
    return bool(
        found["unread"] == 0
        and found["answered"] >= GATE_LEAST
        and found["told"] >= GATE_SHARE * found["answered"]
        and found["newest_told_at"] is not None
        and found["newest_told_at"] >= at + GATE_MARGIN
    )


def _all(conn: Connection, query: str, **values: Any) -> list[dict[str, Any]]:
    return conn.execute(SQL[query], values).fetchall()


def _run(conn: Connection, query: str, **values: Any) -> int:
    return conn.execute(SQL[query], values).rowcount
