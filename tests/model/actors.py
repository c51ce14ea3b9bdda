"""Who acts: workers with their requests, reconcilers, planners and people. Each `yield` is the time to the next step,
and at each of them any of them may be killed, frozen or cut off."""

from collections.abc import Iterator
from typing import Any

from . import evidence
from .ledger import CONNECT, DEADLINE, READ

Row = tuple[Any, ...]
OUTCOMES = {"202": "accepted", "400": "rejected", "429": "not_sent", "5xx": "unknown", "timeout": "unknown"}
CLAIM_ROWS = 50
# How long a run waits for rows that are not due yet, or were refused a moment ago.
PATIENT_TURNS = 12
RECONNECT_SECONDS = 8.0


class Process:
    """A process of ours: what of it can be killed, frozen, put to sleep."""

    __slots__ = (
        "cut",
        "dead",
        "doubt",
        "epoch",
        "flying",
        "held",
        "identity",
        "lost_epoch",
        "name",
        "peeked",
        "results",
        "slept",
        "stop_seen",
        "struck",
        "thaw",
    )  # fmt: skip

    def __init__(self, name: str) -> None:
        self.name = name
        self.epoch, self.cut, self.dead, self.struck = 0, False, False, False
        # Frozen until `thaw`; `slept` are the seconds that a clock which stops in a sleep does not know of.
        self.thaw = self.slept = 0.0
        self.identity: int | None = None
        self.flying = 0
        self.results: list[tuple[int, int, str, float]] = []
        self.doubt = self.lost_epoch = 0
        self.held: dict[int, bool] = {}
        self.stop_seen: bool | None = None
        self.peeked: list[Any] | None = None


def worker(world: Any, me: Process) -> Iterator[float]:
    """One run of the dispatcher, until idle. One statement a turn; what was lost is made good first."""
    ledger, random = world.ledger, world.random
    idle, turns, pause = 0, 0, 1.0
    while idle < 2 or me.flying or (turns < PATIENT_TURNS and ledger.has_pending()):
        yield 0.01 + pause * random()
        turns, pause = turns + 1, 1.0
        if me.epoch not in ledger.locks or me.cut:
            me.identity = ledger.identity if me.identity is None else me.identity
            if world.rules.guard and (ledger.is_strange or me.identity != ledger.identity):
                world.covered["worker", "stopped by the restore guard"] += 1
                me.struck = True
                return
            if world.up:
                me.epoch, me.cut = ledger.open_session(), False
            else:
                pause = RECONNECT_SECONDS
            continue
        idle = 0 if _statement(world, me) or me.flying else idle + 1
        if me.cut:
            pause = RECONNECT_SECONDS
    ledger.locks.discard(me.epoch)


def _statement(world: Any, me: Process) -> bool:
    """Whether it did anything."""
    ledger, fault = world.ledger, world.database_fault()
    if me.doubt:
        if fault != "lost before":
            ledger.return_batch(me.doubt, me.lost_epoch)
        if not fault:
            me.doubt = 0
    elif me.results:
        if fault != "lost before":
            ledger.settle(me.results)
        if not fault:
            me.results = []
    else:
        return _claim(world, me, fault)
    if fault:
        cut(world, me)
    return True


def cut(world: Any, me: Process) -> None:
    """The client lost its session; the server may notice later, and holds the lock until then."""
    me.cut = True
    if world.random() < 0.5:
        world.ledger.locks.discard(me.epoch)
    else:
        world.spawn(_unlock(world, me.epoch), 20 * world.random())


def _unlock(world: Any, epoch: int) -> Iterator[float]:
    world.ledger.locks.discard(epoch)
    return
    yield


def _claim(world: Any, me: Process, fault: str) -> bool:
    ledger, started = world.ledger, (world.now, me.slept, me.epoch)
    if me.stop_seen is None:
        me.stop_seen = ledger.killed
    if not world.rules.atomic_claim and me.peeked is None:
        me.peeked = ledger.due(CLAIM_ROWS, ledger.killed)
        return bool(me.peeked)
    batch = world.next_id()
    if fault:
        me.doubt, me.lost_epoch = (batch if world.rules.return_lost else 0), me.epoch
        world.covered["claim", fault] += 1
    if fault == "committed later":
        me.cut = True
        world.spawn(_late_claim(world, me, batch, me.epoch), 25 * world.random())
        return True
    rows = [] if fault == "lost before" else _take(world, me, batch, me.epoch)
    if fault:
        cut(world, me)
        return True
    for row in rows:
        me.held[row[1]] = True
    size = world.batch_size
    for at in range(0, len(rows), size):
        me.flying += 1
        world.spawn(request(world, me, rows[at : at + size], started), 0.01, me)
    return bool(rows)


