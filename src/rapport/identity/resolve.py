"""Reads profiles and edges, writes customer ids: one transaction, the only writer of schema `identity`."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime

from psycopg.types.json import Jsonb

from rapport.db import Connection, connect, load_queries, postgres_needed
from rapport.identity.assign import Assignment, Change, KnownId, assign
from rapport.identity.clusters import joining_rules
from rapport.identity.delta import SQL, Work, find_work
from rapport.identity.people import DECISION, Decision, Membership, Person, find_people
from rapport.identity.rules import Rules, load_rules
from rapport.settings import Settings

logger = logging.getLogger(__name__)
WRITE = load_queries("rapport.identity", "write.sql", "questions.sql")
NO_LONGER_LINKED = "no longer linked"


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
        decisions = [Decision(**row) for row in conn.execute(SQL["read_decisions"])]
        people = find_people(work.profiles, work.edges, decisions, rules)
        result, before = _assign(conn, people, work, decisions)
        _write(conn, result, people, before, as_of)
        _close(conn, work, rules, as_of)
        counts = conn.execute(WRITE["count_customers"]).fetchone() or {}
    report = IdentityReport(
        profiles=work.profiles_count,
        customers=counts["customers"],
        created=sum(change.kind == "create" for change in result.changes),
        merged=len(result.merged),
        split=sum(change.kind == "split" for change in result.changes),
        worked_on=len(work.profiles),
        open_reviews=counts["open_reviews"],
        note=work.note,
    )
    logger.info("%s", report)
    return report


Before = dict[str, tuple[str, str, str | None]]
"""Profile key to customer id, confidence and certain key of the last run."""


def _assign(conn: Connection, people: list[Person], work: Work, decisions: list[Decision]) -> tuple[Assignment, Before]:
    before: Before = {
        row["profile_key"]: (row["customer_id"], row["confidence"], row["certain_key"])
        for row in conn.execute(SQL["read_members"])
    }
    known = {row["customer_id"]: KnownId(**row) for row in conn.execute(SQL["read_customer_ids"])}
    reasons = [(*edge.pair, edge.rule) for edge in work.edges]
    reasons += [(*decision.pair, DECISION) for decision in decisions if decision.is_same]
    result = assign(
        [person.keys for person in people],
        {key: profile.created_at for key, profile in work.profiles.items()},
        {key: owner for key, (owner, _, _) in before.items()},
        known,
        joining_rules(reasons),
    )
    apart = [decision.pair for decision in decisions if not decision.is_same]
    result.changes = [_reasoned(change, apart) for change in result.changes]
    return result, before


def _reasoned(change: Change, apart: list[tuple[str, str]]) -> Change:
    """A split says whether a person wanted it or whatever held the profiles together is gone."""
    if change.kind != "split":
        return change
    moved, kept = set(change.evidence["moved"]), set(change.evidence["kept"])
    decided = any((a in moved and b in kept) or (b in moved and a in kept) for a, b in apart)
    return replace(change, rule=DECISION if decided else NO_LONGER_LINKED)


def _write(conn: Connection, result: Assignment, people: list[Person], before: Before, as_of: datetime) -> None:
    if result.created:
        conn.execute(WRITE["stage_customers"])
        with conn.cursor().copy(WRITE["copy_customers"]) as copy:
            for row in result.created.items():
                copy.write_row(row)
        conn.execute(WRITE["create_customers"], {"as_of": as_of})
    with conn.cursor() as cursor:
        cursor.executemany(
            WRITE["merge_customer"],
            [{"loser": loser, "survivor": survivor} for loser, survivor in result.merged.items()],
        )
    gone = [key for key in before if key not in result.members]
    if gone:
        conn.execute(WRITE["delete_members"], {"keys": gone})
    _write_members(conn, result, people, before, as_of)
    _log(conn, result.changes, as_of)


def _write_members(conn: Connection, result: Assignment, people: list[Person], before: Before, as_of: datetime) -> None:
    how: dict[str, Membership] = {key: value for person in people for key, value in person.memberships.items()}
    now = {key: (owner, how[key].confidence, how[key].certain_key) for key, owner in result.members.items()}
    moved = {key: values for key, values in now.items() if before.get(key) != values}
    if moved:
        conn.execute(WRITE["stage_members"])
        with conn.cursor().copy(WRITE["copy_members"]) as copy:
            for key, values in moved.items():
                copy.write_row((key, *values))
        conn.execute(WRITE["upsert_members"], {"as_of": as_of})


def _close(conn: Connection, work: Work, rules: Rules, as_of: datetime) -> None:
    """Ask what is left to ask, and remember what this run has seen."""
    conn.execute(WRITE["stage_questions"])
    conn.execute(WRITE["find_questions"], {"review": rules.likeness.review})
    conn.execute(WRITE["close_questions"])
    conn.execute(WRITE["open_questions"], {"as_of": as_of})
    conn.execute(WRITE["forget_states"])
    conn.execute(WRITE["keep_states"])
    conn.execute(WRITE["apply_decisions"], {"as_of": as_of})
    conn.execute(
        WRITE["note_run"],
        {
            "as_of": as_of,
            "rules_version": work.rules_version,
            "profiles": work.profiles_count,
            "changed_profiles": len(work.changed),
            "scored_pairs": work.scored_pairs,
            "clustered_profiles": len(work.profiles),
            "note": work.note,
        },
    )


def _log(conn: Connection, changes: list[Change], as_of: datetime) -> None:
    if not changes:
        return
    with conn.cursor().copy(WRITE["copy_changes"]) as copy:
        for change in changes:
            copy.write_row(
                (
                    change.kind,
                    change.customer_id,
                    change.other_customer_id,
                    change.profile_key,
                    change.rule,
                    Jsonb(change.evidence),
                    as_of,
                )
            )
