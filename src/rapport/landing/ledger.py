"""Bookkeeping of loads: one row of `landing.load` a run, bad records in `landing.quarantine`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from rapport.db import load_queries
from rapport.keys import uuid7

SQL = load_queries("rapport.landing", "load.sql")
ERROR_LIMIT = 2_000

BadRecord = tuple[int, str, Mapping[str, Any]]
"""Number of the record within its relation and load, why it cannot be read, the record as it came."""


def start_load(conn: Connection[DictRow], source: str, at: datetime) -> UUID:
    """Open a load and commit, so that the row outlives a rollback of the rows themselves."""
    load_id = uuid7()
    conn.execute(SQL["start_load"], {"load_id": load_id, "source": source, "at": at})
    conn.commit()
    return load_id


def finish_load(
    conn: Connection[DictRow],
    load_id: UUID,
    *,
    rows_read: int,
    rows_landed: int,
    rows_quarantined: int,
    detail: Mapping[str, Any],
) -> None:
    """Close a load as loaded, in the caller's transaction: the caller commits it together with the rows."""
    conn.execute(
        SQL["finish_load"],
        {
            "load_id": load_id,
            "rows_read": rows_read,
            "rows_landed": rows_landed,
            "rows_quarantined": rows_quarantined,
            "detail": _jsonb(detail),
        },
    )


def fail_load(conn: Connection[DictRow], load_id: UUID, error: str) -> None:
    """Roll back what is open on `conn`, close the load as failed, and commit."""
    conn.rollback()
    conn.execute(SQL["fail_load"], {"load_id": load_id, "error": error[:ERROR_LIMIT]})
    conn.commit()


def quarantine(conn: Connection[DictRow], load_id: UUID, source: str, relation: str, rows: Iterable[BadRecord]) -> int:
    """Keep records that cannot be read, in the caller's transaction; return how many were given."""
    parameters = [
        {
            "load_id": load_id,
            "source": source,
            "relation": relation,
            "record_no": record_no,
            "reason": reason,
            "record": _jsonb(record),
        }
        for record_no, reason, record in rows
    ]
    if parameters:
        with conn.cursor() as cursor:
            cursor.executemany(SQL["quarantine"], parameters)
    return len(parameters)


def _jsonb(value: Mapping[str, Any]) -> Jsonb:
    return Jsonb(value, dumps=_dumps)


def _dumps(value: object) -> str:
    # jsonb refuses the NUL escape, and a record that broke a parser is the likeliest one to hold it.
    return json.dumps(value, default=str, ensure_ascii=True).replace("\\u0000", "\\ufffd")
