"""Publishing: what was built and tested takes the place of what is read, as a whole and in one moment."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from rapport.db import Connection, connect, load_queries, postgres_needed
from rapport.errors import DataError, TransientError
from rapport.keys import uuid7
from rapport.settings import Settings
from rapport.transform.membership import record_membership

logger = logging.getLogger(__name__)

SQL = load_queries("rapport.transform", "publish.sql")
LAYERS = ("marts", "segments", "activation")
NEXT, FORMER = "_next", "_former"
# A reader's query is waited for this long; then the publication gives way and is tried again later.
PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.05


@dataclass(frozen=True)
class PublishReport:
    """What is read from now on. `entered` and `left` count segment memberships, `segments` customers by segment."""

    build_id: UUID
    as_of: datetime
    entered: int = 0
    left: int = 0
    segments: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        moved = f", {self.entered} joined and {self.left} left a segment" if self.entered or self.left else ""
        return f"published the build as of {self.as_of:%Y-%m-%d %H:%M} UTC{moved}"


def publish(settings: Settings) -> PublishReport:
    """Swaps in the newest build, if it passed; the build before it is kept for `rollback`. Doing it twice changes
    nothing.

    Raises DataError when the newest build did not pass, TransientError when readers hold the old tables for too long or
    Postgres is away; in each case what was published stays.
    """
    with postgres_needed("publish"), connect(settings=settings, autocommit=True) as conn:
        build = conn.execute(SQL["newest_build"]).fetchone()
        if build is None or build["status"] != "passed":
            raise DataError("the newest build did not pass, so nothing is published: look at ops.build and build again")
        if not _relations(conn, NEXT):
            return PublishReport(build["build_id"], build["as_of"])
        relations = _describe(conn, NEXT)
        _drop_former(conn)
        return _exchange(conn, "publish", build, relations)


def rollback(settings: Settings) -> PublishReport:
    """Puts the former build back, and keeps the one that it replaces: a second call undoes the first. Raises DataError
    when there is no former build, TransientError as `publish` does."""
    with postgres_needed("rollback"), connect(settings=settings, autocommit=True) as conn:
        known = conn.execute(SQL["publications"]).fetchall()
        if len(known) < 2 or not _relations(conn, FORMER):
            raise DataError("there is no former build to go back to")
        return _exchange(conn, "rollback", known[1], known[1]["relations"])


def _drop_former(conn: Connection) -> None:
    try:
        with conn.transaction():
            conn.execute(SQL["be_transformer"])
            conn.execute(SQL["be_patient"], {"milliseconds": str(int(PATIENCE_SECONDS * 1000))})
            conn.execute(SQL["drop_former"])
    except psycopg.errors.LockNotAvailable:
        raise TransientError("somebody still reads the build before the last one; publish again later") from None


def _exchange(
    conn: Connection, kind: Literal["publish", "rollback"], build: dict[str, Any], relations: dict[str, Any]
) -> PublishReport:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with conn.transaction():
                conn.execute(SQL["one_at_a_time"])
                conn.execute(SQL["be_transformer"])
                _lock_out_readers(conn)
                conn.execute(SQL["swap" if kind == "publish" else "swap_back"])
                entered, left, segments = record_membership(conn, build["as_of"])
                conn.execute(SQL["be_engine"])
                _log(conn, kind, build, relations)
        except psycopg.errors.LockNotAvailable:
            if time.monotonic() > deadline:
                raise TransientError("readers keep the published tables busy; publish again later") from None
            time.sleep(PAUSE_SECONDS)
        else:
            report = PublishReport(build["build_id"], build["as_of"], entered, left, segments)
            logger.info("%s", report)
            return report


def _lock_out_readers(conn: Connection) -> None:
    """All relations or none, and without waiting: a reader that has one of them and asks for the next would otherwise
    see the old one and the new one side by side, or meet us in a deadlock. Views too: a statement that found the old
    view and waits for a table would read both builds, and a prepared one would do so until the next publication."""
    names = [sql.Identifier(row["schema_name"], row["relation"]) for row in _relations(conn, "")]
    if names:
        conn.execute(sql.SQL("lock table {} in access exclusive mode nowait").format(sql.SQL(", ").join(names)))


def _relations(conn: Connection, suffix: str) -> Sequence[dict[str, Any]]:
    return conn.execute(SQL["relations"], {"schemas": [f"{layer}{suffix}" for layer in LAYERS]}).fetchall()


def _describe(conn: Connection, suffix: str) -> dict[str, dict[str, Any]]:
    """Rows and an order-free checksum by relation, under the name it will be read by."""
    query = sql.SQL(
        "select count(*) as rows, coalesce(bit_xor(hash_record_extended(found, 0)), 0) as checksum from {} as found"
    )
    found = {}
    for row in _relations(conn, suffix):
        counted = conn.execute(query.format(sql.Identifier(row["schema_name"], row["relation"]))).fetchone() or {}
        name = f"{row['schema_name'].removesuffix(suffix)}.{row['relation']}"
        found[name] = {"rows": counted["rows"], "checksum": str(counted["checksum"])}
    return found


def _log(conn: Connection, kind: str, build: dict[str, Any], relations: dict[str, Any]) -> None:
    conn.execute(
        SQL["log_publication"],
        {
            "publish_id": uuid7(),
            "kind": kind,
            "build_id": build["build_id"],
            "as_of": build["as_of"],
            "version": version("rapport"),
            "relations": Jsonb(relations),
        },
    )
