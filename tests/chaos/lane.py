"""A house for one crash after another: plan a few sends, have a process struck, let others finish, ask the checker."""

import os
import queue
import re
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection as Wire
from multiprocessing.process import BaseProcess
from typing import Any
from uuid import UUID

from rapport.clock import SystemClock
from rapport.db import load_queries
from rapport.delivery import reconcile_once, run_dispatcher
from rapport.errors import TransientError
from tests.chaos import audience
from tests.chaos.audience import CAMPAIGNS, Planned
from tests.chaos.checker import Verdict, check
from tests.chaos.house import House, retrying
from tests.chaos.times import Times

SQL = load_queries("tests.chaos", "lane.sql")
REACH_SECONDS = 20.0
RESCUE_SECONDS = 60.0
# What the gate wants to hear of before it believes in silence.
EVIDENCE = 22
# Most of a crash's aftermath is waiting, so two cores serve a few houses.
LANES = 4
FEW_LANES = 2


class Lane:
    """One house and the times it lives by."""

    def __init__(self, house: House, times: Times) -> None:
        self.house, self.times = house, times
        self._later = 0
        with house.connect() as conn:
            audience.add_campaigns(conn)
            conn.execute(load_queries("tests.chaos", "run.sql")["make_stops"])

    def people(self, number: int, occurrence: str) -> list[Planned]:
        """Due now; every fourth at-least-once. A third of them share a text, and so a request."""
        return [
            Planned(
                f"{re.sub('[^a-z0-9]+', '-', occurrence.lower())}-{at}@post.example",
                CAMPAIGNS[2 if at % 4 == 3 else at % 2],
                first_name="Ada" if at % 3 == 0 else f"Ada {at}",
            )
            for at in range(number)
        ]

    def plan(self, planned: Iterable[Planned], occurrence: str) -> list[UUID]:
        with self.house.connect() as conn:
            return audience.plan(conn, self.house.settings, planned, occurrence)

    def reached(self, victim: BaseProcess, wire: Wire) -> bool:
        """Whether the victim came to its failpoint, where it now waits."""
        deadline = time.monotonic() + REACH_SECONDS
        while time.monotonic() < deadline and not wire.poll(0.02):
            if not victim.is_alive():
                return False
        return wire.poll() and bool(wire.recv())

    def strike(self, victim: BaseProcess, wire: Wire, action: str, occurrence: str) -> list[str]:
        """Lets the action happen to a victim that waits, and sees it to its end; what went wrong meanwhile."""
        if action == "Postgres":
            self.house.postgres.crash()
        wire.send("go")
        faults = self._freeze(victim, occurrence) if action == "pause" else []
        victim.join(REACH_SECONDS)
        if victim.is_alive():
            victim.kill()
            return [*faults, "the victim did not end"]
        expected = {"SIGKILL": -9, "pause": 0}.get(action, victim.exitcode)
        return faults if victim.exitcode == expected else [*faults, f"the victim ended with {victim.exitcode}"]

    def _freeze(self, victim: BaseProcess, occurrence: str) -> list[str]:
        """Others work beyond the frozen one's lease and must leave its sends alone."""
        end = time.monotonic() + self.times.limits.lease_seconds + 0.5
        while time.monotonic() < end:
            self.work()
        with self.house.connect() as conn:
            taken = conn.execute(SQL["orphaned"], {"occurrence": occurrence}).fetchall()
        os.kill(victim.pid or 0, signal.SIGCONT)
        return [f"{len(taken)} sends of a frozen worker were taken for orphans"] if taken else []

    def work(self) -> None:
        """One turn of a reconciler and a dispatcher."""
        try:
            reconcile_once(self.house.settings, SystemClock(), limits=self.times.limits)
            self.dispatch()
        except TransientError:
            time.sleep(0.1)

    def dispatch(self) -> None:
        run_dispatcher(self.house.settings, SystemClock(), seconds=0.1, limits=self.times.limits, concurrency=8)

    def rescue(self, occurrence: str) -> bool:
        """Others work until every send has an end and every event was read; whether that came to be."""
        self.house.set_faults(faults=[], events={"late_share": 0.0, "doubled_share": 0.0})
        end = time.monotonic() + RESCUE_SECONDS
        while time.monotonic() < end:
            self.work()
            left = self.progress(occurrence)
            if left["unsettled"] and left["unsettled"] == left["doubtful"]:
                self._plan_later(max(2, EVIDENCE - left["answered"]), occurrence)
            elif not (left["unsettled"] or left["unread"] or self.house.provider_state()["waiting"]):
                return True
        return False

    def progress(self, occurrence: str) -> dict[str, Any]:
        def ask() -> dict[str, Any]:
            with self.house.connect() as conn:
                return dict(conn.execute(SQL["progress"], {"occurrence": occurrence}).fetchone() or {})

        return retrying(ask)

    def wait(self, condition: Callable[[], bool]) -> None:
        """Raises TimeoutError when it does not come true."""
        deadline = time.monotonic() + REACH_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError("what the scenario needs did not come true")
            time.sleep(0.05)

    def verdict(self, planned: int, occurrence: str, held_seconds: float = 0.0) -> Verdict:
        times = replace(self.times, late_seconds=self.times.late_seconds + held_seconds)
        with self.house.connect() as conn:
            return check(conn, self.house.mail, times, planned, occurrence)

    def plan_evidence(self, occurrence: str) -> None:
        """Mail that leaves so much later than what is doubtful that it may count as evidence."""
        time.sleep(self.times.margin_seconds)
        self._plan_later(EVIDENCE, occurrence)

    def is_ripe(self, occurrence: str) -> bool:
        """Whether all is left to a reconciler: leases and W are over, and every event is in the inbox."""
        self.dispatch()
        left = self.progress(occurrence)
        waited = (left["unknown_seconds"] or 0) > self.times.limits.window_seconds
        return waited and not (left["pending"] or left["leased"] or self.house.provider_state()["waiting"])

    def _plan_later(self, number: int, occurrence: str) -> None:
        """Evidence needs later mail to be told of."""
        self._later += number
        later = f"{occurrence} later"
        self.plan([Planned(f"later{self._later - at}@post.example", CAMPAIGNS[0]) for at in range(number)], later)


class Pool(queue.Queue[Lane]):
    """Houses to take and give back."""


@contextmanager
def lanes(times: Times, number: int) -> Iterator[Pool]:
    """So many of them, taken down at the end."""
    with ExitStack() as stack:
        pool: Pool = Pool()
        for _ in range(number):
            pool.put(Lane(stack.enter_context(House(times.options)), times))
        yield pool


@contextmanager
def one_of(pool: Pool) -> Iterator[Lane]:
    lane = pool.get()
    try:
        yield lane
    finally:
        pool.put(lane)
