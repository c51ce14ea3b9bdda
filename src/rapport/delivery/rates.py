"""When rates of complaints, bounces and blocks are too high. Pure.

| measure      | of                      | warn    | pause the campaign | stop all marketing |
|--------------|-------------------------|---------|--------------------|--------------------|
| complaints   | delivered               | 0.08 %  | 0.10 %             | 0.30 %             |
| hard bounces | delivered and bounced   | -       | 2 %                | 5 %                |
| blocks       | delivered and bounced   | -       | 5 %, at least 20   | -                  |

0.10 % and 0.30 % are what Gmail and Yahoo ask of bulk senders since 2024. With fewer than 500 mails to divide by, and
for blocks always, a rate counts only when at least three (for blocks twenty) mails speak and the lower bound of its
Wilson score interval (one-sided, 95 %) reaches the limit: one complaint in three mails says nothing.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Literal

Measure = Literal["complaints", "hard_bounces", "blocks"]
Level = Literal["warn", "pause", "stop"]

ENOUGH_MAILS = 500
FEWEST = 3
FEWEST_BLOCKS = 20
# The 95 % quantile of the standard normal distribution.
Z = 1.6449
# The highest first.
LIMITS: dict[Measure, tuple[tuple[Level, float], ...]] = {
    "complaints": (("stop", 0.003), ("pause", 0.001), ("warn", 0.0008)),
    "hard_bounces": (("stop", 0.05), ("pause", 0.02)),
    "blocks": (("pause", 0.05),),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of mails, each counted once."""

    delivered: int
    bounced: int
    complaints: int
    hard_bounces: int
    blocks: int

    def of(self, measure: Measure) -> tuple[int, int]:
        """How many of how many."""
        if measure == "complaints":
            return self.complaints, self.delivered
        return getattr(self, measure), self.delivered + self.bounced


def wilson_lower(count: int, of: int) -> float:
    """Lower bound of the Wilson score interval, one-sided at 95 % (E. B. Wilson, 1927, JASA 22: 209-212)."""
    if of == 0:
        return 0.0
    share, weight = count / of, Z * Z / of
    return (share + weight / 2 - Z * sqrt(share * (1 - share) / of + weight / of / 4)) / (1 + weight)


def level(measure: Measure, figures: Figures) -> Level | None:
    """The highest level that the figures reach."""
    count, of = figures.of(measure)
    # More complaints than deliveries: their deliveries have not been told of yet.
    count = min(count, of)
    certain = measure != "blocks" and of >= ENOUGH_MAILS
    if not certain and count < (FEWEST_BLOCKS if measure == "blocks" else FEWEST):
        return None
    if of == 0:
        return None
    rate = count / of if certain else wilson_lower(count, of)
    return next((name for name, limit in LIMITS[measure] if rate >= limit), None)
