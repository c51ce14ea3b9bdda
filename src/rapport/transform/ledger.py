"""`ops.build` and `ops.build_node`: which build made the tables, and how each node went."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from rapport.db import Connection, connect, load_queries
from rapport.errors import TransientError
from rapport.keys import uuid7
from rapport.settings import Settings
from rapport.transform.report import NodeResult
from rapport.transform.runner import project_version

SQL = load_queries("rapport.transform", "build.sql")


@dataclass(frozen=True)
class Opened:
    """A build under way. `is_first_of_version`: tables that outlive builds may have been made by another version of the
    dbt project, so all of them are made anew."""

    build_id: UUID
    is_first_of_version: bool


@contextmanager
def building(settings: Settings, phase: str, as_of: datetime) -> Iterator[Opened]:
    """Opens a build and holds the lock that keeps a second one out. Raises TransientError while another one runs."""
    with connect("engine", settings=settings, autocommit=True) as conn:
        row = conn.execute(SQL["lock_builds"]).fetchone()
        if row is None or not row["locked"]:
            raise TransientError("another build of the warehouse is running", retry_after=30.0)
        build_id, version = uuid7(), str(project_version(settings))
        conn.execute(SQL["abandon_builds"])
        passed = conn.execute(SQL["passed_with_version"], {"phase": phase, "project_version": version}).fetchone()
        detail = {"phase": phase, "project_version": version}
        conn.execute(
            SQL["start_build"],
            {"build_id": build_id, "as_of": as_of, "started_at": datetime.now(UTC), "detail": Jsonb(detail)},
        )
        yield Opened(build_id, is_first_of_version=passed is None)


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
