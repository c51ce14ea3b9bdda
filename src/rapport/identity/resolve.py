"""Reads profiles and edges, writes customer ids: one transaction, the only writer of schema `identity`."""

import logging
from dataclasses import dataclass
from datetime import datetime

from rapport.db import Connection, connect, load_queries, postgres_needed
from rapport.identity.delta import Work, find_work
from rapport.identity.members import settle
from rapport.identity.rules import Rules, load_rules
from rapport.settings import Settings

logger = logging.getLogger(__name__)
SQL = load_queries("rapport.identity", "questions.sql", "close.sql")


@dataclass(frozen=True)
class IdentityReport:
    """Counts of one run: profiles there are, customers they belong to, ids created, merged away and split off, profiles
    that were worked on because something about them or theirs had changed, and questions open for a person."""

    profiles: int
    customers: int
    created: int
    merged: int
    split: int
    worked_on: int
    open_reviews: int
    note: str

    def __str__(self) -> str:
        return (
            f"{self.profiles:,} profiles are {self.customers:,} customers "
            f"({self.created:,} new, {self.merged:,} merged, {self.split:,} split); "
            f"{self.worked_on:,} profiles worked on"
            f"{f', {self.open_reviews:,} pairs to review' if self.open_reviews else ''}"
            f"{f'; {self.note}' if self.note else ''}"
        )


def resolve(settings: Settings, as_of: datetime, rules: Rules | None = None) -> IdentityReport:
    """Settle the customer ids of the last prepared build's profiles as of `as_of`, working on what changed only.

    Running it again on the same profiles and edges changes nothing. Raises DataError when no profile is left of those
    that were there, because then something before this step has failed, and TransientError when Postgres goes away;
    in both cases nothing was changed.
    """
    rules = rules or load_rules()
    with postgres_needed("identity"), connect("transformer", settings=settings) as conn:
        conn.execute(SQL["lock_members"])
        work = find_work(conn, rules, likeness=settings.identity_probabilistic, as_of=as_of)
        settled = settle(conn, rules, work.batches, as_of)
        if work.is_whole:
            conn.execute(SQL["analyze_results"])
        _close(conn, work, rules, as_of)
        counts = conn.execute(SQL["count_customers"]).fetchone() or {}
    report = IdentityReport(
        profiles=work.profiles,
        customers=counts["customers"],
        created=settled["create"],
        merged=settled["merge"],
        split=settled["split"],
        worked_on=work.touched,
        open_reviews=counts["open_reviews"],
        note=work.note,
    )
    logger.info("%s", report)
    return report


def _close(conn: Connection, work: Work, rules: Rules, as_of: datetime) -> None:
    """Ask what is left to ask, and remember what this run has seen."""
    conn.execute(SQL["stage_questions"])
    conn.execute(SQL["find_questions"], {"review": rules.likeness.review})
    conn.execute(SQL["close_questions"])
    conn.execute(SQL["open_questions"], {"as_of": as_of})
    conn.execute(SQL["forget_states"])
    conn.execute(SQL["keep_states"])
    conn.execute(SQL["apply_decisions"], {"as_of": as_of})
    conn.execute(
        SQL["note_run"],
        {
            "as_of": as_of,
            "rules_version": work.rules_version,
            "profiles": work.profiles,
            "changed_profiles": work.changed,
            "scored_pairs": work.scored_pairs,
            "clustered_profiles": work.touched,
            "note": work.note,
        },
    )
