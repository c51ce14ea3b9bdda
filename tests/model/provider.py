"""The mail provider with its own record, and the way of its events to us."""

from collections.abc import Iterator
from typing import Any

from . import evidence
from .ledger import ENGAGEMENT

# A connection on which no byte came for so long is closed by the provider. A patient one breaks that assumption.
IDLE_SECONDS = 60.0
FAULTS = ("202", "202", "202", "202", "429", "5xx before", "5xx after", "reply lost", "accepted late", "half written")
LATE_SECONDS = 60.0
JITTER_SECONDS = 60.0
PROCESSED, DELIVERED, OPENED, COMPLAINED = range(1, len(ENGAGEMENT))
CHANNELS = ("orderly", "outage", "blackout", "retrying", "overtaken", "lossy")
HONEST = ("orderly", "outage", "blackout")


class Channel:
    """When an event of something accepted at `at` reaches the inbox, or never.

    Honest ways keep the assumption of the evidence gate. `orderly`: in order but for a minute. `outage`: the receiver
    is down, then everything comes in order. `blackout`: all events of a stretch are lost, neighbours' too. Dishonest:
    `retrying`: after an outage the old events come any time later; `overtaken`: our few events come much later than
    those of our neighbours; `lossy`: single events are lost.
    """

    __slots__ = ("end", "honest", "kind", "random", "start")

    def __init__(self, kind: str, random: Any) -> None:
        self.kind, self.honest, self.random = kind, kind in HONEST, random
        self.start = self.end = 0.0
        if kind in ("outage", "retrying"):
            self.start = random() * 200 - 50
            self.end = self.start + (200 + (6000 if kind == "outage" else 900) * random())
        elif kind == "blackout":
            self.start = random() * 200 - 250
            self.end = self.start + 300 + 1000 * random()

    def arrival(self, at: float, neighbour: bool = False) -> float | None:
        random, kind, start, end = self.random, self.kind, self.start, self.end
        if kind == "blackout" and start <= at < end:
            return None
        if kind == "lossy" and random() < 0.3:
            return None
        if kind == "overtaken" and not neighbour:
            return at + 60 + 2600 * random()  # type: ignore[no-any-return]
        ready = at + (0.05 if random() < 0.3 else 2 + (JITTER_SECONDS - 2) * random())
        if kind == "retrying" and start <= ready < end:
            return end + 2400 * random()  # type: ignore[no-any-return]
        if kind == "outage" and start <= ready < end + 80:
            return end + 0.01 * (ready - start) if ready < end else end + 79 + 0.01 * (ready - end)
        return ready


class Provider:
    """Accepts what arrives; its record is `truth.accepted`."""

    __slots__ = ("patient", "poison", "world")

    def __init__(self, world: Any) -> None:
        self.world = world
        self.poison: set[int] = set()
        self.patient = False

    def hangs_up(self, rows: list[tuple[Any, ...]], connected_at: float, epoch: int) -> bool:
        world = self.world
        if world.now - connected_at <= IDLE_SECONDS:
            return False
        world.covered["network", "idle connection"] += 1
        if not self.patient:
            return True
        if epoch not in world.ledger.locks:
            world.truth.idle.update(row[0] for row in rows)
        return False

    def write(self, rows: list[tuple[Any, ...]], fault: str) -> str:
        """The bytes arrive. What the client will see: a status, or `timeout`."""
        world = self.world
        if self.poison and fault in ("202", "5xx after") and any(row[2][1] in self.poison for row in rows):
            return "400"
        if fault == "202" or fault == "5xx after" or fault == "reply lost":
            self.accept(rows)
        elif fault == "accepted late":
            world.spawn(self.accept_late(rows), READ_LATER + LATE_SECONDS * world.random())
        return ANSWERS[fault]

    def accept_late(self, rows: list[tuple[Any, ...]]) -> Iterator[float]:
        self.accept(rows)
        return
        yield

    def accept(self, rows: list[tuple[Any, ...]]) -> None:
        world = self.world
        if self.poison and any(row[2][1] in self.poison for row in rows):
            return
        for row in rows:
            if world.trace is not None:
                world.note(f"provider: accepts send {row[0]} (fence {row[1]})")
            world.truth.taken(row)
            self.tell(row[0], row[1])

    def tell(self, send_id: int, fence: int) -> None:
        world, random = self.world, self.world.random
        kinds = [PROCESSED] if random() < 0.6 else [PROCESSED, DELIVERED + int(3 * random())]
        if world.channel.kind == "lossy" and len(kinds) > 1 and random() < 0.3:
            del kinds[0]
            world.covered["webhook", "no processed event"] += 1
        for kind in kinds:
            at = world.channel.arrival(world.now)
            if at is None:
                world.covered["webhook", "lost"] += 1
                continue
            world.covered[
                "webhook", "late" if at > world.now + 100 else "early" if at < world.now + 1 else "in time"
            ] += 1
            world.spawn(arrives(world, (send_id, fence, kind), send_id, kind), at - world.now)
            if world.hooks and random() < 0.5:
                world.covered["webhook", "doubled"] += 1
                world.spawn(arrives(world, (send_id, fence, kind), send_id, kind), at - world.now + 200 * random())


READ_LATER = 10.0
ANSWERS = {
    "202": "202",
    "5xx after": "5xx",
    "5xx before": "5xx",
    "429": "429",
    "reply lost": "timeout",
    "accepted late": "timeout",
    "half written": "timeout",
}


def arrives(world: Any, event_id: object, send_id: int, kind: int) -> Iterator[float]:
    """One event at the gateway."""
    if world.trace is not None:
        world.note(f"gateway: {ENGAGEMENT[kind]} of send {send_id}")
    evidence.receive(world.ledger, event_id, send_id, kind)
    return
    yield
