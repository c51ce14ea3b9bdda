"""What goes wrong around the processes: people, switches, clocks, the database."""

from collections.abc import Iterator
from typing import Any

from . import evidence
from .actors import Process

FREEZES = (4.0, 40.0, 100.0, 1100.0, 2800.0)
# After so long without an answer the server gives a sleeping client up.
KEEPALIVE_SECONDS = 60.0
LOST_HOST_SECONDS = 300.0
WORKER_STRIKES = ("kill", "lose the host of", "freeze", "put to sleep", "cut the session of")


def strike(world: Any, me: Process) -> None:
    """One process comes to harm at this very step."""
    kind = world.strikes[int(len(world.strikes) * world.random())]
    world.covered["strike", kind] += 1
    if world.trace is not None:
        world.note(f"fault: {kind} {me.name}")
    if kind == "cut the session of":
        world.ledger.locks.discard(me.epoch)
        # A reconciler without its session is over; the next pass goes on.
        me.dead = me.epoch == 0 and me.identity is None and me.name.startswith("reconciler")
        return
    me.struck = True
    if kind == "kill":
        me.dead = True
        world.ledger.locks.discard(me.epoch)
    elif kind == "lose the host of":
        me.dead = True
        world.spawn(_session_ends(world, me.epoch), LOST_HOST_SECONDS)
    else:
        seconds = FREEZES[int(len(FREEZES) * world.random())]
        me.thaw = world.now + seconds
        if kind == "put to sleep":
            me.slept += seconds
            if seconds > KEEPALIVE_SECONDS:
                world.spawn(_session_ends(world, me.epoch), KEEPALIVE_SECONDS)


def _session_ends(world: Any, epoch: int) -> Iterator[float]:
    world.ledger.locks.discard(epoch)
    return
    yield


def person(world: Any, address: int) -> Iterator[float]:
    """Unsubscribes: one committed row."""
    world.covered["person", "unsubscribed"] += 1
    if world.trace is not None:
        world.note(f"person {address}: unsubscribes")
    world.ledger.suppressed.setdefault(address, world.now)
    return
    yield


def switch(world: Any, name: str, seconds: float) -> Iterator[float]:
    """The kill switch or the campaign's pause, for a while."""
    world.covered["switch", name] += 1
    setattr(world.ledger, name, True)
    yield seconds
    setattr(world.ledger, name, False)


def canceller(world: Any) -> Iterator[float]:
    """Somebody cancels what is pending."""
    for send in list(world.ledger.sends.values()):
        if send.state == "pending" and send.attempt_no == 0:
            world.ledger.move(send, "cancel")
    return
    yield


def clock_step(world: Any, seconds: float) -> Iterator[float]:
    """The business clock jumps; real seconds do not."""
    world.covered["clock", "forwards" if seconds > 0 else "backwards"] += 1
    world.offset += seconds
    return
    yield


def crash(world: Any, seconds: float) -> Iterator[float]:
    """Postgres stops at once and starts again: what was committed stays, every session and lock is gone."""
    world.covered["database", "crash"] += 1
    if world.trace is not None:
        world.note("fault: Postgres crashes")
    world.up = False
    world.ledger.restart()
    yield seconds
    world.up = True


def restore(world: Any, until: float, lift_after: float) -> Iterator[float]:
    """A backup now, brought back at `until`; somebody lifts the guard later, after all was planned again."""
    tables = world.ledger.snapshot()
    yield until
    world.covered["database", "restored"] += 1
    if world.trace is not None:
        world.note("fault: the database is restored from an older backup")
    world.ledger.restore(tables)
    yield lift_after
    if world.rules.replan_first:
        world.ledger.plan(world.audience, 0)
    world.ledger.adopt()
    if world.trace is not None:
        world.note("operator: what may have left is in doubt now; the guard is lifted")


def foreign(world: Any) -> Iterator[float]:
    """An event of a send that is not ours."""
    evidence.receive(world.ledger, ("foreign", 0), -1, 1)
    return
    yield
