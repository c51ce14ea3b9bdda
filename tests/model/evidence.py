"""The reconciler's statements: what events prove, who is dead, and what silence may mean. One function, one step."""

from typing import Any

from .ledger import (
    AT_LEAST,
    AT_MOST,
    ENGAGEMENT,
    GATE_AROUND,
    GATE_LEAST,
    GATE_LEAST_AFTER,
    GATE_MARGIN,
    GATE_SHARE,
    RELEASED,
    WINDOW,
    Event,
    Ledger,
    Send,
)

COMPLAINED = ENGAGEMENT.index("complained")


def receive(ledger: Ledger, event_id: object, send_id: int, kind: int) -> None:
    """The gateway: insert ... on conflict (event_id) do nothing."""
    if not ledger.rules.dedupe:
        event_id = (event_id, len(ledger.inbox))
    if event_id not in ledger.inbox:
        event = Event(event_id, send_id, kind)
        ledger.inbox[event_id] = event
        ledger.told[send_id] = ledger.told.get(send_id, 0) + 1
        ledger.unread.append(event)


def read_inbox(ledger: Ledger) -> None:
    """One transaction: evidence, suppressions, and the mark that the events were read."""
    rules, covered = ledger.rules, ledger.world.covered
    for event in ledger.unread:
        event.read = True
        send = ledger.sends.get(event.send_id)
        if send is None or (send.attempt_no == 0 and not rules.unattempted):
            covered["event", "foreign"] += 1
            continue
        if event.kind == COMPLAINED:
            ledger.suppressed.setdefault(send.key[1], ledger.world.now)
        if not rules.upgrade and send.state not in ("sending", "unknown", "accepted"):
            continue
        ledger.move(send, "evidence")
        if not rules.dedupe:
            send.engagement += 1
        elif not rules.lattice or event.kind > send.engagement:
            send.engagement = event.kind
    ledger.unread.clear()


def overdue(ledger: Ledger) -> list[int]:
    """Owners with a row in `sending` whose lease is past."""
    now, lease = ledger.world.now, ledger.rules.lease
    owners = {
        send.owner
        for send in ledger.sends.values()
        if send.state == "sending" and (send.lease_until < now or not lease)
    }
    return sorted(owners)


def orphans(ledger: Ledger, epoch: int) -> None:
    """pg_try_advisory_xact_lock and the update, in one transaction."""
    rules, now = ledger.rules, ledger.world.now
    if rules.lock and epoch in ledger.locks:
        ledger.world.covered["reconciler", "an owner lives"] += 1
        return
    for send in ledger.sends.values():
        if send.state == "sending" and send.owner == epoch and (send.lease_until < now or not rules.lease):
            ledger.truth.orphaned(send)
            ledger.move(send, "orphan")
            attempt = ledger.attempts.get(send.fence)
            if attempt is not None and attempt.send_id == send.send_id and attempt.outcome is None:
                attempt.outcome = "unknown"
                if not rules.return_by_claimant:
                    ledger.move(send, "settle not_sent")
                    send.reason = "not_sent"


def _waited(ledger: Ledger, send: Send) -> bool:
    return not ledger.rules.window or send.unknown_since < ledger.world.now - WINDOW  # type: ignore[no-any-return]


def quarantine(ledger: Ledger) -> None:
    if not ledger.rules.policy:
        return
    for send in ledger.sends.values():
        too_late = send.expires_at <= ledger.world.now + ledger.world.offset
        if send.state == "unknown" and (send.policy == AT_MOST or too_late) and _waited(ledger, send):
            ledger.truth.quarantined(send)
            ledger.move(send, "quarantine")


def expire_overdue(ledger: Ledger) -> None:
    """What was not sent in its time is never sent late, though sending is stopped."""
    business = ledger.world.now + ledger.world.offset
    for send in ledger.sends.values():
        if send.state == "pending" and send.expires_at <= business and ledger.rules.expiry:
            ledger.move(send, "expire")


def doubtful(ledger: Ledger) -> list[tuple[int, int, float]]:
    """What may be repeated if silence counts: (send_id, fence, intent_at)."""
    rules, now, found = ledger.rules, ledger.world.now, []
    if ledger.is_strange and rules.gate_after_restore:
        return []
    for send in ledger.sends.values():
        if send.state != "unknown" or not _waited(ledger, send):
            continue
        attempt = ledger.attempts.get(send.fence)
        if (
            attempt is not None
            and attempt.send_id == send.send_id
            and (send.policy == AT_LEAST or not rules.policy)
            and (attempt.intent_at < now - WINDOW or not rules.window)
            and (attempt.intent_at > ledger.restored_at or not rules.gate_after_restore)
            and send.send_id not in ledger.told
        ):
            found.append((send.send_id, send.fence, attempt.intent_at))
    return found


def evidence_around(ledger: Ledger, at: float) -> tuple[int, int, int, float, int]:
    """Of the attempts answered 202 around `at`: how many, how many of them after it, how many told of; when the newest
    told of was made; and how many events are unread."""
    now, answered, after, told, newest = ledger.world.now, 0, 0, 0, -1e9
    seen: list[tuple[float, bool]] = [
        (intent_at, told_at <= now) for intent_at, told_at in ledger.world.traffic() if intent_at <= now
    ]
    seen += [
        (attempt.intent_at, attempt.send_id in ledger.told)
        for attempt in ledger.attempts.values()
        if attempt.outcome == "accepted"
    ]
    for intent_at, is_told in seen:
        if -GATE_AROUND <= intent_at - at <= GATE_AROUND:
            answered += 1
            after += intent_at > at
            told += is_told
        if is_told and intent_at > newest:
            newest = intent_at
    return answered, after, told, newest, len(ledger.unread)


def gate_is_open(rules: Any, found: tuple[int, int, int, float, int], at: float) -> bool:
    answered, after, told, newest, unread = found
    return (
        unread == 0
        and (answered >= GATE_LEAST or not rules.gate_least)
        and (told >= GATE_SHARE * answered or not rules.gate_share)
        and (newest >= at + GATE_MARGIN or not rules.gate_margin)
        # Stands behind both: without either rule it would still hide what the other forbids.
        and (after >= GATE_LEAST_AFTER or not (rules.gate_least and rules.gate_margin))
    )


def release(ledger: Ledger, send_id: int, fence: int) -> None:
    send, rules = ledger.sends.get(send_id), ledger.rules
    if send is None or send.fence != fence or send.state != "unknown":
        return
    if send.policy == AT_MOST and rules.policy:
        return
    if send_id in ledger.told:
        ledger.world.covered["reconciler", "an event came before the release"] += 1
        if rules.recheck:
            return
    ledger.truth.released(send)
    ledger.move(send, "release")
    ledger.fences += 1
    send.fence, send.reason, send.not_before = ledger.fences, RELEASED, 0.0
