"""The ledger: ops.send, ops.send_attempt, ops.webhook_inbox and what stands beside them. Each method is one statement,
or one transaction of the product, and so one atomic step."""

from copy import copy
from dataclasses import dataclass
from typing import Any

# Seconds, as in rapport.delivery.limits and rapport.delivery.reconcile.
CONNECT, READ, DEADLINE, LEASE, WINDOW = 3.0, 10.0, 30.0, 60.0, 900.0
GATE_LEAST, GATE_SHARE, GATE_MARGIN, GATE_AROUND = 20, 0.999, 300.0, 1800.0
GATE_LEAST_AFTER = 5

STATES = ("pending", "sending", "unknown", "accepted", "failed", "suppressed", "expired", "cancelled", "quarantined")
FINAL = frozenset(("accepted", "failed", "suppressed", "expired", "cancelled", "quarantined"))
IN_FLIGHT = ("sending", "unknown")
AT_MOST, AT_LEAST = "at_most_once", "at_least_once"

# (state, action) -> state. What does not stand here is refused: the row stays as it is.
MOVES: dict[tuple[str, str], str] = {
    ("pending", "claim"): "sending",
    ("pending", "suppress"): "suppressed",
    ("pending", "expire"): "expired",
    ("pending", "cancel"): "cancelled",
    ("sending", "return"): "pending",
    ("sending", "orphan"): "unknown",
    ("unknown", "quarantine"): "quarantined",
    ("unknown", "release"): "pending",
    ("pending", "sweep"): "unknown",
    ("sending", "sweep"): "unknown",
}
SETTLED = {"accepted": "accepted", "not_sent": "pending", "rejected": "failed", "unknown": "unknown"}
MOVES |= {(state, f"settle {kind}"): to for state in IN_FLIGHT for kind, to in SETTLED.items()}
# So does an answer that came after we gave up waiting for one.
MOVES["quarantined", "settle accepted"] = "accepted"
# An event proves acceptance, whatever we had come to believe.
MOVES |= {(state, "evidence"): "accepted" for state in STATES}
ACTIONS = tuple(dict.fromkeys(action for _, action in MOVES))

RELEASED, RETURNED = "released by evidence", "its claim's answer was lost"
ENGAGEMENT = ("none", "processed", "delivered", "opened", "complained")


@dataclass(slots=True)
class Send:
    send_id: int
    # Occurrence and recipient: unique.
    key: tuple[int, int]
    policy: str
    due_at: float
    expires_at: float
    state: str = "pending"
    reason: str = ""
    attempt_no: int = 0
    fence: int = 0
    owner: int | None = None
    lease_until: float | None = None
    unknown_since: float = 0.0
    not_before: float = 0.0
    engagement: int = 0


@dataclass(slots=True)
class Attempt:
    send_id: int
    attempt_no: int
    fence: int
    batch: int
    intent_at: float
    outcome: str | None = None


@dataclass(slots=True)
class Event:
    event_id: object
    send_id: int
    kind: int
    read: bool = False


