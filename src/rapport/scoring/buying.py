"""What every model of repeat buying has in common: maximum likelihood, and what a likelihood says of the future."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Self

import numpy as np
from scipy.optimize import minimize

from rapport.errors import DataError
from rapport.scoring.history import Floats, Histories

# Log-parameters beyond these are numerically without meaning and only reached by data that has nothing to tell.
_BOUND = 12.0


class BuyingModel(ABC):
    """A model of repeat orders in continuous time, with parameters on the scale of days.

    `fit` maximises the likelihood over the logarithms of the parameters with its analytic gradient; customers with
    the same history are one term of the sum.
    """

    name: ClassVar[str]
    names: ClassVar[tuple[str, ...]]
    # Parameters that are durations: fitted on a scale on which the longest history is about 10.
    durations: ClassVar[tuple[bool, ...]]

    def __init__(self) -> None:
        self.parameters: Floats = np.ones(len(self.names))

    def fit(self, histories: Histories) -> Self:
        """Raises DataError when there is no repeat order to learn from, or when no optimum is found."""
        some, _ = histories.grouped()
        if not some.repeats.any():
            raise DataError(f"{self.name}: no customer has ordered on a second day, so there is nothing to learn from.")
        total = some.weights.sum()
        unit = np.where(self.durations, max(int(some.watched.max()), 1) / 10.0, 1.0)

        def loss(logs: Floats) -> tuple[float, Floats]:
            parameters = np.exp(logs) * unit
            value, slope = self._likelihood(parameters, some)
            return -value / total, -slope * parameters / total

        bounds = [(-_BOUND, _BOUND)] * len(self.names)
        found = minimize(
            loss,
            np.zeros(len(self.names)),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"ftol": 1e-14, "gtol": 1e-7, "maxcor": 20, "maxiter": 500},
        )
        if not np.isfinite(found.fun):
            raise DataError(f"{self.name}: the likelihood has no maximum here ({found.message}).")
        self.parameters = np.exp(found.x) * unit
        return self

    def log_likelihood(self, histories: Histories) -> float:
        """Natural logarithm, summed over customers, times in days."""
        some, _ = histories.grouped()
        return float(self._terms(self.parameters, some) @ some.weights)

    def order_probability(self, histories: Histories, days: int) -> Floats:
        """Chance of an order in the next `days`: one less the odds of the same history watched that much longer."""
        some, place = histories.grouped()
        quiet = self._terms(self.parameters, some.later(days)) - self._terms(self.parameters, some)
        return np.clip(-np.expm1(quiet), 0.0, 1.0)[place]

    def probability_alive(self, histories: Histories) -> Floats:
        """Chance that the customer has not left for good."""
        some, place = histories.grouped()
        return self._alive(some)[place]

    def expected_orders(self, histories: Histories, days: float) -> Floats:
        """Expected number of order days in the next `days`, given the history."""
        some, place = histories.grouped()
        return self._expected(some, float(days))[place]

    @abstractmethod
    def _likelihood(self, parameters: Floats, some: Histories) -> tuple[float, Floats]:
        """Weighted log-likelihood and its slope by each parameter."""

    @abstractmethod
    def _terms(self, parameters: Floats, some: Histories) -> Floats:
        """Log-likelihood of each history."""

    @abstractmethod
    def _alive(self, some: Histories) -> Floats: ...

    @abstractmethod
    def _expected(self, some: Histories, days: float) -> Floats: ...