def _take(world: Any, me: Process, batch: int, epoch: int) -> list[Row]:
    ledger = world.ledger
    stopped = ledger.killed if world.rules.switch_at_claim else me.stop_seen
    due = ledger.due(CLAIM_ROWS, stopped) if me.peeked is None else me.peeked
    me.peeked = None
    rows: list[Row] = ledger.claim(epoch, due, batch)
    for row in rows:
        world.truth.owners[row[1]] = me
    return rows


def _late_claim(world: Any, me: Process, batch: int, epoch: int) -> Iterator[float]:
    """The client is gone, and the server commits all the same."""
    if epoch in world.ledger.locks:
        rows = _take(world, me, batch, epoch)
        world.truth.late_claims.update(row[1] for row in rows)
        world.ledger.locks.discard(epoch)
    return
    yield


def request(world: Any, me: Process, rows: list[Row], started: tuple[float, float, int]) -> Iterator[float]:
    """Connect, ask whether it may still leave, write, read. Bad batches are halved."""
    rules, random = world.rules, world.random
    yield 0.02 + (CONNECT - 0.1) * random() * random()
    fault = world.http_fault()
    if fault == "refused":
        _finish(me, rows, "not_sent", 5.0)
        return
    waited = world.now - started[0]
    known = waited if rules.real_seconds else waited - (me.slept - started[1])
    if rules.deadline and known > DEADLINE:
        world.covered["worker", "too late"] += 1
        _finish(me, rows, "not_sent", 0.0)
        return
    business = world.now + world.offset
    late = [row for row in rows if rules.expiry and row[4] <= business]
    rows = [row for row in rows if row not in late] if late else rows
    for row in late:
        me.results.append((row[0], row[1], "not_sent", 0.0))
    if not rows:
        me.flying -= 1
        return
    world.truth.first_byte(rows, waited)
    connected_at = world.now
    yield 0.001
    seen = "timeout" if world.provider.hangs_up(rows, connected_at, started[2]) else world.provider.write(rows, fault)
    yield READ if seen == "timeout" else 0.05 + random()
    if seen == "timeout" and not rules.one_request:
        seen = world.provider.write(rows, "202")
    if seen == "400" and len(rows) > 1 and rules.bisect:
        world.covered["worker", "batch halved"] += 1
        half = len(rows) // 2
        me.flying += 1
        for part in (rows[:half], rows[half:]):
            world.spawn(request(world, me, part, started), 0.01, me)
        return
    _answered(world, me, rows, seen)


def _answered(world: Any, me: Process, rows: list[Row], seen: str) -> None:
    rules, outcome = world.rules, OUTCOMES[seen]
    if (seen == "5xx" and not rules.doubt_5xx) or (seen == "timeout" and not rules.doubt_timeout):
        outcome = "not_sent"
    if seen == "429":
        world.ledger.pause_provider(3.0)
    if outcome == "unknown" and not rules.whole_batch and len(rows) > 1:
        _finish(me, rows[1:], "not_sent", 0.0)
        me.flying += 1
        rows = rows[:1]
    _finish(me, rows, outcome, 2.0 if outcome == "not_sent" else 0.0)


def _finish(me: Process, rows: list[Row], outcome: str, wait: float) -> None:
    me.flying -= 1
    for row in rows:
        me.results.append((row[0], row[1], outcome, wait))


def reconciler(world: Any, me: Process, gaps: list[float]) -> Iterator[float]:
    """A few passes, `gaps` seconds apart; one that loses its session is over, and the next goes on."""
    ledger = world.ledger
    for gap in gaps:
        yield gap
        server = ledger.server
        for pause in _pass(world):
            yield pause
            if ledger.server != server:
                world.covered["reconciler", "lost its session"] += 1
                break


def _pass(world: Any) -> Iterator[float]:
    """A statement that finds nothing is no step of its own."""
    ledger, random = world.ledger, world.random
    if ledger.is_strange and world.rules.doubt_first:
        ledger.sweep()
        yield random()
    if ledger.unread:
        evidence.read_inbox(ledger)
        yield random()
    for epoch in evidence.overdue(ledger):
        evidence.orphans(ledger, epoch)
        yield random()
    evidence.quarantine(ledger)
    evidence.expire_overdue(ledger)
    for send_id, fence, at in evidence.doubtful(ledger):
        yield random()
        found = evidence.evidence_around(ledger, at)
        if evidence.gate_is_open(world.rules, found, at):
            world.covered["gate", "open"] += 1
            yield random() * (700 if random() < 0.5 else 1)
            evidence.release(ledger, send_id, fence)
        else:
            world.covered["gate", "shut"] += 1


def planner(world: Any, run: int, crashes: int) -> Iterator[float]:
    """One transaction; a crash before the commit leaves nothing, and the task is tried again."""
    for _ in range(crashes):
        world.covered["planner", "crashed before the commit"] += 1
        yield 3.0
    world.ledger.plan(world.audience, run)
    if world.random() < 0.3:
        yield 5.0
        world.covered["planner", "ran again"] += 1
        world.ledger.plan(world.audience, run + 1)
