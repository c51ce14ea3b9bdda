"""Pareto/NBD: Schmittlein, Morrison, Colombo, Counting Your Customers, Management Science 33 (1), 1987."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.special import expit, gammaln, psi

from rapport.scoring.buying import BuyingModel
from rapport.scoring.history import Floats, Histories

# Within one day the integrand is close to a power with a small exponent: three nodes are exact to 10 digits there.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(3)


class ParetoNbd(BuyingModel):
    """Poisson orders while alive, an exponential lifetime, gammas over both rates.

    People may leave at any time, so that a one-time buyer fades too. The likelihood is the sum of "alive at the end"
    and the integral of "left at y" over y between last order and end. The papers write that integral with two
    hypergeometric functions; here it is summed day by day from the far end, in logarithms, once for each number of
    orders. That is stable for any count, has its slope beside it, and costs the same for a million customers.
    """

    name: ClassVar[str] = "pareto_nbd"
    names: ClassVar[tuple[str, ...]] = ("r", "alpha", "s", "beta")
    durations: ClassVar[tuple[bool, ...]] = (False, True, False, True)

    def _terms(self, parameters: Floats, some: Histories) -> Floats:
        alive, left = self._cases(parameters, some)
        return np.asarray(self._shared(parameters, some)[some.counts[1]] + np.logaddexp(alive, left))

    def _likelihood(self, parameters: Floats, some: Histories) -> tuple[float, Floats]:
        r, alpha, s, beta = parameters
        weights = some.weights
        counts, place = some.counts
        days, at_last, at_end = some.cells
        tail, factors = self._tail(parameters, some, slopes=True)
        rest, left = _between(tail, some)
        alive = self._at_end(parameters, some).ravel()[at_end]
        share = np.bincount(place, weights)
        value = float(share @ self._shared(parameters, some) + weights @ np.logaddexp(alive, left))

        gone = weights * expit(left - alive)
        # Customers by cell: with the mean of a factor from each day on, all slopes are sums over one small table.
        per = np.divide(gone, 1.0 - rest, out=np.zeros_like(gone), where=rest < 1.0)
        still = np.bincount(at_end, weights - gone, tail.size).reshape(tail.shape)
        left = np.bincount(at_last, per, tail.size) - np.bincount(at_end, per * rest, tail.size)
        by_day = left.reshape(tail.shape)
        log_buying, per_buying, log_lasting, per_lasting = ((by_day * mean).sum(axis=1) for mean in factors)
        buying, lasting = alpha + np.arange(days), beta + np.arange(days)
        slope = np.array(
            [
                share @ (psi(r + counts) - psi(r)) - (still @ np.log(buying / alpha)).sum() - log_buying.sum(),
                share.sum() * r / alpha - (r + counts) @ (still @ (1.0 / buying) + per_buying),
                gone.sum() / s - (still @ np.log(lasting / beta)).sum() - log_lasting.sum(),
                share.sum() * s / beta - s * (still @ (1.0 / lasting)).sum() - (s + 1.0) * per_lasting.sum(),
            ]
        )
        return value, slope

    def _shared(self, parameters: Floats, some: Histories) -> Floats:
        """Logarithm of what both cases have in common, for each number of repeat orders."""
        r, alpha, s, beta = parameters
        counts = some.counts[0]
        return np.asarray(gammaln(r + counts) - gammaln(r) + r * np.log(alpha) + s * np.log(beta))

    def _cases(self, parameters: Floats, some: Histories) -> tuple[Floats, Floats]:
        """Logarithms of "alive at the end" and of "left before", for each history."""
        _, left = _between(self._tail(parameters, some, slopes=False)[0], some)
        return self._at_end(parameters, some).ravel()[some.cells[2]], left

    def _at_end(self, parameters: Floats, some: Histories) -> Floats:
        r, alpha, s, beta = parameters
        day = np.arange(some.cells[0])
        return np.asarray(-(r + some.counts[0])[:, None] * np.log(alpha + day) - s * np.log(beta + day))

    def _tail(self, parameters: Floats, some: Histories, *, slopes: bool) -> tuple[Floats, list[Floats]]:
        """Log of the integral from each day to the far end; with `slopes` the means, over that stretch, of
        ln(1 + y / alpha), 1 / (alpha + y), ln(1 + y / beta) and 1 / (beta + y)."""
        r, alpha, s, beta = parameters
        y = np.arange(some.cells[0])[:, None] + 0.5 + 0.5 * _NODES
        density = np.log(s) - (s + 1.0) * np.log(beta + y) - (r + some.counts[0])[:, None, None] * np.log(alpha + y)
        middle = density[:, :, 1]
        within = np.exp(density - middle[:, :, None]) * (0.5 * _WEIGHTS)
        mass = within.sum(axis=2)
        daily = middle + np.log(mass)
        tail = _sum_to_the_end(daily)
        if not slopes:
            return tail, []
        factors = (np.log1p(y / alpha), 1.0 / (alpha + y), np.log1p(y / beta), 1.0 / (beta + y))
        averages = [np.log((within * factor).sum(axis=2) / mass) for factor in factors]
        return tail, [np.exp(_sum_to_the_end(daily + average) - tail) for average in averages]

    def _alive(self, some: Histories) -> Floats:
        alive, left = self._cases(self.parameters, some)
        return np.asarray(expit(alive - left))

    def _expected(self, some: Histories, days: float) -> Floats:
        """Rate to be expected, times the part of `days` that a customer who is alive now lives on."""
        r, alpha, s, beta = self.parameters
        lasting = beta + some.watched
        log_ratio = np.log(lasting / (lasting + days))
        lived = -log_ratio if abs(s - 1.0) < 1e-9 else -np.expm1((s - 1.0) * log_ratio) / (s - 1.0)
        return np.asarray((r + some.repeats) / (alpha + some.watched) * lasting * lived * self._alive(some))


def _between(tail: Floats, some: Histories) -> tuple[Floats, Floats]:
    """What part of the integral from the last order on lies after the end; log of the part before it."""
    _, at_last, at_end = some.cells
    flat = tail.ravel()
    start, end = flat[at_last], flat[at_end]
    rest = np.exp(end - start)
    with np.errstate(divide="ignore"):
        return rest, start + np.log1p(-rest)


def _sum_to_the_end(daily: Floats) -> Floats:
    """Log of the sum of exp(daily) over each day and all after it."""
    return np.ascontiguousarray(np.logaddexp.accumulate(daily[:, ::-1], axis=1)[:, ::-1])
