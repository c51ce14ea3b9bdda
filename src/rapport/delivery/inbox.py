"""The provider's events on their way from the inbox into the ledger, batch by batch."""

import logging
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from rapport.db import Connection, load_queries
from rapport.delivery.events import LATTICE, Evidence, InboxEvent, Suppression, evidence, feedback, suppressions
from rapport.delivery.records import ReconcileReport
from rapport.delivery.worker import LOCK_SPACE
from rapport.errors import DataError
from rapport.keys import recipient_key
from rapport.settings import Settings

log = logging.getLogger(__name__)

SQL = load_queries("rapport.delivery", "inbox.sql")
FEEDBACK = load_queries("rapport.delivery", "feedback.sql")
EVENTS_PER_ROUND = 5_000
# So many distinct mails that bounced softly in so many days of business time, and the address is given up.
SOFT_BOUNCES = 3
SOFT_BOUNCE_DAYS = 15


def read(conn: Connection, settings: Settings, report: ReconcileReport) -> int:
    """Takes every unread event into the ledger, in transactions of one batch each. Returns how many sends were told of
    by attempts that this ledger never made: 0 unless it was restored from a backup."""
    unattempted, has_begun = 0, False
    while True:
        with conn.transaction():
            if has_begun:
                # Whoever begins stays to the end: two that give way to each other between batches would both leave.
                conn.execute(SQL["wait_for_turn"], {"space": LOCK_SPACE})
            elif not take_turn(conn):
                return unattempted
            has_begun = True
            rows = conn.execute(SQL["unread_events"], {"batch": EVENTS_PER_ROUND}).fetchall()
            events = [InboxEvent(**row) for row in rows if row["send_id"] is not None]
            unattempted += _take_in(conn, settings, events, report)
            conn.execute(SQL["mark_read"], {"event_ids": [row["event_id"] for row in rows]})
        report.events += len(rows)
        report.foreign += len(rows) - len(events)
        if len(rows) < EVENTS_PER_ROUND:
            return unattempted


def take_turn(conn: Connection) -> bool:
    """Whether this transaction may read events and judge them; another one does at this moment if not."""
    found = conn.execute(SQL["one_at_a_time"], {"space": LOCK_SPACE}).fetchone()
    return bool(found and found["taken"])


def apply(conn: Connection, told: list[Evidence], report: ReconcileReport) -> int:
    """Writes what is proved; returns how many sends were told of by attempts unknown to this ledger."""
    if not told:
        return 0
    names = ("send_id", "engagement", "occurred_at", "attempt_no")
    columns = {name: [getattr(one, name) for one in told] for name in names}
    rows = conn.execute(SQL["apply_evidence"], {**columns, "lattice": list(LATTICE)}).fetchall()
    report.proved += sum(row["was"] not in (None, "accepted") for row in rows)
    strangers = sum(row["was"] is None for row in rows)
    report.foreign += strangers
    if strangers:
        log.warning("events told of %s sends that this ledger never planned; was it restored?", strangers)
    return sum(row["unattempted"] for row in rows)


def _take_in(conn: Connection, settings: Settings, events: list[InboxEvent], report: ReconcileReport) -> int:
    unattempted = apply(conn, evidence(events), report)
    facts = suppressions(events)
    if facts:
        columns = _columns(facts, ("send_id", "topic", "reason", "event_id", "occurred_at"))
        report.suppressions += conn.execute(FEEDBACK["add_suppressions"], columns).rowcount
        report.suppressions += _suppress_strangers(conn, settings, facts)
    told = feedback(events)
    if told:
        columns = _columns(told, ("event_id", "send_id", "kind", "occurred_at"))
        added = conn.execute(FEEDBACK["add_feedback"], columns).fetchall()
        soft = sorted({row["recipient_key"] for row in added if row["kind"] == "soft_bounce"})
        if soft:
            values = {"recipient_keys": soft, "days": SOFT_BOUNCE_DAYS, "least": SOFT_BOUNCES}
            report.suppressions += conn.execute(FEEDBACK["suppress_soft_bounces"], values).rowcount
    return unattempted


def _suppress_strangers(conn: Connection, settings: Settings, facts: list[Suppression]) -> int:
    """Who complains about or leaves by a mail that this ledger does not know is heard all the same, by the address that
    the provider names: the ledger was restored. The topic is not known then, so it is all of them."""
    rows = conn.execute(FEEDBACK["of_strangers"], {"event_ids": [fact.event_id for fact in facts]}).fetchall()
    added = 0
    for row in rows:
        fact = next(fact for fact in facts if fact.event_id == row["event_id"])
        with suppress(DataError):
            values = {"recipient_key": recipient_key(settings, row["address"] or ""), **asdict(fact)}
            added += conn.execute(FEEDBACK["suppress_stranger"], values).rowcount
    return added


def _columns(facts: list[Any], names: tuple[str, ...]) -> dict[str, list[Any]]:
    return {name: [getattr(fact, name) for fact in facts] for name in names}
