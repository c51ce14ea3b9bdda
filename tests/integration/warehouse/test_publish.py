"""Publishing: readers meet one build or the next, never a mixture and never an error."""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rapport import transform
from rapport.db import connect
from rapport.errors import DataError
from rapport.keys import uuid7
from rapport.settings import Settings

AS_OF = datetime(2026, 3, 25, 8, tzinfo=UTC)
READ = "select (select max(build) from marts.a_view) as a, (select max(build) from marts.b) as b"
PUBLICATIONS = 30


def candidate(settings: Settings, number: int, status: str = "passed") -> None:
    """Build `number` as dbt leaves it: two tables that tell their build, one segment with one member."""
    at = AS_OF + timedelta(hours=number)
    with connect("transformer", settings=settings) as conn:
        for layer in ("marts", "segments", "activation"):
            conn.execute(f"create schema if not exists {layer}_next")  # type: ignore[arg-type]
        for table in ("marts_next.a", "marts_next.b"):
            conn.execute(f"drop table if exists {table} cascade")  # type: ignore[arg-type]
            conn.execute(f"create table {table} as select {number} as build, repeat('x', 500) as text")  # type: ignore[arg-type]
        conn.execute("create view marts_next.a_view as select * from marts_next.a")
        conn.execute("drop table if exists segments_next.current_members")
        conn.execute("create table segments_next.current_members (customer_id text, segment text)")
        conn.execute("insert into segments_next.current_members values (%s, 'loyal')", (f"c{number}",))
    with connect("engine", settings=settings) as conn:
        conn.execute(
            "insert into ops.build (build_id, as_of, status, started_at, detail) values (%s, %s, %s, %s, %s)",
            (uuid7(), at, status, at, '{"phase": "build"}'),
        )


def read(settings: Settings) -> dict[str, Any]:
    with connect("transformer", settings=settings) as conn:
        return conn.execute(READ).fetchone() or {}


def members(settings: Settings) -> list[str]:
    query = "select customer_id from identity.membership_history where left_at is null"
    with connect("transformer", settings=settings) as conn:
        return [row["customer_id"] for row in conn.execute(query)]


def test_a_build_is_read_only_once_it_is_published_and_can_be_taken_back(database: Settings) -> None:
    candidate(database, 1)
    first = transform.publish(database)
    assert (first.entered, first.left, first.segments) == (1, 0, {"loyal": 1})
    candidate(database, 2)
    assert read(database) == {"a": 1, "b": 1}
    transform.publish(database)
    assert (read(database), members(database)) == ({"a": 2, "b": 2}, ["c2"])

    back = transform.rollback(database)
    assert back.as_of == first.as_of
    assert (read(database), members(database)) == ({"a": 1, "b": 1}, ["c1"])
    transform.rollback(database)
    assert (read(database), members(database)) == ({"a": 2, "b": 2}, ["c2"])
    with connect("engine", settings=database) as conn:
        log = conn.execute("select kind, relations from ops.publish_log order by published_at").fetchall()
    assert [row["kind"] for row in log] == ["publish", "publish", "rollback", "rollback"]
    assert log[0]["relations"] == log[2]["relations"] != log[1]["relations"]
    assert log[0]["relations"]["marts.a"]["rows"] == 1


def test_publishing_twice_changes_nothing(database: Settings) -> None:
    candidate(database, 1)
    transform.publish(database)
    again = transform.publish(database)
    assert (again.entered, again.left) == (0, 0)
    assert read(database) == {"a": 1, "b": 1}


def test_a_build_that_failed_is_not_published(database: Settings) -> None:
    candidate(database, 1)
    transform.publish(database)
    candidate(database, 2, status="failed")
    with pytest.raises(DataError, match="did not pass"):
        transform.publish(database)
    assert read(database) == {"a": 1, "b": 1}


def test_without_a_former_build_there_is_nothing_to_go_back_to(database: Settings) -> None:
    with pytest.raises(DataError, match="no former build"):
        transform.rollback(database)
    candidate(database, 1)
    transform.publish(database)
    with pytest.raises(DataError, match="no former build"):
        transform.rollback(database)


@pytest.mark.slow
def test_readers_meet_no_error_and_no_mixture(database: Settings) -> None:
    candidate(database, 0)
    transform.publish(database)
    done = threading.Event()
    found: list[dict[str, Any]] = []
    errors: list[Exception] = []

    def reader() -> None:
        with connect("transformer", settings=database, autocommit=True) as conn:
            while not done.is_set():
                try:
                    found.append(conn.execute(READ).fetchone() or {})
                except Exception as error:
                    errors.append(error)
                time.sleep(0.02)

    readers = [threading.Thread(target=reader) for _ in range(20)]
    for thread in readers:
        thread.start()
    for number in range(1, PUBLICATIONS):
        candidate(database, number)
        transform.publish(database)
    done.set()
    for thread in readers:
        thread.join()
    assert errors == []
    assert [row for row in found if row["a"] != row["b"]] == []
    assert len({row["a"] for row in found}) > PUBLICATIONS // 2
