"""The rules of the protocol, each a switch, so that a mutant is the protocol with one rule turned off."""

from dataclasses import dataclass


@dataclass(slots=True)
class Rules:
    """All on: the protocol. What a rule forbids stands beside it."""

    calendar_key: bool = True  # an occurrence named after the run that planned it
    intent_first: bool = True  # sending first, writing it down afterwards
    atomic_claim: bool = True  # reading due rows in one transaction and taking them in another
    judge_at_claim: bool = True  # asking for suppressions when planning only
    expiry: bool = True  # sending what has expired
    switch_at_claim: bool = True  # reading the kill switch once, at the start
    fence: bool = True  # settling a row that somebody else has claimed since
    absorb: bool = True  # settling a row that is final
    lock: bool = True  # calling an owner dead while its session lives
    lease: bool = True  # calling an owner dead before its lease is past
    deadline: bool = True  # sending after the deadline
    real_seconds: bool = True  # a deadline by a clock that stands still while the machine sleeps
    doubt_5xx: bool = True  # 5xx as "not sent"
    doubt_timeout: bool = True  # a timeout as "not sent"
    one_request: bool = True  # repeating a request inside the client
    whole_batch: bool = True  # a lost answer leaving only the first row of a request in doubt
    bisect: bool = True  # failing a whole request for one bad row
    return_lost: bool = True  # forgetting a claim whose answer was lost
    return_only_batch: bool = True  # returning all rows of the lost session
    return_by_claimant: bool = True  # somebody else returning what has no result yet
    policy: bool = True  # releasing at-most-once rows
    window: bool = True  # not waiting for W
    gate_share: bool = True  # silence counting while neighbours are silent too
    gate_least: bool = True  # silence counting among too few neighbours
    gate_margin: bool = True  # silence counting while nothing later has been told of
    recheck: bool = True  # releasing without a last look into the inbox
    upgrade: bool = True  # a late event not lifting a final row
    unattempted: bool = True  # an event not proving a send whose attempt the ledger forgot
    dedupe: bool = True  # adding up repeated events
    lattice: bool = True  # the last event winning
    guard: bool = True  # sending from a restored database
    sweep: bool = True  # lifting the guard without putting in doubt what may have left
    doubt_first: bool = True  # expiring rows of a restored ledger before they are in doubt
    replan_first: bool = True  # lifting the guard before what the restore forgot was planned again
    gate_after_restore: bool = True  # silence counting for attempts whose events a restore may have lost
