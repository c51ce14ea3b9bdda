"""The customers of everybody who was touched: batch by batch through clusters and ids, written at the end at once."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from rapport.db import Connection, load_queries
from rapport.identity.arrow import read_table, write_table
from rapport.identity.assign import Assignment, Change, KnownId, assign, first_id
from rapport.identity.clusters import joining_rules
from rapport.identity.people import DECISION, Decision, Edge, Membership, Person, Profile, find_people
from rapport.identity.rules import Rules

SQL = load_queries("rapport.identity", "members.sql", "write.sql")
NO_LONGER_LINKED = "no longer linked"
STAGES = ("stage_newcomers", "stage_customers", "stage_merged", "stage_gone", "stage_members")

Before = dict[str, tuple[str, str, str | None]]
"""Profile key to customer id, confidence and certain key of the last run."""


def settle(conn: Connection, rules: Rules, batches: int, as_of: datetime) -> Counter[str]:
    """Give customers to all that `tangled` holds in that many batches, and to those whom nothing ties to anybody.
    Returns how many changes there were of each kind."""
    for stage in STAGES:
        conn.execute(SQL[stage])
    kinds = Counter(create=_stage_newcomers(conn))
    for batch in range(batches):
        kinds += _settle_batch(conn, rules, batch, as_of)
    values = {"as_of": as_of}
    conn.execute(SQL["create_customers"], values)
    conn.execute(SQL["lead_on"])
    conn.execute(SQL["merge_customers"])
    conn.execute(SQL["delete_members"])
    conn.execute(SQL["upsert_members"], values)
    conn.execute(SQL["add_newcomers"], values)
    conn.execute(SQL["log_newcomers"], values)
    return kinds


def _stage_newcomers(conn: Connection) -> int:
    """Each is a new customer; there is nothing to cluster."""
    import pyarrow as pa

    founders = read_table(conn, SQL["copy_newcomers"])["profile_key"]
    for chunk in founders.chunks:
        ids = pa.array([first_id(key) for key in chunk.to_pylist()], pa.string())
        write_table(conn, SQL["copy_newcomers_in"], pa.table({"customer_id": ids, "founded_by": chunk}))
    return len(founders)


def _settle_batch(conn: Connection, rules: Rules, batch: int, as_of: datetime) -> Counter[str]:
    def read(name: str) -> Iterable[dict[str, Any]]:
        return conn.execute(SQL[name], {"batch": batch})

    profiles = {row["profile_key"]: Profile(**row) for row in read("read_profiles")}
    edges = [Edge(**row) for row in read("read_edges")]
    decisions = [Decision(**row) for row in read("read_decisions")]
    before = {
        row["profile_key"]: (row["customer_id"], row["confidence"], row["certain_key"]) for row in read("read_members")
    }
    known = {row["customer_id"]: KnownId(**row) for row in read("read_customer_ids")}
    people = find_people(profiles, edges, decisions, rules)
    reasons = [(*edge.pair, edge.rule) for edge in edges]
    reasons += [(*decision.pair, DECISION) for decision in decisions if decision.is_same]
    result = assign(
        [person.keys for person in people],
        {key: profile.created_at for key, profile in profiles.items()},
        {key: owner for key, (owner, _, _) in before.items()},
        known,
        joining_rules(reasons),
    )
    apart = [decision.pair for decision in decisions if not decision.is_same]
    changes = [_reasoned(change, apart) for change in result.changes]
    _stage(conn, result, people, before)
    _copy(conn, SQL["copy_changes"], (_row(change, as_of) for change in changes))
    return Counter(change.kind for change in changes)


def _reasoned(change: Change, apart: list[tuple[str, str]]) -> Change:
    """A split says whether a person wanted it or whatever held the profiles together is gone."""
    if change.kind != "split":
        return change
    moved, kept = set(change.evidence["moved"]), set(change.evidence["kept"])
    decided = any((a in moved and b in kept) or (b in moved and a in kept) for a, b in apart)
    return replace(change, rule=DECISION if decided else NO_LONGER_LINKED)


def _stage(conn: Connection, result: Assignment, people: list[Person], before: Before) -> None:
    how: dict[str, Membership] = {key: value for person in people for key, value in person.memberships.items()}
    now = {key: (owner, how[key].confidence, how[key].certain_key) for key, owner in result.members.items()}
    _copy(conn, SQL["copy_customers"], result.created.items())
    _copy(conn, SQL["copy_merged"], result.merged.items())
    _copy(conn, SQL["copy_gone"], ((key,) for key in before if key not in now))
    moved = ((key, *values) for key, values in now.items() if before.get(key) != values)
    _copy(conn, SQL["copy_members"], moved)


def _row(change: Change, as_of: datetime) -> tuple[Any, ...]:
    return (
        change.kind,
        change.customer_id,
        change.other_customer_id,
        change.profile_key,
        change.rule,
        Jsonb(change.evidence),
        as_of,
    )


def _copy(conn: Connection, statement: LiteralString, rows: Iterable[tuple[Any, ...]]) -> None:
    with conn.cursor().copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
