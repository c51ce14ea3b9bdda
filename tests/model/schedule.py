"""One schedule: a seed draws who acts and what goes wrong, and a virtual clock interleaves their steps."""

from collections import defaultdict
from collections.abc import Iterator
from heapq import heappop, heappush
from random import Random

from . import faults
from .actors import Process, planner, reconciler, worker
from .invariants import Truth
from .ledger import AT_LEAST, AT_MOST, WINDOW, Ledger
from .provider import CHANNELS, FAULTS, Channel, Provider
from .rules import Rules

Covered = dict[tuple[str, str], int]
STRIKES_MOST = 3
CALM_ROUNDS = 6
PASSES = (7.0, 31.0, 66.0, 130.0, 400.0, 970.0, 970.0, 970.0)
# Other sends around ours, in seconds: from, to, every. A burst ends just before ours and comes again much later.
TRAFFIC_PARTS = {
    "steady": ((-1500, 4500, 120),),
    "burst": ((-1500, 0, 60), (2500, 4500, 120)),
    "low": ((-1500, 4500, 300),),
    "none": (),
}
TRAFFIC = ("steady", "steady", "burst", "low", "none")
DATABASE_FAULTS = ("lost before", "answer lost", "committed later")


class World:
    """Everything of one schedule."""

    __slots__ = (
        "_traffic",
        "audience",
        "batch_size",
        "channel",
        "covered",
        "danger",
        "flaky",
        "heap",
        "hooks",
        "ids",
        "ledger",
        "net",
        "now",
        "offset",
        "provider",
        "random",
        "rules",
        "strikes",
        "struck",
        "trace",
        "traffic_kind",
        "truth",
        "up",
    )  # fmt: skip

    def __init__(self, seed: int, rules: Rules, covered: Covered, trace: list[str] | None = None) -> None:
        self.rules, self.covered, self.trace = rules, covered, trace
        self.random = Random(seed).random
        self.now = self.offset = 0.0
        self.heap: list[tuple[float, int, Iterator[float], Process | None]] = []
        self.ids = 0
        self.truth = Truth(self)
        self.ledger = Ledger(self)
        self.provider = Provider(self)
        self.up = True
        self.struck = 0
        self._traffic: list[tuple[float, float]] | None = None
        self._draw()

    def _draw(self) -> None:
        """Few rows, few actors, and about a third of all kinds of faults, so that the drawn ones come densely. Some
        schedules have a theme: rows in doubt while webhooks are late, or workers that contest rows."""
        random, truth, spawn = self.random, self.truth, self.spawn
        theme = random()
        doubt, contest = theme < 0.25, theme > 0.8
        policy = AT_LEAST if doubt or random() < 0.5 else AT_MOST
        self.channel = Channel(CHANNELS[int(len(CHANNELS) * random())], random)
        self.net = doubt or contest or random() < 0.5
        self.flaky = 0.25 if contest or random() < 0.25 else 0.0
        self.hooks = random() < 0.4
        self.batch_size = 50 if random() < 0.3 else 1
        self.traffic_kind = "burst" if doubt and random() < 0.3 else TRAFFIC[int(len(TRAFFIC) * random())]
        if self.traffic_kind == "burst" and self.channel.kind == "blackout":
            # What is lost may lie behind the burst and hit no neighbour.
            self.channel.honest = False
        self.strikes = [kind for kind in faults.WORKER_STRIKES if random() < 0.35] if random() < 0.6 else []
        self.danger = 0.07 if self.strikes else 0.0
        self.provider.patient = random() < 0.5
        people = 1 + int(3 * random())
        expires = (25.0, 21600.0, 21600.0)[int(3 * random())]
        self.audience = [
            ((slot, address), policy, slot * 40.0 * random(), slot * 40.0 + expires)
            for slot in range(1 if random() < 0.7 else 2)
            for address in range(people)
        ]
        truth.audience = len(self.audience)
        spawn(planner(self, 1, 0), random() if random() < 0.3 else 0.0)
        if random() < 0.2:
            spawn(planner(self, 3, int(2 * random())), random())
        self._draw_processes(3 if contest else 1 + int(3 * random() * random() + 0.4))
        self._draw_faults(people)

    def _draw_processes(self, workers: int) -> None:
        random = self.random
        for at in range(workers):
            me = Process(f"worker {at}")
            self.spawn(worker(self, me), (0.0, 0.0, 70.0, 1000.0)[int(4 * random())] if at else 0.0, me)
        for at in range(1 if random() < 0.75 else 2):
            gaps = [PASSES[int(len(PASSES) * random())] * (0.7 + 0.6 * random()) for _ in range(4)]
            me = Process(f"reconciler {at}")
            self.spawn(reconciler(self, me, gaps), 1.0, me)

    def _draw_faults(self, people: int) -> None:
        random, spawn = self.random, self.spawn
        if random() < 0.25:
            spawn(faults.person(self, int(people * random())), 8 * random() * random())
        if random() < 0.15:
            spawn(faults.switch(self, "killed" if random() < 0.5 else "paused", 10 + 50 * random()), 5 * random())
        if random() < 0.1:
            self.provider.poison.add(int(people * random()))
        if random() < 0.1:
            spawn(faults.crash(self, 1 + 4 * random()), 25 * random())
        if random() < 0.04:
            spawn(faults.canceller(self), 3 * random())
        if random() < 0.05:
            spawn(faults.foreign(self), 50 * random())
        if random() < 0.12:
            spawn(faults.restore(self, 5 + 100 * random(), 130 + 200 * random()), 5 * random() * random())
        elif random() < 0.15:
            spawn(faults.clock_step(self, (-3600.0, 20.0, 3600.0)[int(3 * random())]), 5 * random())

    def spawn(self, steps: Iterator[float], delay: float, owner: Process | None = None) -> None:
        self.ids += 1
        heappush(self.heap, (self.now + delay, self.ids, steps, owner))

    def next_id(self) -> int:
        self.ids += 1
        return self.ids

    def note(self, text: str) -> None:
        assert self.trace is not None
        self.trace.append(f"{self.now:10.3f}  {text}")

    def http_fault(self) -> str:
        if not self.net:
            return "202"
        fault = "refused" if self.random() < 0.1 else FAULTS[int(len(FAULTS) * self.random())]
        self.covered["http", fault] += 1
        if self.trace is not None:
            self.note(f"network: the next request meets: {fault}")
        return fault

    def database_fault(self) -> str:
        if not self.flaky or self.random() > self.flaky:
            return ""
        fault = DATABASE_FAULTS[int(3 * self.random())]
        if self.trace is not None:
            self.note(f"database: the next statement of a worker meets: {fault}")
        return fault

    def traffic(self) -> list[tuple[float, float]]:
        """Other sends of these hours, all answered 202: (intent_at, event in the inbox at)."""
        if self._traffic is None:
            self.covered["traffic", self.traffic_kind] += 1
            self._traffic = []
            for start, end, step in TRAFFIC_PARTS[self.traffic_kind]:
                for at in range(start, end, step):
                    arrival = self.channel.arrival(at + 0.5, neighbour=True)
                    self._traffic.append((at, float("inf") if arrival is None else arrival))
        return self._traffic

    def run(self) -> None:
        """Until nobody has anything left to do."""
        heap, random = self.heap, self.random
        while heap:
            at, order, steps, owner = heappop(heap)
            if owner is not None:
                if owner.dead:
                    continue
                if owner.thaw > at:
                    heappush(heap, (owner.thaw, order, steps, owner))
                    continue
                if self.danger and random() < self.danger and self.struck < STRIKES_MOST:
                    self.now = at
                    self.struck += 1
                    faults.strike(self, owner)
                    heappush(heap, (at, order, steps, owner))
                    continue
            self.now = at
            delay = next(steps, None)
            if delay is not None:
                heappush(heap, (at + delay, order, steps, owner))

    def settle_down(self) -> None:
        """No more faults: a worker and a reconciler, until nothing is on its way."""
        ledger = self.ledger
        self.danger, self.net, self.flaky = 0.0, False, 0.0
        ledger.plan(self.audience, 0)
        for number in range(CALM_ROUNDS):
            if not self._open(number):
                break
            me = Process(f"calm worker {number}")
            self.spawn(worker(self, me), 1.0, me)
            self.spawn(reconciler(self, Process("calm reconciler"), [100.0, WINDOW + 61]), 1.0)
            self.run()

    def _open(self, number: int) -> bool:
        if self.ledger.unread:
            return True
        for send in self.ledger.sends.values():
            if send.state in ("pending", "sending"):
                return True
            if send.state == "unknown" and (send.policy == AT_MOST or number < 2):
                return True
        return False


def run_schedule(seed: int, rules: Rules, covered: Covered, trace: list[str] | None = None) -> World:
    """Raises Violation."""
    world = World(seed, rules, covered, trace)
    world.run()
    world.settle_down()
    world.truth.final()
    return world


def new_covered() -> Covered:
    return defaultdict(int)
