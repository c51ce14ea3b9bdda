"""The sweep: a process dies at its first database or HTTP operation, then at its second, and so on, until it lives."""

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess

from tests.chaos import victims
from tests.chaos.house import FORK
from tests.chaos.lane import FEW_LANES, LANES, Lane, Pool, lanes, one_of
from tests.chaos.times import Times
from tests.chaos.victims import Failpoint

PEOPLE = 6
# Of those, how many meet a reply that is lost; the others lose their worker.
DOUBTFUL = 4
# No process has so many operations; one that does is not sweeping but spinning.
MOST = 400


@dataclass
class Sweep:
    """One victim kind: `die(lane, occurrence, k)` says whether it lived through its k-th operation, or raises."""

    name: str
    die: Callable[[Lane, str, int], bool]
    first: int = 1
    step: int = 1
    lived_at: int | None = None
    deaths: int = 0
    broken: list[str] = field(default_factory=list)

    def run(self, pool: Pool) -> None:
        numbers, guard = itertools.count(self.first, self.step), threading.Lock()

        def work() -> None:
            while True:
                with guard:
                    k = next(numbers)
                    if self.lived_at is not None or k > MOST:
                        return
                with one_of(pool) as lane:
                    self._once(lane, k)

        workers = pool.qsize()
        with ThreadPoolExecutor(workers) as threads:
            for done in [threads.submit(work) for _ in range(workers)]:
                done.result()
        if self.lived_at is None:
            self.broken.append(f"it still dies at operation {MOST}")

    def _once(self, lane: Lane, k: int) -> None:
        occurrence = f"{self.name} {k}"
        try:
            lived = self.die(lane, occurrence, k)
            ended = lane.rescue(occurrence)
            verdict = lane.verdict(PEOPLE, occurrence)
        except Exception as error:
            self.broken.append(f"operation {k}: {type(error).__name__}: {error}")
            return
        if lived:
            self.lived_at = min(k, self.lived_at or k)
        else:
            self.deaths += 1
        if not (ended and verdict.holds):
            self.broken.append(f"operation {k}: {verdict}")


def sweep(times: Times, seed: int, say: Callable[[str], None], step: int = 1) -> tuple[bool, str]:
    """Sweeps the dispatcher and the reconciler, at every operation or every so-manieth beginning at the seed."""
    first = 1 + seed % step
    sweeps = [Sweep("dispatcher", _dispatcher, first, step), Sweep("reconciler", _reconciler, first, step)]
    times.shorten_gate()
    with lanes(times, LANES if step == 1 else FEW_LANES) as pool:
        for one in sweeps:
            one.run(pool)
            say(f"  {one.name}: killed at {one.deaths} operations, untouched at operation {one.lived_at}")
            for fault in one.broken:
                say(f"  FAILED {one.name}, {fault}")
    broken = sum(len(one.broken) for one in sweeps)
    return not broken, f"{sum(one.deaths for one in sweeps)} kills, one an operation: {broken} broke something"


def _dispatcher(lane: Lane, occurrence: str, k: int) -> bool:
    """Some of what it sends meets a lost reply."""
    lane.plan(lane.people(PEOPLE, occurrence), occurrence)
    lane.house.set_faults(faults=[{"kind": "drop_after", "count": 1}, {"kind": "error_before", "count": 1}])
    victim = lane.house.spawn(victims.dispatch_until_operation, lane.house.settings, lane.times, k)
    return _lived(victim)


def _reconciler(lane: Lane, occurrence: str, k: int) -> bool:
    """It meets events to read, orphans to find, sends to quarantine and to release."""
    people = lane.people(PEOPLE, occurrence)
    lane.plan(people[:DOUBTFUL], occurrence)
    lane.house.set_faults(faults=[{"kind": "drop_after", "count": 1}, {"kind": "drop_before", "count": 3}])
    lane.wait(lambda: lane.dispatch() or lane.progress(occurrence)["unknown_seconds"] is not None)
    lane.plan(people[DOUBTFUL:], occurrence)
    ours, theirs = FORK.Pipe()
    failpoint = Failpoint("SIGKILL", theirs)
    dead = lane.house.spawn(victims.dispatch_until_struck, lane.house.settings, lane.times, "after_claim", failpoint)
    if not lane.reached(dead, ours):
        raise RuntimeError("there are no orphans")
    ours.send("die")
    dead.join()
    lane.plan_evidence(occurrence)
    lane.wait(lambda: lane.is_ripe(occurrence))
    return _lived(lane.house.spawn(victims.reconcile_until_operation, lane.house.settings, lane.times, k))


def _lived(victim: BaseProcess) -> bool:
    victim.join(60)
    if victim.exitcode not in (0, -9):
        raise RuntimeError(f"the victim ended with {victim.exitcode}")
    return victim.exitcode == 0
