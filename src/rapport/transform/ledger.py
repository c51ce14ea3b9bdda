"""`ops.build` and `ops.build_node`: which build made the tables, and how each node went."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from rapport.db import Connection, connect, load_queries
from rapport.errors import TransientError
from rapport.keys import uuid7
from rapport.settings import Settings
from rapport.transform.report import NodeResult

SQL = load_queries("rapport.transform", "build.sql")


@contextmanager
def building(settings: Settings, phase: str, as_of: datetime) -> Iterator[UUID]:
    """Opens a build and holds the lock that keeps a second one out. Raises TransientError while another one runs."""
    with connect("engine", settings=settings, autocommit=True) as conn:
        row = conn.execute(SQL["lock_builds"]).fetchone()
        if row is None or not row["locked"]:
            raise TransientError("another build of the warehouse is running", retry_after=30.0)
        build_id = uuid7()
        conn.execute(SQL["abandon_builds"])
        conn.execute(
            SQL["start_build"],
            {"build_id": build_id, "as_of": as_of, "started_at": datetime.now(UTC), "detail": Jsonb({"phase": phase})},
        )
        yield build_id


def finish_build(settings: Settings, build_id: UUID, nodes: Sequence[NodeResult], error: str | None) -> None:
    """Closes a build with its nodes; `error` None means that it passed."""
    with connect("engine", settings=settings) as conn:
        _write_nodes(conn, build_id, nodes)
        conn.execute(
            SQL["finish_build"],
            {
                "build_id": build_id,
                "status": "passed" if error is None else "failed",
                "finished_at": datetime.now(UTC),
                "detail": Jsonb({} if error is None else {"error": error}),
            },
        )


def _write_nodes(conn: Connection, build_id: UUID, nodes: Sequence[NodeResult]) -> None:
    rows = [
        {
            "build_id": build_id,
            "node": f"{node.kind} {node.node}",
            "status": node.status,
            "seconds": node.seconds,
            "rows": node.rows,
            "message": node.message or None,
        }
        for node in nodes
    ]
    with conn.cursor() as cursor:
        cursor.executemany(SQL["write_node"], rows)
