"""Lifetime value: expected orders from a model of repeat buying times the expected value of an order."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd

from rapport.errors import DataError
from rapport.scoring.bg_nbd import BgNbd
from rapport.scoring.buying import BuyingModel
from rapport.scoring.gamma_gamma import GammaGamma
from rapport.scoring.history import bought_after, histories, summarise
from rapport.scoring.measures import Verdict, rmse
from rapport.scoring.pareto_nbd import ParetoNbd

MODELS: tuple[type[BuyingModel], ...] = (ParetoNbd, BgNbd)
HORIZONS_DAYS = (90, 365)
FEWEST_CUSTOMERS = 100


class LifetimeValue:
    """Works on the table of `history.summarise`; values are in the currency the table is in.

    Customers of several currencies: a column `currency_code` makes values comparable by each currency's median.
    """

    def __init__(self, model: BuyingModel) -> None:
        self.model = model
        self.spending = GammaGamma()
        self._units: dict[str, float] = {}

    @property
    def version(self) -> str:
        return f"{self.model.name}+gamma_gamma"

    def fit(self, summary: pd.DataFrame) -> Self:
        """Raises DataError when nobody came back or fewer than 10 customers have an order of positive value."""
        self.model.fit(histories(summary))
        medians = summary.groupby(_currencies(summary))["mean_value"].median().dropna()
        self._units = {str(currency): float(value) for currency, value in medians.items()}
        counts, means = self._spent(summary)
        self.spending.fit(counts, means)
        return self

    def predict(self, summary: pd.DataFrame) -> pd.DataFrame:
        """One row a customer: p_alive, expected_orders_90d and _365d, expected_value_90d and _365d."""
        known = histories(summary)
        counts, means = self._spent(summary)
        unit = _currencies(summary).map(self._units).fillna(0.0).to_numpy(dtype=float)
        order_value = self.spending.expected_value(counts, means) * unit
        scores = pd.DataFrame({"p_alive": self.model.probability_alive(known)}, index=summary.index)
        expected = {days: self.model.expected_orders(known, days) for days in HORIZONS_DAYS}
        for days, orders in expected.items():
            scores[f"expected_orders_{days}d"] = orders
        for days, orders in expected.items():
            scores[f"expected_value_{days}d"] = orders * order_value
        return scores

    def _spent(self, summary: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        unit = _currencies(summary).map(self._units).to_numpy(dtype=float)
        means = (summary["mean_value"].to_numpy(dtype=float) / unit).copy()
        return summary["values_count"].to_numpy(dtype=float), np.nan_to_num(means)


def split_day(orders: pd.DataFrame, until: pd.Timestamp) -> pd.Timestamp:
    """Where a judgement cuts history in two: 90 days before `until`, or a third of a shorter history."""
    span = (until - orders["day"].min()).days if len(orders) else 0
    return until - pd.Timedelta(days=min(HORIZONS_DAYS[0], span // 3))


def choose(orders: pd.DataFrame, until: pd.Timestamp) -> tuple[BuyingModel, Verdict]:
    """The model that foretold the last days best, beside each customer's own past rate.

    The figure is the root mean squared error of orders: the least absolute error would be reached by promising
    nothing to anybody where most people do not buy.
    """
    cut = split_day(orders, until)
    summary = summarise(orders, cut)
    if len(summary) < FEWEST_CUSTOMERS or cut == until:
        remark = f"{len(summary)} customers with orders are too few to judge it ({FEWEST_CUSTOMERS} are needed)"
        return MODELS[0](), _verdict(None, None, len(summary), MODELS[0].name, remark)
    came_true = bought_after(orders, summary, cut, until)
    known = histories(summary)
    days = (until - cut).days
    own_rate = known.repeats / np.maximum(known.watched, 1) * days
    errors: dict[float, BuyingModel] = {}
    for kind in MODELS:
        try:
            model = kind().fit(known)
        except DataError:
            continue
        errors.setdefault(rmse(model.expected_orders(known, days), came_true), model)
    if not errors:
        return MODELS[0](), _verdict(None, None, len(summary), MODELS[0].name, "nobody has ordered on a second day")
    best = min(errors)
    model = errors[best]
    return model, _verdict(best, rmse(own_rate, came_true), len(summary), model.name)


def _verdict(value: float | None, baseline: float | None, rows: int, model: str, remark: str = "") -> Verdict:
    return Verdict("lifetime", "RMSE of orders", value, "own past rate", baseline, False, rows, model, remark)


def _currencies(summary: pd.DataFrame) -> pd.Series[str]:
    if "currency_code" in summary:
        return summary["currency_code"].fillna("")
    return pd.Series("", index=summary.index)
