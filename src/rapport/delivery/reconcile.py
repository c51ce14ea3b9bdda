"""The reconciler: reads the provider's events, finds dead workers, and settles what is unknown by evidence."""

import logging
from datetime import datetime, timedelta
from typing import Any

import psycopg

from rapport.clock import Clock
from rapport.db import Connection, connect, load_queries
from rapport.delivery import activity, breaker, canary, inbox, restore
from rapport.delivery.limits import Limits
from rapport.delivery.records import ReconcileReport
from rapport.delivery.worker import LOCK_SPACE
from rapport.errors import TransientError
from rapport.settings import Settings

log = logging.getLogger(__name__)

SQL = load_queries("rapport.delivery", "unknown.sql")
GATE = load_queries("rapport.delivery", "gate.sql")
EXPIRE_BATCH = 10_000
# The evidence gate: how many answered attempts around the doubtful one must have been told of, and how far past it
# the provider must have told us of newer ones.
GATE_LEAST = 20
GATE_SHARE = 0.999
# A burst before it and quick news of much later say nothing of the minutes in which its own event was refused.
GATE_LEAST_AFTER = 5
GATE_MARGIN = timedelta(minutes=5)
GATE_AROUND_SECONDS = 1800.0


def reconcile_once(settings: Settings, clock: Clock, *, limits: Limits | None = None) -> ReconcileReport:
    """One pass. Safe to run at any moment and beside dispatchers; two at once do not hinder each other. Raises
    TransientError when Postgres is lost; what was committed until then stands and the next pass goes on."""
    limits = limits or Limits()
    limits.check()
    report = ReconcileReport()
    try:
        with connect("engine", settings=settings, autocommit=True) as conn:
            _doubt_restored(conn, settings, clock, report)
            if inbox.read(conn, settings, report):
                log.warning("the provider told of attempts that this ledger never made: it was restored")
                report.doubted += restore.put_in_doubt(conn, clock.now(), restore.UNATTEMPTED)
            report.trips += breaker.watch(conn, settings, clock.now())
            _find_orphans(conn, report)
            activity.ask(conn, settings, report)
            _settle_unknown(conn, report, limits, clock.now())
            _expire_overdue(conn, report, clock.now())
            report.canaries += canary.release(conn, clock.now())
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise TransientError(f"Postgres was lost while reconciling: {type(error).__name__}") from error
    return report


def _doubt_restored(conn: Connection, settings: Settings, clock: Clock, report: ReconcileReport) -> None:
    because = restore.suspicion(conn, settings)
    if because is not None:
        log.warning("%s; nothing is sent until a person adopts the database", because)
        report.doubted += restore.put_in_doubt(conn, clock.now(), because)


def _find_orphans(conn: Connection, report: ReconcileReport) -> None:
    """A worker is dead when its lease is past and its lock can be taken; a frozen one still holds its lock."""
    owners = [row["owner_epoch"] for row in _all(conn, SQL["overdue_owners"])]
    for epoch in owners:
        with conn.transaction():
            if _all(conn, SQL["owner_is_gone"], space=LOCK_SPACE, epoch=epoch)[0]["gone"]:
                report.orphaned += len(_all(conn, SQL["orphans_to_unknown"], epoch=epoch))


def _settle_unknown(conn: Connection, report: ReconcileReport, limits: Limits, now: datetime) -> None:
    report.quarantined += len(_all(conn, SQL["quarantine"], window_seconds=limits.window_seconds, now=now))
    for row in _all(conn, GATE["doubtful"], window_seconds=limits.window_seconds):
        with conn.transaction():
            found = _all(conn, GATE["evidence_around"], at=row["intent_at"], around_seconds=GATE_AROUND_SECONDS)[0]
            is_open = gate_is_open(found, row["intent_at"])
            report.gate_open = is_open if report.gate_open is None else report.gate_open and is_open
            if is_open:
                because = (
                    f"not accepted, by evidence: {found['told']} of {found['answered']} attempts around it have events"
                )
                values = {"send_id": row["send_id"], "fence": row["fence"], "because": because}
                report.released += len(_all(conn, GATE["release"], **values))
    report.still_unknown = _all(conn, SQL["count_unknown"])[0]["n"]


def _expire_overdue(conn: Connection, report: ReconcileReport, now: datetime) -> None:
    while True:
        expired = len(_all(conn, SQL["expire_overdue"], now=now, batch=EXPIRE_BATCH))
        report.expired += expired
        if expired < EXPIRE_BATCH:
            return


def gate_is_open(found: dict[str, Any], at: datetime) -> bool:
    """Whether "no event" may count as "not accepted" for an attempt made at `at`."""
    return bool(
        found["unread"] == 0
        and found["answered"] >= GATE_LEAST
        and found["answered_after"] >= GATE_LEAST_AFTER
        and found["told"] >= GATE_SHARE * found["answered"]
        and found["newest_told_at"] is not None
        and found["newest_told_at"] >= at + GATE_MARGIN
    )


def _all(conn: Connection, query: Any, **values: Any) -> list[dict[str, Any]]:
    return conn.execute(query, values).fetchall()
