"""What must hold, told by somebody who sees both the ledger and the provider's own record."""

from typing import Any

from .ledger import AT_LEAST, DEADLINE, FINAL, RELEASED, RETURNED, WINDOW, Send

ALLOWED = ("not_sent", RETURNED, RELEASED)
DEADLINE_SLACK = 1e-6


class Violation(AssertionError):
    """The model broke an invariant; the text says which."""


class Truth:
    """Survives restores, crashes and lies, because nobody in the model may read it."""

    __slots__ = ("accepted", "audience", "by_key", "idle", "intents", "late_claims", "owners", "world")

    def __init__(self, world: Any) -> None:
        self.world = world
        # fence and send of an intent -> when it was committed
        self.intents: dict[tuple[int, int], float] = {}
        self.owners: dict[int, Any] = {}
        self.accepted: dict[int, int] = {}
        self.by_key: dict[tuple[int, int], int] = {}
        # Sends whose bytes left over a connection that the provider should have closed.
        self.idle: set[int] = set()
        self.late_claims: set[int] = set()
        self.audience = 0

    def fail(self, text: str) -> None:
        if self.world.trace is not None:
            self.world.note(f"BROKEN: {text}")
        raise Violation(text)

    def claimed(self, send: Send, epoch: int) -> None:
        world, ledger = self.world, self.world.ledger
        if ledger.killed or ledger.paused:
            self.fail(f"send {send.send_id} was claimed while sending was stopped")
        if send.due_at > world.now + world.offset or send.expires_at <= world.now + world.offset:
            self.fail(f"send {send.send_id} was claimed outside of its time")
        if epoch not in ledger.locks:
            self.fail(f"send {send.send_id} was claimed by a session without its lock")
        if send.attempt_no and send.reason not in ALLOWED:
            self.fail(f"send {send.send_id}: a second attempt without an allowed reason ({send.reason!r})")

    def intended(self, send: Send) -> None:
        self.intents[send.fence, send.send_id] = self.world.now

    def first_byte(self, rows: list[tuple[Any, ...]], waited: float) -> None:
        """`waited`: true seconds since the claim began."""
        if waited > DEADLINE + DEADLINE_SLACK:
            self.fail(f"sends {[row[0] for row in rows]} left {waited:.0f} s after their claim")
        business = self.world.now + self.world.offset
        for row in rows:
            if business >= row[4]:
                self.fail(f"send {row[0]} left after it had expired")

    def taken(self, row: tuple[Any, ...]) -> None:
        """The provider accepted it."""
        world, (send_id, fence, key, policy, _, _) = self.world, row
        # A run that named its own occurrence (a mutant) still means the same slot of the calendar.
        key = (key[0] % 10, key[1])
        intent_at = self.intents.get((fence, send_id))
        if intent_at is None:
            self.fail(f"send {send_id} was accepted before its intent was on record")
            return
        stopped_at = world.ledger.suppressed.get(key[1])
        if stopped_at is not None and stopped_at < intent_at:
            self.fail(f"send {send_id} left although its recipient was suppressed before the claim")
        self.accepted[send_id] = self.accepted.get(send_id, 0) + 1
        self.by_key[key] = self.by_key.get(key, 0) + 1
        if self.by_key[key] > 1:
            if self.excused(send_id, policy):
                broken = "idle connection kept" if send_id in self.idle else f"events {world.channel.kind}"
                world.covered["sent twice, assumption broken", broken] += 1
            else:
                self.fail(f"send {send_id} was accepted {self.accepted[send_id]} times ({self.by_key[key]} by its key)")

    def excused(self, send_id: int, policy: str) -> bool:
        """At-least-once rests on two assumptions about the provider; at-most-once on none."""
        return policy == AT_LEAST and (not self.world.channel.honest or send_id in self.idle)

    def orphaned(self, send: Send) -> None:
        if send.owner in self.world.ledger.locks:
            self.fail(f"send {send.send_id} was taken from an owner that lives")
        if self.world.now - self.intents.get((send.fence, send.send_id), -1e9) <= DEADLINE:
            self.fail(f"send {send.send_id} was given up while its owner may still send it")

    def released(self, send: Send) -> None:
        self._waited(send)
        if send.policy != AT_LEAST:
            self.fail(f"send {send.send_id} is at-most-once and was released")
        if send.send_id in self.world.ledger.told:
            self.fail(f"send {send.send_id} was released against an event that lay in the inbox")

    def quarantined(self, send: Send) -> None:
        """Only what was truly doubtful is given up: some request began, or its claimant came to harm."""
        self._waited(send)
        owner = self.owners.get(send.fence)
        if owner is None or owner.struck or send.fence in self.late_claims or owner.held.get(send.fence):
            return
        if self.world.ledger.restored_at < 0:
            self.fail(f"send {send.send_id} was given up, but nobody ever held its claim")

    def _waited(self, send: Send) -> None:
        if send.unknown_since >= self.world.now - WINDOW:
            self.fail(f"send {send.send_id} was given up before W had passed")

    def final(self) -> None:
        """At quiescence."""
        world, ledger = self.world, self.world.ledger
        if len(ledger.sends) != self.audience:
            self.fail(f"{len(ledger.sends)} sends for an audience of {self.audience}")
        for send in ledger.sends.values():
            accepted = self.accepted.get(send.send_id, 0)
            if send.state not in FINAL and not (send.state == "unknown" and send.policy == AT_LEAST):
                self.fail(f"send {send.send_id} is {send.state} for ever")
            if send.state == "accepted" and not accepted:
                self.fail(f"send {send.send_id} is lost: the ledger says accepted, the provider never had it")
            doubtful = send.state in ("accepted", "quarantined", "unknown")
            if accepted and not doubtful and not self.excused(send.send_id, send.policy):
                self.fail(f"send {send.send_id} was accepted, and the ledger says {send.state}")
            if send.state == "failed" and send.key[1] not in world.provider.poison:
                self.fail(f"send {send.send_id} failed for the fault of another")
            self._check_events(send)
            world.covered["end", send.state] += 1

    def _check_events(self, send: Send) -> None:
        kinds = [event.kind for event in self.world.ledger.inbox.values() if event.send_id == send.send_id]
        if not kinds:
            return
        if send.state != "accepted":
            self.fail(f"send {send.send_id} has events, and the ledger says {send.state}")
        if send.engagement != max(kinds):
            self.fail(f"send {send.send_id}: engagement {send.engagement} of events {sorted(kinds)}")
