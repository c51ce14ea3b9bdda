"""Gamma-Gamma: Fader, Hardie, Lee, RFM and CLV, JMR 42 (4), 2005; Fader, Hardie, note of 2013 on its derivation."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from scipy.optimize import minimize
from scipy.special import gammaln, psi

from rapport.errors import DataError
from rapport.scoring.history import Floats


class GammaGamma:
    """Value of an order: gamma around each customer's own mean, the means inverse-gamma over customers.

    Assumes that how much people spend at a time has little to do with how often they buy: see `fit`.
    """

    names: ClassVar[tuple[str, ...]] = ("p", "q", "v")

    def __init__(self) -> None:
        self.parameters: Floats = np.array([1.0, 2.0, 1.0])

    def fit(self, counts: Floats, means: Floats) -> Self:
        """`counts` orders with mean value `means`, one entry a customer; entries without positive value are left out.

        Raises DataError with fewer than 10 customers to learn from.
        """
        kept = (counts > 0) & (means > 0)
        n, mean = np.asarray(counts, dtype=float)[kept], np.asarray(means, dtype=float)[kept]
        if len(n) < 10:
            raise DataError(f"gamma_gamma: {len(n)} customers with a positive order value are too few (10 are needed).")
        scale = float(np.median(mean))

        def loss(logs: Floats) -> tuple[float, Floats]:
            parameters = np.exp(logs)
            value, slope = _likelihood(parameters, n, mean / scale)
            return -value / len(n), -slope * parameters / len(n)

        # Below q = 1 the mean over customers does not exist.
        bounds = [(-8.0, 8.0), (1e-3, 8.0), (-8.0, 8.0)]
        found = minimize(
            loss, np.array([0.5, 0.7, 0.5]), jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-14}
        )
        self.parameters = np.exp(found.x) * np.array([1.0, 1.0, scale])
        return self

    def log_likelihood(self, counts: Floats, means: Floats) -> float:
        return _likelihood(self.parameters, np.asarray(counts, dtype=float), np.asarray(means, dtype=float))[0]

    def expected_value(self, counts: Floats, means: Floats) -> Floats:
        """Expected value of a customer's next order: their mean, drawn to that of all the more the fewer orders."""
        p, q, v = self.parameters
        n = np.where(means > 0, counts, 0.0)
        return np.asarray(p * (v + n * np.where(n > 0, means, 0.0)) / (p * n + q - 1.0))


def _likelihood(parameters: Floats, n: Floats, mean: Floats) -> tuple[float, Floats]:
    p, q, v = parameters
    total = v + n * mean
    terms = (
        gammaln(p * n + q)
        - gammaln(p * n)
        - gammaln(q)
        + q * np.log(v)
        + (p * n - 1.0) * np.log(mean)
        + p * n * np.log(n)
        - (p * n + q) * np.log(total)
    )
    slope = np.array(
        [
            (n * (psi(p * n + q) - psi(p * n) + np.log(mean) + np.log(n) - np.log(total))).sum(),
            (psi(p * n + q) - psi(q) + np.log(v) - np.log(total)).sum(),
            (q / v - (p * n + q) / total).sum(),
        ]
    )
    return float(terms.sum()), slope
