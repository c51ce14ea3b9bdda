"""When which fault strikes: the same seed gives the same schedule."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

# Faults a run of 10,000 recipients meets; smaller runs meet their share of them, but each at least once.
FULL = {
    "kill dispatcher": 200,
    "freeze dispatcher": 20,
    "kill reconciler": 10,
    "crash Postgres": 10,
    "kill provider": 4,
    "kill gateway": 6,
    "unsubscribe": 300,
}
FULL_RECIPIENTS = 10_000
FREEZE_SECONDS = (2.0, 15.0)


@dataclass(frozen=True, order=True)
class Strike:
    """`at`: seconds from the start. `slot` chooses among processes or sends; `seconds` is how long it lasts."""

    at: float
    kind: str
    slot: int
    seconds: float


def share(recipients: int, full: Mapping[str, int] = FULL) -> dict[str, int]:
    return {kind: max(1, round(count * recipients / FULL_RECIPIENTS)) for kind, count in full.items()}


def schedule(seed: int, seconds: float, counts: Mapping[str, int]) -> list[Strike]:
    """Strikes in order, each kind spread evenly over the time with a place of its own by lot."""
    draw = random.Random(f"schedule {seed}")
    longest = min(FREEZE_SECONDS[1], max(FREEZE_SECONDS[0], seconds / 4))
    strikes = []
    for kind, count in sorted(counts.items()):
        for at in range(count):
            moment = 0.5 + (seconds - 0.5) * (at + draw.random()) / count
            strikes.append(Strike(moment, kind, draw.randrange(1 << 30), draw.uniform(FREEZE_SECONDS[0], longest)))
    return sorted(strikes)