class Ledger:
    """Everything a restore brings back is in `tables`; sessions and their locks are not."""

    def __init__(self, world: Any) -> None:
        self.world, self.rules, self.truth = world, world.rules, world.truth
        self.sends: dict[int, Send] = {}
        self.keys: dict[tuple[int, int], int] = {}
        self.attempts: dict[int, Attempt] = {}
        self.inbox: dict[object, Event] = {}
        self.told: dict[int, int] = {}
        self.unread: list[Event] = []
        self.suppressed: dict[int, float] = {}
        self.killed = self.paused = False
        self.pause_until = 0.0
        self.fences = self.epochs = 0
        self.locks: set[int] = set()
        # How often the server was started: every session ends with it.
        self.server = 0
        self.identity = self.met = 0
        self.restored_at = -1e9

    def move(self, send: Send, action: str) -> None:
        was = send.state
        to = MOVES.get((was, action))
        if to is None:
            self.truth.fail(f"send {send.send_id} was {was}, and a {action} moved it")
        send.state = to
        self.world.covered[was, action] += 1
        if self.world.trace is not None:
            self.world.note(f"ledger: send {send.send_id} {was} -> {to} ({action}, attempt {send.attempt_no})")
        if to == "unknown":
            send.unknown_since = self.world.now if was != "unknown" else send.unknown_since
        elif to != "sending":
            send.owner = send.lease_until = None

    def plan(self, rows: list[tuple[tuple[int, int], str, float, float]], run: int) -> None:
        """insert ... on conflict do nothing: the key is the calendar's occurrence and the recipient."""
        for key, policy, due_at, expires_at in rows:
            if not self.rules.calendar_key:
                key = (key[0] + 10 * run, key[1])
            if key not in self.keys:
                send_id = self.world.next_id()
                self.keys[key] = send_id
                self.sends[send_id] = Send(send_id, key, policy, due_at, expires_at)
                self.world.covered["", "plan"] += 1

    def open_session(self) -> int:
        self.epochs += 1
        self.locks.add(self.epochs)
        return self.epochs

    def due(self, limit: int, stopped: bool) -> list[Send]:
        world = self.world
        if stopped or self.pause_until > world.now:
            return []
        business, now = world.now + world.offset, world.now
        found = []
        for send in self.sends.values():
            if send.state == "pending" and send.due_at <= business and send.not_before <= now and not self.paused:
                found.append(send)
                if len(found) == limit:
                    break
        return found

    def claim(self, epoch: int, rows: list[Send], batch: int) -> list[tuple[Any, ...]]:
        """Judges and records the intent, in one transaction with `due`. Returns what may be sent."""
        world, rules = self.world, self.rules
        claimed = []
        for send in rows:
            if rules.expiry and send.expires_at <= world.now + world.offset:
                self.move(send, "expire")
            elif rules.judge_at_claim and send.key[1] in self.suppressed:
                self.move(send, "suppress")
            else:
                if rules.intent_first:
                    self._intend(send, epoch, batch)
                claimed.append((send.send_id, send.fence, send.key, send.policy, send.expires_at, send.attempt_no))
        return claimed

    def _intend(self, send: Send, epoch: int, batch: int) -> None:
        self.truth.claimed(send, epoch)
        self.move(send, "claim")
        self.fences += 1
        send.attempt_no += 1
        send.fence, send.owner, send.lease_until = self.fences, epoch, self.world.now + LEASE
        send.reason = ""
        self.attempts[send.fence] = Attempt(send.send_id, send.attempt_no, send.fence, batch, self.world.now)
        self.truth.intended(send)

    def settle(self, results: list[tuple[int, int, str, float]]) -> None:
        rules = self.rules
        for send_id, fence, kind, wait in results:
            send, attempt = self.sends.get(send_id), self.attempts.get(fence)
            if attempt is not None and attempt.send_id == send_id:
                attempt.outcome = kind
            if send is None or (rules.fence and send.fence != fence):
                continue
            late_answer = send.state == "quarantined" and kind == "accepted"
            if rules.absorb and send.state not in IN_FLIGHT and not late_answer:
                continue
            self.move(send, f"settle {kind}")
            send.reason = "" if kind == "accepted" else kind
            send.not_before = self.world.now + wait

    def has_pending(self) -> bool:
        return any(send.state == "pending" for send in self.sends.values())

    def pause_provider(self, seconds: float) -> None:
        self.pause_until = max(self.pause_until, self.world.now + seconds)

    def return_batch(self, batch: int, epoch: int) -> None:
        """Only the worker whose claim lost its answer may say that nobody held its rows."""
        one_batch = self.rules.return_only_batch
        for send in self.sends.values():
            attempt = self.attempts.get(send.fence)
            if attempt is None or attempt.send_id != send.send_id or attempt.outcome is not None:
                continue
            if send.state == "sending" and (attempt.batch == batch if one_batch else send.owner == epoch):
                attempt.outcome = "not_sent"
                self.move(send, "return")
                send.reason = RETURNED

    def restart(self) -> None:
        self.locks.clear()
        self.server += 1

    def snapshot(self) -> dict[str, Any]:
        return {
            "sends": {k: copy(v) for k, v in self.sends.items()},
            "keys": dict(self.keys),
            "attempts": {k: copy(v) for k, v in self.attempts.items()},
            "inbox": {k: copy(v) for k, v in self.inbox.items()},
            "told": dict(self.told),
            "suppressed": dict(self.suppressed),
            "fences": self.fences,
            "epochs": self.epochs,
            "met": self.met,
        }

    def restore(self, tables: dict[str, Any]) -> None:
        for name, value in tables.items():
            setattr(self, name, value)
        self.unread = [event for event in self.inbox.values() if not event.read]
        self.restart()
        self.identity += 1

    @property
    def is_strange(self) -> bool:
        """The restore guard: this is not the database that was last sent from."""
        return self.met != self.identity

    def sweep(self) -> None:
        """What was due may have left without the restored ledger knowing. New fences: no older attempt speaks for it,
        so that silence never releases it."""
        business = self.world.now + self.world.offset
        for send in self.sends.values():
            if send.state in ("pending", "sending") and send.due_at <= business and self.rules.sweep:
                self.fences += 1
                send.fence = self.fences
                self.move(send, "sweep")

    def adopt(self) -> None:
        """Somebody lifts the guard."""
        self.sweep()
        self.restored_at = self.world.now
        self.met = self.identity
