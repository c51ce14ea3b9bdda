"""A ledger brought back from a backup: nothing leaves before it is accounted for, and nobody is written twice."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from rapport.clock import FixedClock
from rapport.db import connect, migrate
from rapport.db.embedded import EmbeddedPostgres
from rapport.delivery import Limits, reconcile_once, run_dispatcher
from rapport.delivery.restore import adopt, put_in_doubt
from rapport.errors import PermanentError

QUICK = Limits(connect_seconds=0.5, read_seconds=2, deadline_seconds=3, lease_seconds=4, window_seconds=600)
PATIENT = Limits()


def dispatch(shop: Any, **kwargs: Any) -> Any:
    return run_dispatcher(shop.settings, shop.clock, limits=QUICK, **({"until_idle": True} | kwargs))


def reconcile(shop: Any) -> Any:
    return reconcile_once(shop.settings, shop.clock, limits=PATIENT)


def waiting_time_is_over(shop: Any) -> None:
    shop.conn.execute(
        "update ops.send set unknown_since = unknown_since - interval '20 minutes' where unknown_since is not null"
    )


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[EmbeddedPostgres, EmbeddedPostgres]]:
    """A server, and a place beside it for the one that its backup becomes."""
    first, second = EmbeddedPostgres(tmp_path / "first"), EmbeddedPostgres(tmp_path / "second")
    first.start()
    yield first, second
    first.stop("immediate")
    second.stop("immediate")


@pytest.fixture
def on_first(servers: tuple[EmbeddedPostgres, EmbeddedPostgres], database: Any) -> Any:
    """Settings of a database on the first server."""
    first, _ = servers
    with psycopg.connect(first.url("postgres"), autocommit=True) as conn:
        conn.execute(sql.SQL("create database {}").format(sql.Identifier("ledger")))
    settings = database.model_copy(update={"database_url": first.url("ledger")})
    with connect(settings=settings) as conn:
        migrate(conn)
    return settings


def move(shop: Any, settings: Any) -> Any:
    """The same shop on another database."""
    shop.conn.close()
    shop.settings = shop.settings.model_copy(update={"database_url": settings.database_url})
    shop.conn = connect(settings=shop.settings, autocommit=True)
    return shop


def plant(shop: Any, settings: Any) -> None:
    """The shop's campaign on the first server."""
    rows = {
        name: shop.conn.execute(sql.SQL("select * from ops.{}").format(sql.Identifier(name))).fetchall()
        for name in ("campaign", "template", "occurrence")
    }
    move(shop, settings)
    for name, found in rows.items():
        for row in found:
            columns = sql.SQL(", ").join(map(sql.Identifier, row))
            values = sql.SQL(", ").join(map(sql.Placeholder, row))
            text = sql.SQL("insert into ops.{} ({}) values ({})").format(sql.Identifier(name), columns, values)
            plain = {key: psycopg.types.json.Jsonb(value) if isinstance(value, dict) else value
                     for key, value in row.items()}  # fmt: skip
            shop.conn.execute(text, plain)


def back_up(server: EmbeddedPostgres, copy: EmbeddedPostgres) -> None:
    """A copy of the stopped server's files."""
    server.stop()
    copy.home.mkdir(exist_ok=True)
    shutil.copy2(server.home / "secrets.json", copy.home / "secrets.json")
    subprocess.run(["cp", "-a", str(server.data.parent), str(copy.home)], check=True)
    server.start()


@pytest.mark.slow
def test_an_old_copy_sends_nothing_before_it_is_reconciled_and_nothing_twice_after(
    servers: tuple[EmbeddedPostgres, EmbeddedPostgres], on_first: Any, shop: Any, provider: Any
) -> None:
    first, second = servers
    plant(shop, on_first)
    due = [*shop.plan(60), *shop.plan(4, policy="at_least_once", prefix="receipt")]
    later = shop.plan(5, prefix="later")
    shop.conn.execute("update ops.send set due_at = due_at + interval '2 hours' where send_id = any(%s)", (later,))
    provider.delay = 0.1
    dispatch(shop, seconds=0.5, until_idle=False, concurrency=4)
    assert 0 < len(provider.accepted) < 64, "the backup is made in the middle of the campaign"

    shop.conn.close()
    back_up(first, second)
    move(shop, shop.settings.model_copy(update={"database_url": first.url("ledger")}))
    provider.delay = 0.0
    dispatch(shop)
    assert len(provider.accepted) == 64
    shop.conn.close()
    first.stop()
    second.start()

    move(shop, shop.settings.model_copy(update={"database_url": second.url("ledger")}))
    requests = provider.requests
    with pytest.raises(PermanentError, match="restore guard"):
        dispatch(shop)
    # The provider tells of some only: what it told the lost ledger it does not repeat.
    heard = due[30:40]
    for send_id in heard:
        shop.event(send_id, "delivered")
    report = reconcile(shop)
    assert report.doubted > 0
    assert {shop.row(send_id)["state"] for send_id in heard} == {"accepted"}
    assert shop.states()["pending"] == 5
    with pytest.raises(PermanentError, match="restore guard"):
        dispatch(shop)
    with pytest.raises(PermanentError, match=r"not adopted: .* may have left already"):
        adopt(shop.settings, shop.clock, "the engineer")
    waiting_time_is_over(shop)
    assert reconcile(shop).quarantined > 0
    with pytest.raises(PermanentError, match="silence proves nothing"):
        adopt(shop.settings, shop.clock, "the engineer")
    adopt(shop.settings, shop.clock, "the engineer", force=True)
    reconcile(shop)
    assert provider.requests == requests

    shop.clock = FixedClock(shop.clock.at + timedelta(hours=3))
    dispatch(shop)
    assert max(provider.accepted.values()) == 1
    assert len(provider.accepted) == 69
    assert {shop.row(send_id)["state"] for send_id in later} == {"accepted"}
    assert sum(shop.states().values()) == 69
    # What came from before the restore is never repeated by silence, however open the gate.
    assert shop.conn.execute("select count(*) as n from ops.send where state = 'unknown'").fetchone()["n"] <= 4
    shop.conn.close()


