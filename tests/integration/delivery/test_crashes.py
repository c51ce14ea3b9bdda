"""Processes that die, sessions that are lost, workers that compete: nobody is written to twice."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import Any

import pytest

from rapport.delivery import Limits, reconcile_once, run_dispatcher
from rapport.delivery.worker import POOLED, check_session
from rapport.errors import PermanentError

QUICK = Limits(connect_seconds=0.5, read_seconds=3, deadline_seconds=4, lease_seconds=5, window_seconds=600)

DISPATCHER = """
import os
from datetime import datetime
from rapport.clock import FixedClock
from rapport.delivery import Limits, run_dispatcher
from rapport.settings import Settings
clock = FixedClock(datetime.fromisoformat(os.environ["AT"]))
limits = Limits(connect_seconds=0.5, read_seconds=3, deadline_seconds=4, lease_seconds=5, window_seconds=600)
run_dispatcher(Settings(), clock, until_idle=True, concurrency=8, limits=limits)
"""


def start_dispatcher(shop: Any) -> subprocess.Popen[bytes]:
    settings = shop.settings
    env = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
    env |= {
        "AT": shop.clock.at.isoformat(),
        "RAPPORT_HOME": str(settings.home),
        "RAPPORT_DATABASE_URL": settings.database_url,
        "RAPPORT_INSTALLATION_ID": settings.installation_id,
        "RAPPORT_ENVIRONMENT": settings.environment,
        "RAPPORT_SECRET_KEY": settings.secret_key,
        "RAPPORT_SHOP_POSTAL_ADDRESS": settings.shop_postal_address,
        "RAPPORT_SENDGRID_URL": settings.sendgrid_url,
        "RAPPORT_SENDGRID_API_KEY": settings.sendgrid_api_key,
    }
    return subprocess.Popen([sys.executable, "-c", DISPATCHER], env=env)


def wait_for(condition: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def finish(shop: Any, ids: list[Any], provider: Any) -> None:
    """The provider tells what it took; the reconciler settles."""
    for send_id in ids:
        if provider.accepted[str(send_id)]:
            shop.event(send_id, "processed")
    reconcile_once(shop.settings, shop.clock)


def test_a_killed_dispatcher_neither_loses_nor_repeats(shop: Any, provider: Any) -> None:
    ids = shop.plan(120)
    provider.delay = 0.1
    process = start_dispatcher(shop)
    wait_for(lambda: len(provider.bodies) > 30)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    stranded = shop.states()["sending"]
    assert stranded > 0
    run_dispatcher(shop.settings, shop.clock, until_idle=True, limits=QUICK)
    assert shop.states()["sending"] == stranded, "another worker must not touch a claimed row"
    shop.conn.execute("update ops.send set lease_until = clock_timestamp() - interval '1 s' where state = 'sending'")
    assert reconcile_once(shop.settings, shop.clock).orphaned == stranded
    finish(shop, ids, provider)
    run_dispatcher(shop.settings, shop.clock, until_idle=True, limits=QUICK)
    assert max(provider.accepted.values()) == 1
    states = shop.states()
    assert states["accepted"] == len(provider.accepted)
    assert states["accepted"] + states["unknown"] == 120
    unheard = [send_id for send_id in ids if not provider.accepted[str(send_id)]]
    assert {shop.row(send_id)["state"] for send_id in unheard} <= {"unknown"}


def test_a_frozen_dispatcher_that_wakes_up_late_sends_nothing(shop: Any, provider: Any) -> None:
    ids = shop.plan(60)
    provider.delay = 0.2
    process = start_dispatcher(shop)
    wait_for(lambda: len(provider.bodies) > 8)
    process.send_signal(signal.SIGSTOP)
    shop.conn.execute("update ops.send set lease_until = clock_timestamp() - interval '1 s' where state = 'sending'")
    assert reconcile_once(shop.settings, shop.clock).orphaned == 0, "it is frozen, not dead: its lock is held"
    run_dispatcher(shop.settings, shop.clock, until_idle=True, limits=QUICK)
    process.send_signal(signal.SIGCONT)
    assert process.wait(30) == 0
    finish(shop, ids, provider)
    assert max(provider.accepted.values()) == 1
    assert shop.states() == {"accepted": 60}


def test_many_dispatchers_share_the_work_without_repeating_any(shop: Any, provider: Any) -> None:
    ids = shop.plan(150)
    reports = []

    def work() -> None:
        reports.append(run_dispatcher(shop.settings, shop.clock, until_idle=True, concurrency=6, limits=QUICK))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert provider.accepted == Counter(str(send_id) for send_id in ids)
    assert sum(report.accepted for report in reports) == 150
    assert shop.states() == {"accepted": 150}


def test_a_lost_session_is_replaced_in_the_middle_of_a_run(shop: Any, provider: Any) -> None:
    ids = shop.plan(200)
    provider.delay = 0.05
    stop = threading.Event()

    def cut() -> None:
        while not stop.wait(0.4):
            shop.conn.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'rapport:engine' and datname = current_database()"
            )

    cutter = threading.Thread(target=cut)
    cutter.start()
    try:
        run_dispatcher(shop.settings, shop.clock, until_idle=True, concurrency=8, limits=QUICK)
    finally:
        stop.set()
        cutter.join()
    shop.conn.execute("update ops.send set lease_until = clock_timestamp() - interval '1 s' where state = 'sending'")
    reconcile_once(shop.settings, shop.clock)
    finish(shop, ids, provider)
    run_dispatcher(shop.settings, shop.clock, until_idle=True, limits=QUICK)
    assert max(provider.accepted.values()) == 1
    assert shop.states() == {"accepted": 200}


def test_a_second_attempt_without_a_reason_is_refused_by_the_database(shop: Any) -> None:
    import psycopg

    (send_id,) = shop.plan(1)
    with pytest.raises(psycopg.errors.CheckViolation):
        shop.conn.execute("update ops.send set attempt_no = 1 where send_id = %s", (send_id,))


@pytest.mark.parametrize(
    "limits",
    [
        Limits(read_seconds=40),
        Limits(deadline_seconds=70),
        Limits(lease_seconds=901),
        Limits(connect_seconds=0, read_seconds=0),
    ],
)
def test_misconfigured_times_stop_the_start(shop: Any, provider: Any, limits: Limits) -> None:
    shop.plan(1)
    with pytest.raises(PermanentError, match="misconfigured"):
        run_dispatcher(shop.settings, shop.clock, until_idle=True, limits=limits)
    assert provider.requests == 0


def test_a_forgetful_database_stops_the_start(shop: Any, provider: Any) -> None:
    shop.plan(1)
    name = shop.settings.database_url.rpartition("/")[2].partition("?")[0]
    shop.conn.execute(f'alter database "{name}" set synchronous_commit = off')
    with pytest.raises(PermanentError, match="synchronous_commit"):
        run_dispatcher(shop.settings, shop.clock, until_idle=True, limits=QUICK)
    assert provider.requests == 0


def test_a_cloned_or_restored_database_sends_nothing(shop: Any, provider: Any) -> None:
    shop.plan(1)
    run_dispatcher(shop.settings, shop.clock, until_idle=True, limits=QUICK)
    shop.plan(1, prefix="bob")
    shop.conn.execute(
        "update ops.control set value = value || '{\"timeline\": \"00000000\"}' where name = 'database_identity'"
    )
    with pytest.raises(PermanentError, match="restore guard"):
        run_dispatcher(shop.settings, shop.clock, until_idle=True, limits=QUICK)
    assert provider.requests == 1


@pytest.mark.parametrize("facts", [{"backend_pid": 2}, {"holds_lock": False}])
def test_a_pooled_session_stops_the_start(facts: dict[str, Any]) -> None:
    sound = {"synchronous_commit": "on", "fsync": "on", "backend_pid": 1, "holds_lock": True}
    check_session(sound, 1)
    with pytest.raises(PermanentError) as caught:
        check_session(sound | facts, 1)
    assert str(caught.value) == POOLED


def test_missing_settings_are_named_before_anything_is_claimed(shop: Any, provider: Any) -> None:
    shop.plan(1)
    for changes, name in (
        ({"sendgrid_api_key": None}, "RAPPORT_SENDGRID_API_KEY"),
        ({"shop_postal_address": ""}, "RAPPORT_SHOP_POSTAL_ADDRESS"),
        ({"gateway_url": "http://mail.shop.example"}, "RAPPORT_GATEWAY_URL"),
    ):
        with pytest.raises(PermanentError, match=name):
            run_dispatcher(shop.settings.model_copy(update=changes), shop.clock, until_idle=True)
    assert shop.states() == {"pending": 1}
