"""Reads profiles and edges, writes customer ids: one transaction, the only writer of schema `identity`."""

import logging
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb

from rapport.db import Connection, connect, load_queries, postgres_needed
from rapport.errors import DataError
from rapport.identity.assign import Assignment, Change, KnownId, assign
from rapport.identity.clusters import connected_components, joining_rules
from rapport.settings import Settings

logger = logging.getLogger(__name__)
SQL = load_queries("rapport.identity", "resolve.sql")


@dataclass(frozen=True)
class IdentityReport:
    """Counts of one run: profiles read, customers they belong to, and ids created, merged away and split off."""

    profiles: int
    customers: int
    created: int
    merged: int
    split: int

    def __str__(self) -> str:
        return (
            f"{self.profiles:,} profiles are {self.customers:,} customers "
            f"({self.created:,} new, {self.merged:,} merged, {self.split:,} split)"
        )


def resolve(settings: Settings, as_of: datetime) -> IdentityReport:
    """Cluster the profiles of the last prepared build and settle their customer ids as of `as_of`.

    Running it again on the same profiles and edges changes nothing. Raises DataError when no profile is left of those
    that were there, because then something before this step has failed, and TransientError when Postgres goes away;
    in both cases nothing was changed.
    """
    with postgres_needed("identity"), connect("transformer", settings=settings) as conn:
        conn.execute(SQL["lock_members"])
        first_seen = {row["profile_key"]: row["created_at"] for row in conn.execute(SQL["read_profiles"])}
        edges = [(row["profile_key_a"], row["profile_key_b"], row["rule"]) for row in conn.execute(SQL["read_edges"])]
        members = {row["profile_key"]: row["customer_id"] for row in conn.execute(SQL["read_members"])}
        known = {row["customer_id"]: KnownId(**row) for row in conn.execute(SQL["read_customer_ids"])}
        if members and not first_seen:
            raise DataError(
                f"identity: intermediate.int_profiles is empty, yet {len(members):,} profiles have customers. "
                "Look at the last load and at `prepare`; nothing was changed."
            )
        clusters = connected_components(first_seen, ((a, b) for a, b, _ in edges))
        result = assign(clusters, first_seen, members, known, joining_rules(edges))
        _write(conn, result, members, as_of)
    report = IdentityReport(
        profiles=len(first_seen),
        customers=len(clusters),
        created=sum(change.kind == "create" for change in result.changes),
        merged=len(result.merged),
        split=sum(change.kind == "split" for change in result.changes),
    )
    logger.info("%s", report)
    return report


def _write(conn: Connection, result: Assignment, before: dict[str, str], as_of: datetime) -> None:
    with conn.cursor() as cursor:
        cursor.executemany(
            SQL["create_customer"],
            [
                {"customer_id": customer_id, "founded_by": founder, "as_of": as_of}
                for customer_id, founder in result.created.items()
            ],
        )
        cursor.executemany(
            SQL["merge_customer"],
            [{"loser": loser, "survivor": survivor} for loser, survivor in result.merged.items()],
        )
    gone = [key for key in before if key not in result.members]
    if gone:
        conn.execute(SQL["delete_members"], {"keys": gone})
    moved = {key: owner for key, owner in result.members.items() if before.get(key) != owner}
    if moved:
        conn.execute(SQL["stage_members"])
        with conn.cursor().copy(SQL["copy_members"]) as copy:
            for row in moved.items():
                copy.write_row(row)
        conn.execute(SQL["upsert_members"], {"as_of": as_of})
    _log(conn, result.changes, as_of)


def _log(conn: Connection, changes: list[Change], as_of: datetime) -> None:
    if not changes:
        return
    with conn.cursor().copy(SQL["copy_changes"]) as copy:
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
