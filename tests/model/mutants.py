"""The protocol with one rule turned off, and within how many schedules the model must notice."""

from dataclasses import dataclass, fields

from .invariants import Violation
from .rules import Rules
from .schedule import new_covered, run_schedule

SEED = 5_000_000


@dataclass(frozen=True)
class Mutant:
    """`rule` is off. `within`: schedules from `seed` on, about four times what it took."""

    rule: str
    within: int
    what: str
    seed: int = SEED

    def rules(self) -> Rules:
        return Rules(**{self.rule: False})


MUTANTS = (
    Mutant("calendar_key", 100, "the occurrence is named after the run, so a second run plans everybody again"),
    Mutant("intent_first", 100, "the mail leaves first and is written down afterwards"),
    Mutant("atomic_claim", 400, "due rows are read, and taken a moment later without looking again"),
    Mutant("judge_at_claim", 400, "suppressions are asked for when planning only"),
    Mutant("expiry", 400, "expiry is not asked for"),
    Mutant("switch_at_claim", 4000, "the kill switch is read once, when a worker starts"),
    Mutant("fence", 20000, "a result is written whoever holds the row by now"),
    Mutant("absorb", 400, "a result is written over a final state"),
    Mutant("lock", 400, "an owner is dead when its lease is past, although its session lives"),
    Mutant("lease", 400, "an owner is dead when its session is gone, although its lease runs"),
    Mutant("deadline", 1000, "a worker that wakes up sends whatever it holds"),
    Mutant("real_seconds", 1000, "the deadline is read from a clock that stands still while the machine sleeps"),
    Mutant("doubt_5xx", 400, "any 5xx counts as not sent"),
    Mutant("doubt_timeout", 400, "a timeout counts as not sent"),
    Mutant("one_request", 400, "the client repeats a request that timed out"),
    Mutant("whole_batch", 2000, "a lost answer leaves the first row of its request in doubt and frees the others"),
    Mutant("bisect", 2000, "a bad row fails all rows of its request"),
    Mutant("return_lost", 2000, "a claim whose answer was lost is forgotten, and another claim made"),
    Mutant("return_only_batch", 1000, "with a session, all its rows are returned, also those on their way"),
    Mutant("return_by_claimant", 1000, "the reconciler returns rows without a result, as if nobody had held them"),
    Mutant("policy", 400, "at-most-once rows are released like the others"),
    Mutant("window", 100, "nothing waits for W"),
    Mutant("gate_share", 2000, "silence counts although neighbours are silent too"),
    Mutant("gate_least", 20000, "silence counts although too few neighbours spoke"),
    Mutant("gate_margin", 20000, "silence counts although nothing later has been told of"),
    Mutant("recheck", 20000, "a row is released without a last look into the inbox"),
    Mutant("upgrade", 2000, "a late event does not lift a quarantined row"),
    Mutant("unattempted", 2000, "an event does not prove a send whose attempt a restore made the ledger forget"),
    Mutant("dedupe", 400, "events are stored as often as they come, and counted"),
    Mutant("lattice", 400, "the last event wins"),
    Mutant("guard", 4000, "a worker goes on after a restore"),
    Mutant("sweep", 2000, "the guard is lifted and what may have left stays pending"),
    Mutant("doubt_first", 10000, "the reconciler goes on as ever with a ledger that was restored"),
    Mutant("replan_first", 4000, "the guard is lifted, and then what the restore forgot is planned again"),
    # Rare: from SEED on it takes 80,189 schedules.
    Mutant("gate_after_restore", 5000, "silence counts for attempts whose events the restore lost", SEED + 79_000),
)
assert [mutant.rule for mutant in MUTANTS] == [field.name for field in fields(Rules)], "a mutant for every rule"


def caught_after(mutant: Mutant, most: int | None = None) -> tuple[int, str] | None:
    """How many schedules it took and what gave the mutant away; None when nothing did."""
    rules, covered = mutant.rules(), new_covered()
    for number in range(most or mutant.within):
        try:
            run_schedule(mutant.seed + number, rules, covered)
        except Violation as broken:
            return number + 1, str(broken)
    return None
