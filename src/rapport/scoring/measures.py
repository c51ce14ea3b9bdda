"""Measures that several scores are judged by, and what a judgement looks like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from rapport.scoring.history import Floats


@dataclass(frozen=True)
class Verdict:
    """One figure of a score on data it was not fitted to, beside that of the naive rule.

    `higher_is_better` says which way; `value` and `baseline_value` are None when there was too little data to judge,
    and `remark` says what was missing.
    """

    score: str
    figure: str
    value: float | None
    baseline: str
    baseline_value: float | None
    higher_is_better: bool
    rows: int
    model: str
    remark: str = ""

    @property
    def passed(self) -> bool:
        """Better than the naive rule, not merely as good."""
        if self.value is None or self.baseline_value is None:
            return False
        if not (np.isfinite(self.value) and np.isfinite(self.baseline_value)):
            return False
        return self.value > self.baseline_value if self.higher_is_better else self.value < self.baseline_value

    def __str__(self) -> str:
        if self.value is None or self.baseline_value is None:
            return f"{self.score}: not published, {self.remark}"
        said = f"{self.figure} {self.value:.4g}, {self.baseline} {self.baseline_value:.4g} ({self.rows:,} rows)"
        return f"{self.score}: {said}" + ("" if self.passed else ", not published: worse than its naive baseline")


def auc(score: ArrayLike, truth: ArrayLike) -> float:
    """Chance that a true case scores higher than a false one, ties half; NaN when there is only one kind."""
    true = np.asarray(truth, dtype=bool)
    positives = int(true.sum())
    negatives = len(true) - positives
    if not positives or not negatives:
        return float("nan")
    ranks = rankdata(np.asarray(score, dtype=float))
    return float((ranks[true].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def rmse(expected: Floats, actual: Floats) -> float:
    return float(np.sqrt(np.mean((expected - actual) ** 2)))


def mae(expected: Floats, actual: Floats) -> float:
    return float(np.mean(np.abs(expected - actual)))