def become_another(shop: Any) -> None:
    shop.conn.execute(
        "update ops.control set value = value || '{\"timeline\": \"00000000\"}' where name = 'database_identity'"
    )


@pytest.fixture
def started(shop: Any) -> Any:
    """A shop that has sent one mail."""
    shop.plan(1, prefix="first")
    dispatch(shop)
    return shop


def test_what_was_due_is_in_doubt_once_and_what_falls_due_later_is_not(started: Any, provider: Any) -> None:
    waiting, planned = started.plan(2)
    started.conn.execute("update ops.send set due_at = %s where send_id = %s", (started.clock.at, waiting))
    started.conn.execute("update ops.send set due_at = due_at + interval '1 hour' where send_id = %s", (planned,))
    become_another(started)
    assert reconcile(started).doubted == 1
    row = started.row(waiting)
    assert (row["state"], row["reason"], row["attempt_no"]) == ("unknown", "restored: it may have left already", 1)
    assert started.attempts(waiting)[0]["allowed_because"].startswith("restored: ")
    started.clock = FixedClock(started.clock.at + timedelta(hours=2))
    assert reconcile(started).doubted == 0
    assert started.row(planned)["state"] == "pending"
    waiting_time_is_over(started)
    reconcile(started)
    found = adopt(started.settings, started.clock, "the engineer")
    assert str(found) == "nothing is open"
    dispatch(started)
    assert started.row(planned)["state"] == "accepted"
    assert provider.accepted[str(waiting)] == 0
    kept = started.conn.execute("select adopted_by, forced from ops.adoption").fetchall()
    assert kept == [{"adopted_by": "the engineer", "forced": False}]


def test_an_event_of_an_attempt_that_is_not_known_gives_a_restored_ledger_away(started: Any, provider: Any) -> None:
    told, silent = started.plan(2)
    started.event(told, "processed")
    assert reconcile(started).doubted == 1
    assert started.row(told)["state"] == "accepted"
    assert started.attempts(told)[0]["outcome"] == "accepted"
    assert started.row(silent)["state"] == "unknown"
    started.plan(1, prefix="new")
    with pytest.raises(PermanentError, match="restore guard: the provider told"):
        dispatch(started)
    assert provider.requests == 1


def test_an_older_copy_is_known_by_its_fences(started: Any, provider: Any) -> None:
    started.plan(1)
    (mark,) = (started.settings.home / "delivery").glob("*.fence")
    mark.write_text(str(int(mark.read_text()) + 1))
    with pytest.raises(PermanentError, match="older than what was last sent"):
        dispatch(started)
    reconcile(started)
    adopt(started.settings, started.clock, "the engineer", force=True)
    started.plan(1, prefix="new")
    dispatch(started)
    assert provider.requests == 2
    dispatch(started)


def test_strangers_refuse_the_adoption(started: Any) -> None:
    become_another(started)
    started.event(os.urandom(16).hex(), "processed")
    reconcile(started)
    with pytest.raises(PermanentError, match="1 mails left that were planned after the backup"):
        adopt(started.settings, started.clock, "the engineer")


def test_there_is_nothing_to_adopt_in_a_sound_ledger(started: Any) -> None:
    with pytest.raises(PermanentError, match="nothing to adopt"):
        adopt(started.settings, started.clock, "the engineer")


def test_without_a_mark_nothing_is_sent(started: Any, provider: Any) -> None:
    (mark,) = (started.settings.home / "delivery").glob("*.fence")
    mark.write_text("")
    started.plan(1)
    with pytest.raises(PermanentError, match="cannot be read"):
        dispatch(started)
    assert provider.requests == 1


def test_a_worker_that_runs_already_claims_nothing_once_the_ledger_is_under_suspicion(shop: Any, provider: Any) -> None:
    shop.plan(40)
    provider.delay = 0.1

    def suspect() -> None:
        wait_for(lambda: provider.requests > 4)
        put_in_doubt(shop.conn, shop.clock.at, "a test")

    doubting = threading.Thread(target=suspect)
    doubting.start()
    dispatch(shop, seconds=3, until_idle=False, concurrency=2)
    doubting.join()
    assert provider.requests < 40
    # What the worker gave back unsent is in doubt again: the ledger that was lost may have sent it.
    reconcile(shop)
    assert shop.states()["pending"] == 0
    shop.plan(3, prefix="new")
    with pytest.raises(PermanentError, match="restore guard: a test"):
        dispatch(shop)


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
