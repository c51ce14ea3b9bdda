"""What is known of one group: sums over its people, enough for means, variances and the adjustment for the past."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Sample:
    """Sums over the `people` that the lot put into a group, whether or not anything reached them.

    `total` and `squares` are of the outcome (money, or 1 and 0), `before_*` of the same measure before the experiment,
    `products` of both. `events` are the people whose outcome is not nought.
    """

    people: int
    total: float
    squares: float
    events: int
    before_total: float = 0.0
    before_squares: float = 0.0
    products: float = 0.0

    @property
    def mean(self) -> float:
        return self.total / self.people if self.people else float("nan")

    @property
    def variance(self) -> float:
        """Of one person's outcome, unbiased; NaN for fewer than two people."""
        return _spread(self.people, self.total, self.squares)

    @property
    def before_mean(self) -> float:
        return self.before_total / self.people if self.people else float("nan")

    @property
    def before_variance(self) -> float:
        return _spread(self.people, self.before_total, self.before_squares)

    @property
    def covariance(self) -> float:
        """Of outcome and past, unbiased; NaN for fewer than two people."""
        return _central(self.people, self.total, self.before_total, self.products)


def share(people: int, events: int) -> Sample:
    """A group of which each person did something or did not."""
    return Sample(people, events, events, events)


def sample(outcome: ArrayLike, before: ArrayLike | None = None) -> Sample:
    """A group from its people's values."""
    y = np.asarray(outcome, dtype=float)
    x = np.zeros_like(y) if before is None else np.asarray(before, dtype=float)
    sums = (float(x.sum()), float(x @ x), float(x @ y))
    return Sample(len(y), float(y.sum()), float(y @ y), int(np.count_nonzero(y)), *sums)


def _central(people: int, first: float, second: float, products: float) -> float:
    return (products - first * second / people) / (people - 1) if people > 1 else float("nan")


def _spread(people: int, total: float, squares: float) -> float:
    # Rounding leaves a little below nought where all values are equal.
    return max(_central(people, total, total, squares), 0.0) if people > 1 else float("nan")
