"""A build of nothing, and builds that break: what is said, and what is left untouched."""

from datetime import UTC, datetime
from importlib import import_module
from threading import Lock
from typing import Any, LiteralString

import pytest

from rapport import identity, transform
from rapport.db import connect
from rapport.errors import DataError, PermanentError, TransientError
from rapport.landing import prepare_raw
from rapport.settings import Settings
from rapport.transform import runner
from rapport.transform.ledger import building
from rapport.transform.report import readable

AS_OF = datetime(2026, 3, 25, 8, tzinfo=UTC)
PROFILES: LiteralString = """create table intermediate.int_profiles (
    profile_key text, source text, source_rank integer, match_first_name text, match_last_name text, birth_date date,
    email text, phone text, address1 text, zip text, city text, loyalty_number text, store_id text,
    created_at timestamptz)"""
EDGES: LiteralString = """create table intermediate.int_edges (
    profile_key_a text, profile_key_b text, rule text, value text, fan_out bigint)"""


def end_connections(settings: Settings) -> None:
    with connect(settings=settings, autocommit=True) as conn:
        conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )


def test_an_empty_warehouse_builds_then_a_broken_one_says_what_is_wrong(database: Settings, build: Any) -> None:
    prepare_raw(database)
    resolved, report = build(database, AS_OF)
    assert (resolved.profiles, resolved.customers) == (0, 0)
    assert not report.failures

    with connect(settings=database) as conn:
        conn.execute("alter table raw_zendesk.tickets drop column status cascade")
    with pytest.raises(DataError, match=r"model staging\.stg_zendesk__tickets: .*status"):
        transform.prepare(database, AS_OF)
    with connect("engine", settings=database) as conn:
        newest = conn.execute("select status, detail from ops.build order by started_at desc limit 1").fetchone()
        audience = conn.execute("select count(*) as n from activation.campaign_audience").fetchone()
    assert newest is not None
    assert newest["status"] == "failed"
    assert "stg_zendesk__tickets" in newest["detail"]["error"]
    assert audience is not None


def test_a_build_that_loses_postgres_says_so_and_a_rerun_completes(
    database: Settings, build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_raw(database)
    finished: list[str] = []
    one_at_a_time = Lock()

    def cut(event: Any) -> None:
        if event.info.name != "NodeFinished":
            return
        # dbt's threads come here side by side, and a cut that meets all of them between two statements breaks nothing.
        with one_at_a_time:
            finished.append(event.data.node_info.node_status)
            if len(finished) >= 3 and "error" not in finished:
                end_connections(database)

    with monkeypatch.context() as patch:
        patch.setattr(runner, "_log_node", cut)
        with pytest.raises(TransientError, match=r"Postgres went away in the middle.*Run it again"):
            transform.prepare(database, AS_OF)
    assert len(finished) > 3
    assert "error" not in finished[:3]
    _, report = build(database, AS_OF)
    assert not report.failures
    with connect("engine", settings=database) as conn:
        states = conn.execute("select status from ops.build order by started_at").fetchall()
    assert [row["status"] for row in states] == ["failed", "passed", "passed"]


def test_identity_that_loses_postgres_changes_nothing_and_a_rerun_completes(
    database: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect("transformer", settings=database) as conn:
        conn.execute(PROFILES)
        conn.execute(EDGES)
        insert = "insert into intermediate.int_profiles (profile_key, created_at) values ('zendesk:1', %(at)s)"
        conn.execute(insert, {"at": AS_OF})
    resolving = import_module("rapport.identity.resolve")
    close = resolving._close

    def cut(*arguments: Any) -> None:
        end_connections(database)
        close(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(resolving, "_close", cut)
        with pytest.raises(TransientError, match=r"identity: Postgres went away in the middle.*Run it again"):
            identity.resolve(database, AS_OF)
    with connect("transformer", settings=database) as conn:
        assert conn.execute("select from identity.customer_ids").fetchall() == []
    assert identity.resolve(database, AS_OF).created == 1


def test_two_builds_at_once_are_refused(database: Settings) -> None:
    with building(database, "prepare", AS_OF), pytest.raises(TransientError, match="another build"):
        transform.prepare(database, AS_OF)


def test_a_moment_without_a_time_zone_is_refused(database: Settings) -> None:
    with pytest.raises(PermanentError, match="time zone"):
        transform.prepare(database, AS_OF.replace(tzinfo=None))


def test_identity_does_not_retire_everybody_when_profiles_are_missing(database: Settings) -> None:
    with connect("transformer", settings=database) as conn:
        conn.execute(PROFILES)
        conn.execute(EDGES)
        conn.execute("insert into identity.customer_ids values ('x', 'zendesk:1', %(at)s, null)", {"at": AS_OF})
        conn.execute("insert into identity.members values ('zendesk:1', 'x', %(at)s)", {"at": AS_OF})
    with pytest.raises(DataError, match="int_profiles is empty"):
        identity.resolve(database, AS_OF)


def test_messages_for_the_log_name_no_person() -> None:
    said = readable("duplicate key\nDETAIL:  Key (email)=(ada@example.com) already exists.\nfor ada@example.com")
    assert said == "duplicate key for <address>"
