"""The SQLite file that holds the simulated world: one writer at a time, many readers."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from rapport.db import load_queries

FILE_NAME = "world.db"
QUERIES = load_queries("rapport.sandbox", "world.sql")
SCHEMA = load_queries("rapport.sandbox", "schema_people.sql", "schema_vendors.sql")


def open_world(directory: Path) -> sqlite3.Connection:
    """Open (and create if missing) `<directory>/world.db` with its schema.

    Rows come back as `sqlite3.Row`. The connection is in autocommit mode: use `with transaction(con):` to group
    writes. It may be used from another thread than the one that opened it, but by one thread at a time.
    """
    directory.mkdir(parents=True, exist_ok=True)
    con = sqlite3.connect(
        directory / FILE_NAME, timeout=30.0, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    con.row_factory = sqlite3.Row
    con.execute("pragma journal_mode = wal")
    con.execute("pragma synchronous = normal")
    con.execute("pragma foreign_keys = on")
    for table in SCHEMA.values():
        con.executescript(table)
    return con


class transaction:  # noqa: N801 - read as a statement: `with transaction(con):`
    """Group writes: `begin immediate`, then commit, or roll back on an exception. Nested use joins the outer one."""

    def __init__(self, con: sqlite3.Connection) -> None:
        self._con = con
        self._outer = False

    def __enter__(self) -> sqlite3.Connection:
        self._outer = not self._con.in_transaction
        if self._outer:
            self._con.execute("begin immediate")
        return self._con

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if self._outer:
            self._con.execute("commit" if kind is None else "rollback")


def get_meta(con: sqlite3.Connection, key: str) -> str | None:
    """The value kept under `key`, or None."""
    row = con.execute(QUERIES["get_meta"], {"key": key}).fetchone()
    return None if row is None else str(row["value"])


def set_meta(con: sqlite3.Connection, key: str, value: str) -> None:
    """Keep `value` under `key`, replacing an earlier one."""
    con.execute(QUERIES["set_meta"], {"key": key, "value": value})


def person_by_email(con: sqlite3.Connection, email: str) -> sqlite3.Row | None:
    """The `persons` row behind an address, in any spelling one of the person's accounts uses; None if nobody's.

    An address shared by several persons answers the one with the lowest id.
    """
    row: sqlite3.Row | None = con.execute(QUERIES["person_by_email"], {"email": email.strip().lower()}).fetchone()
    return row
