"""How much one group differs from another, with an interval that says how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from scipy import stats

from rapport.experiments.samples import Sample

ALPHA = 0.05
# Below this chance of so uneven a split the lot, or what was counted, is broken. Fabijan et al., KDD 2019.
MISMATCH = 0.001


@dataclass(frozen=True)
class Difference:
    """`estimate` is treated less control, a person; `variance` is that of the estimate."""

    estimate: float
    low: float
    high: float
    variance: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves nought out."""
        return self.low > 0 or self.high < 0


def means(treated: Sample, control: Sample, alpha: float = ALPHA) -> Difference:
    """Difference of means by Welch's t (Biometrika 34, 1947): the groups need not be equally large or spread."""
    return _welch(
        treated.mean - control.mean, (treated.variance, treated.people), (control.variance, control.people), alpha
    )


def adjusted_means(treated: Sample, control: Sample, alpha: float = ALPHA) -> Difference:
    """Difference of means after what people did before the experiment is allowed for.

    CUPED: Deng, Xu, Kohavi, Walker, WSDM 2013. The slope is fitted within the groups, so the lot's luck in the past is
    taken out and the effect is not. Where the past says nothing, this is `means`.
    """
    # Sums of squares within the groups, so that an effect does not lend the slope anything.
    weights = (treated.people - 1, control.people - 1)
    spread = weights[0] * treated.before_variance + weights[1] * control.before_variance
    if not spread > 0:
        return means(treated, control, alpha)
    slope = (weights[0] * treated.covariance + weights[1] * control.covariance) / spread
    estimate = treated.mean - control.mean - slope * (treated.before_mean - control.before_mean)
    left = [_left(group, slope) for group in (treated, control)]
    return _welch(estimate, (left[0], treated.people), (left[1], control.people), alpha)


def shares(treated: Sample, control: Sample, alpha: float = ALPHA) -> Difference:
    """Difference of shares: Newcombe's hybrid score interval (Statistics in Medicine 17, 1998, method 10), which holds
    for few events too."""
    p, q = treated.mean, control.mean
    low_p, high_p = wilson(treated, alpha)
    low_q, high_q = wilson(control, alpha)
    variance = p * (1 - p) / treated.people + q * (1 - q) / control.people
    low = p - q - sqrt((p - low_p) ** 2 + (high_q - q) ** 2)
    high = p - q + sqrt((high_p - p) ** 2 + (q - low_q) ** 2)
    return Difference(p - q, low, high, variance)


def wilson(group: Sample, alpha: float = ALPHA) -> tuple[float, float]:
    """Interval of one share. Wilson, JASA 22, 1927."""
    z = stats.norm.ppf(1 - alpha / 2)
    n, p = group.people, group.mean
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return float(middle - half), float(middle + half)


def mismatch(counts: dict[str, int], shares_wanted: dict[str, float]) -> float:
    """Chance (chi-square) of a split at least as uneven as `counts`, were the lot drawn by `shares_wanted`.

    Below MISMATCH no comparison of these groups is to be believed. Raises ValueError when the names differ.
    """
    if counts.keys() != shares_wanted.keys():
        raise ValueError(f"groups {sorted(counts)} are not those of the lot, {sorted(shares_wanted)}")
    people, whole = sum(counts.values()), sum(shares_wanted.values())
    if not people or len(counts) < 2:
        return 1.0
    expected = [people * shares_wanted[name] / whole for name in counts]
    return float(stats.chisquare(list(counts.values()), expected).pvalue)


def _left(group: Sample, slope: float) -> float:
    return max(group.variance - 2 * slope * group.covariance + slope**2 * group.before_variance, 0.0)


def _welch(estimate: float, treated: tuple[float, int], control: tuple[float, int], alpha: float) -> Difference:
    parts = [variance / people for variance, people in (treated, control) if people > 1]
    variance = sum(parts) if len(parts) == 2 else float("nan")
    if not variance > 0:
        # Two groups of equal values say nothing about how far chance could have carried them.
        return Difference(estimate, float("-inf"), float("inf"), variance)
    freedom = variance**2 / (parts[0] ** 2 / (treated[1] - 1) + parts[1] ** 2 / (control[1] - 1))
    half = float(stats.t.ppf(1 - alpha / 2, freedom)) * sqrt(variance)
    return Difference(estimate, estimate - half, estimate + half, variance)
