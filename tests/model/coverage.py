"""Which faults and transitions must have happened in a long run: what never happens proves nothing."""

from .faults import WORKER_STRIKES
from .ledger import MOVES, STATES
from .provider import FAULTS
from .schedule import DATABASE_FAULTS, TRAFFIC, Covered

# The provider never accepts what it refused for good, and nobody cancels what was ever tried.
NEVER = {("failed", "evidence"), ("cancelled", "evidence")}
# Counted, never hidden; the other ways need more luck than a run of this length has for certain.
REPEATED = "sent twice, assumption broken"
NAMES = {
    "http": (*FAULTS, "refused"),
    "claim": DATABASE_FAULTS,
    "strike": WORKER_STRIKES,
    "database": ("crash", "restored"),
    "clock": ("forwards", "backwards"),
    "switch": ("killed", "paused"),
    "person": ("unsubscribed",),
    "planner": ("crashed before the commit", "ran again"),
    "worker": ("batch halved", "stopped by the restore guard", "too late"),
    "webhook": ("early", "in time", "late", "doubled", "lost", "no processed event"),
    "event": ("foreign",),
    "gate": ("open", "shut"),
    "traffic": TRAFFIC,
    "network": ("idle connection",),
    "reconciler": ("an owner lives", "lost its session", "an event came before the release"),
    "end": (*(state for state in STATES if state not in ("pending", "sending")),),
    REPEATED: ("events overtaken",),
}
# A release, an expiry and a late event in one schedule: not for certain in a run of this length.
RARE = {("expired", "evidence")}
REQUIRED = {(kind, name) for kind, names in NAMES.items() for name in names} | (set(MOVES) - NEVER - RARE)


def missing(covered: Covered) -> list[str]:
    """What never happened, readable."""
    return [f"{kind}: {name}" for kind, name in sorted(REQUIRED) if not covered.get((kind, name))]


def repeats(covered: Covered) -> int:
    """How often an at-least-once send was accepted twice because an assumption about the provider was broken."""
    return sum(count for (kind, _), count in covered.items() if kind == REPEATED)


def table(covered: Covered) -> str:
    """One line a fault or transition, with how often it happened."""
    return "\n".join(f"{count:>12,}  {kind or '(new)'}: {name}" for (kind, name), count in sorted(covered.items()))
