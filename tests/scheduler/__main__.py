"""`python -m tests.scheduler`: one campaign triggered 20 times at once and approved by two people, its task killed,
backfilled over 30 days and cleared; the sending task killed in the middle and cleared afterwards. Exactly one mail a
person must come of it."""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from rapport import pipeline
from rapport.clock import get_clock
from rapport.demo.airflow import AirflowLauncher
from tests.scheduler.api import Api
from tests.scheduler.shop import CAMPAIGN, Shop, shop

DAG = f"campaign_{CAMPAIGN}"
PEOPLE = 400
AT_ONCE = 20
DAYS = 30
KILLS = 2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE)
    people = parser.parse_args().people
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="rapport-scheduler-") as name, shop(Path(name), people) as found:
        launcher = AirflowLauncher(found.settings, env=found.env)
        try:
            launcher.migrate()
            launcher.start()
            launcher.wait_healthy(180)
            api = Api(launcher.url, launcher.user, launcher.password)
            marketer = Api(launcher.url, "marketer", launcher.password_of("marketer"))
            _planned_once(found, api, marketer, people)
            _sent_once(found, api, people)
        finally:
            launcher.stop()
        accepted = found.accepted()
    duplicates = len(accepted) - len(set(accepted))
    print(
        f"airflow level: {people} people, {AT_ONCE} triggers at once, a plan killed, {DAYS} days backfilled, "
        f"{KILLS} sending tasks killed, both cleared: {len(accepted)} mails, {duplicates} twice, "
        f"{people - len(set(accepted))} missing ({time.monotonic() - began:.0f} s)"
    )
    return 0 if len(accepted) == people and not duplicates else 1


def _planned_once(found: Shop, api: Api, marketer: Api, people: int) -> None:
    api.wait_dag(DAG)
    now = datetime.now(UTC)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = list(pool.map(lambda n: api.trigger(DAG, now - timedelta(seconds=n)), range(AT_ONCE)))
    _approved_by_two(found, api, marketer)
    killed = _kill_a_task(lambda: found.count("select count(*) as n from ops.send") > 0, 60)
    for run in runs:
        api.wait_run(DAG, run, 300)
    _say(f"triggered {len(runs)} times at once" + (", one task killed" if killed else ""))
    backfilled = api.backfill(DAG, now - timedelta(days=DAYS), now, 600)
    _require(backfilled >= DAYS, f"the backfill made {backfilled} runs")
    api.clear(DAG, runs[0])
    api.wait_quiet(DAG, 120)
    planned = found.count("select count(*) as n from ops.send")
    _require(planned == people, f"{planned} sends are planned for {people} people")
    _say(f"backfilled over {DAYS} days ({backfilled} runs) and cleared: {planned} sends for {people} people")


def _approved_by_two(found: Shop, api: Api, marketer: Api) -> None:
    """Whoever triggered it counts as none of the two, and nothing is planned before."""
    run = api.waiting(DAG, 120)
    _require(found.count("select count(*) as n from ops.send") == 0, "something was planned before anybody said yes")
    api.answer(DAG, run, "approve", "Approve")
    _require(api.wait_question(DAG, run, "approve", 120), "the one who asked was counted")
    pipeline.answer(CAMPAIGN, found.settings, get_clock(found.settings), "bob", "approved")
    _require(found.count("select count(*) as n from ops.send") == 0, "one yes was enough for two people's mail")
    marketer.answer(DAG, run, "approve", "Approve", comment="Looks right.")
    _until(lambda: found.count("select count(*) as n from ops.approval where state = 'approved'") == 1, 120, found)
    said = found.count(
        "select count(*) as n from ops.audit_log where action = 'approved' and actor in ('bob', 'marketer')"
    )
    _require(said == 2, f"the log holds {said} of two answers")
    _say("asked in Airflow and answered by two: one at a command line, one there")


def _sent_once(found: Shop, api: Api, people: int) -> None:
    # Planned over the whole day; here all of them are due now.
    found.execute("update ops.send set due_at = least(due_at, now())")
    run = api.trigger("deliver")
    for number in range(1, KILLS + 1):
        part = people * number // (KILLS + 1)
        killed = _kill_a_task(lambda part=part: len(found.accepted()) >= part, 240)
        _require(killed, f"no task was there to be killed; {len(found.accepted())} mails, {found.states()}")
        _say(f"the sending task killed after {len(found.accepted())} mails")
    _until(lambda: found.count("select count(*) as n from ops.send where state = 'accepted'") == people, 420, found)
    api.clear("deliver", run)
    time.sleep(20)
    _say(f"sent and cleared: {len(found.accepted())} mails")


def _kill_a_task(when: Callable[[], bool], seconds: float) -> bool:
    """SIGKILL to every process that runs a task, as soon as `when` holds; whether there was one."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if when():
            tasks = [p for p in psutil.process_iter() if _runs_a_task(p)]
            for process in tasks:
                os.kill(process.pid, signal.SIGKILL)
            if tasks:
                return True
        time.sleep(0.05)
    return False


def _runs_a_task(process: psutil.Process) -> bool:
    """The process that runs the task's own code; the executor's process above it only supervises."""
    try:
        parent = process.parent()
        return _is_worker(process) and parent is not None and _is_worker(parent)
    except psutil.NoSuchProcess:
        return False


def _is_worker(process: psutil.Process) -> bool:
    return " ".join(process.cmdline()).startswith("airflow worker")


def _until(holds: Callable[[], bool], seconds: float, found: Shop) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit(f"not done after {seconds:.0f} s: {len(found.accepted())} mails, {found.states()}")
        time.sleep(1)


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise SystemExit(f"airflow level: FAILED: {otherwise}")


def _say(text: str) -> None:
    print(f"  {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
