"""Looking at an experiment as often as one likes without finding what is not there.

Of the chance of error that is allowed, a fifth pays for every look before the stated end together, and the rest for the
look at the end. Both may happen, so the errors add up to at most ALPHA, however often and whenever anybody looked.

Before the end an asymptotic confidence sequence holds for all times at once: Waudby-Smith, Arbour, Sinha, Kennedy and
Ramdas, "Time-uniform central limit theory and asymptotic confidence sequences", Annals of Statistics 52 (2024), the
normal mixture of Robbins (1970) on the scale of the estimated variance. The end is a moment that was fixed beforehand,
so there an ordinary interval is right. It costs almost no power, where a sequence alone would cost a good part of it.
"""

from __future__ import annotations

from dataclasses import replace
from math import log, sqrt

from rapport.experiments.differences import ALPHA, Difference, adjusted_means
from rapport.experiments.samples import Sample

EARLY = ALPHA / 5
FINAL = ALPHA - EARLY
# Where the sequence is at its narrowest: a tuning that validity does not depend on.
TUNED_FOR_EVENTS = 1_000
# With fewer, the normal law that all intervals here lean on has not set in.
LEAST_EVENTS = 50


def look(treated: Sample, control: Sample, *, ended: bool, comparisons: int = 1) -> Difference:
    """The difference of means, the past allowed for, with an interval that stays honest under peeking.

    `ended`: the moment stated beforehand has come, after which nothing is added. `comparisons`: how many variants are
    compared with the same control; the errors are shared out among them (Bonferroni). With fewer than LEAST_EVENTS
    people who did anything the interval is endless.
    """
    events = treated.events + control.events
    found = adjusted_means(treated, control, FINAL / comparisons)
    if events < LEAST_EVENTS:
        return replace(found, low=float("-inf"), high=float("inf"))
    if ended:
        return found
    half = sqrt(found.variance) * _widening(events, EARLY / comparisons)
    return replace(found, low=found.estimate - half, high=found.estimate + half)


def _widening(events: int, alpha: float) -> float:
    """Half the width of the sequence in standard errors after so many events.

    Time is counted in events, not in people: all people of an occurrence take part from the start, and what comes in
    one by one is what they do.
    """
    # What the paper gives for a sequence that is narrowest at TUNED_FOR_EVENTS.
    rho_squared = (-2 * log(alpha) + log(-2 * log(alpha) + 1)) / TUNED_FOR_EVENTS
    grown = events * rho_squared
    return sqrt((1 + grown) / grown * (log(1 + grown) - 2 * log(alpha)))
