"""How many people a comparison takes."""

from __future__ import annotations

from math import ceil

from scipy import stats

from rapport.experiments.differences import Difference
from rapport.experiments.sequential import FINAL

POWER = 0.8


def people_needed(effect: float, treated_variance: float, control_variance: float, power: float = POWER) -> int:
    """People in each of two equal groups, so that a difference of `effect` is found with this chance at the end.

    Variances are those of one person's outcome. Raises ValueError for an effect of nought, which no number finds.
    """
    if not effect:
        raise ValueError("a difference of nought cannot be found with any number of people")
    return ceil((_margins(power) / effect) ** 2 * (treated_variance + control_variance))


def people_still_needed(found: Difference, people: int, power: float = POWER) -> int | None:
    """How many more than these people in all, split as now, if the difference stays what it is; None when it is nought
    or nothing is known of it."""
    if not (found.estimate and found.variance > 0):
        return None
    times = (_margins(power) / found.estimate) ** 2 * found.variance
    return max(ceil((times - 1) * people), 0)


def _margins(power: float) -> float:
    """Standard errors between nought and a difference that is found so often."""
    return float(stats.norm.ppf(1 - FINAL / 2) + stats.norm.ppf(power))
