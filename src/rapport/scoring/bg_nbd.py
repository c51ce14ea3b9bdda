"""BG/NBD: Fader, Hardie, Lee, "Counting Your Customers" the Easy Way, Marketing Science 24 (2), 2005."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.special import betaln, expit, gammaln, hyp2f1, psi

from rapport.scoring.buying import BuyingModel
from rapport.scoring.history import Floats, Histories


class BgNbd(BuyingModel):
    """Poisson orders while alive, a gamma over rates, and a chance to leave after each order that is beta distributed.

    Nobody leaves without an order after the first: `probability_alive` of a one-time buyer is 1, so it is no measure
    of churn.
    """

    name: ClassVar[str] = "bg_nbd"
    names: ClassVar[tuple[str, ...]] = ("r", "alpha", "a", "b")
    durations: ClassVar[tuple[bool, ...]] = (False, True, False, False)

    def _parts(self, parameters: Floats, some: Histories) -> tuple[Floats, Floats, Floats]:
        """Logarithms of what both cases share, of "still alive" and of "left after the last order" (-inf at x = 0)."""
        r, alpha, a, b = parameters
        x = some.repeats
        counts, place = some.counts
        shared = gammaln(r + counts) - gammaln(r) + r * np.log(alpha) + betaln(a, b + counts) - betaln(a, b)
        alive = -(r + x) * np.log(alpha + some.watched)
        with np.errstate(divide="ignore", invalid="ignore"):
            left = np.log(a) - np.log(b + x - 1.0) - (r + x) * np.log(alpha + some.last)
        return shared[place], alive, np.where(x > 0, left, -np.inf)

    def _terms(self, parameters: Floats, some: Histories) -> Floats:
        shared, alive, left = self._parts(parameters, some)
        return np.asarray(shared + np.logaddexp(alive, left))

    def _likelihood(self, parameters: Floats, some: Histories) -> tuple[float, Floats]:
        r, alpha, a, b = parameters
        x, weights = some.repeats, some.weights
        shared, alive, left = self._parts(parameters, some)
        value = float((shared + np.logaddexp(alive, left)) @ weights)
        gone = expit(left - alive)
        still = 1.0 - gone
        counts, place = some.counts
        share = np.bincount(place, weights)
        bought = x > 0
        shorter = gone[bought] * weights[bought] / (b + x[bought] - 1.0)
        until_end, until_last = alpha + some.watched, alpha + some.last
        slope = np.array(
            [
                share @ (psi(r + counts) - psi(r) + np.log(alpha))
                - weights @ (still * np.log(until_end) + gone * np.log(until_last)),
                weights.sum() * r / alpha - (weights * (r + x)) @ (still / until_end + gone / until_last),
                share @ (psi(a + b) - psi(a + b + counts)) + (weights @ gone) / a,
                share @ (psi(a + b) - psi(b) + psi(b + counts) - psi(a + b + counts)) - shorter.sum(),
            ]
        )
        return value, slope

    def _alive(self, some: Histories) -> Floats:
        _, alive, left = self._parts(self.parameters, some)
        return np.asarray(expit(alive - left))

    def _expected(self, some: Histories, days: float) -> Floats:
        """Equation 10 of the paper. Euler's transformation of 2F1 keeps it finite for thousands of orders."""
        r, alpha, a, b = self.parameters
        a = a if abs(a - 1.0) > 1e-6 else 1.0 + 1e-6
        x = some.repeats
        z = days / (alpha + some.watched + days)
        series = (1.0 - z) ** (a - 1.0) * hyp2f1(a + b - 1.0 - r, a - 1.0, a + b + x - 1.0, z)
        return np.asarray((a + b + x - 1.0) / (a - 1.0) * (1.0 - series) * self._alive(some))
