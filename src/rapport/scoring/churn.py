"""Churn and time to the next order, from the same model of repeat buying as lifetime value."""

from __future__ import annotations

import numpy as np
import pandas as pd

from rapport.scoring.buying import BuyingModel
from rapport.scoring.history import Floats, Histories, bought_after, histories, summarise
from rapport.scoring.lifetime import FEWEST_CUSTOMERS, split_day
from rapport.scoring.measures import Verdict, auc

# Days at which the chance of no order yet is worked out; in between it falls about exponentially.
_GRID = np.unique(np.geomspace(1, 365, 26).round().astype(int))


class Churn:
    """Asks whether a customer orders in a given time, not whether they are "alive": a model may be sure that a one-time
    buyer is alive and still expect next to no order of them."""

    def __init__(self, model: BuyingModel) -> None:
        """`model` is fitted already."""
        self.model = model

    @property
    def version(self) -> str:
        return self.model.name

    def predict(self, summary: pd.DataFrame) -> pd.DataFrame:
        """One row a customer: order_probability_30d, churn_probability_90d (no order in 90 days), and next_order_days,
        the mean wait until the next order of those who order within 365 days."""
        known = histories(summary)
        return pd.DataFrame(
            {
                "order_probability_30d": self.model.order_probability(known, 30),
                "churn_probability_90d": 1.0 - self.model.order_probability(known, 90),
                "next_order_days": self._wait(known),
            },
            index=summary.index,
        )

    def score(self, summary: pd.DataFrame, days: int) -> Floats:
        """Higher for those more likely to be lost: the fewer orders expected in `days`, the higher."""
        return -self.model.expected_orders(histories(summary), days)

    def _wait(self, known: Histories) -> Floats:
        some, place = known.grouped()
        quiet = [np.ones(len(some))] + [1.0 - self.model.order_probability(some, int(day)) for day in _GRID]
        survival = np.clip(np.array(quiet), 1e-300, 1.0)
        steps = np.diff(np.concatenate(([0], _GRID)))[:, None]
        drop = np.log(survival[:-1] / survival[1:])
        # Area under an exponential between two points; a flat stretch is a rectangle.
        area = np.where(drop > 1e-9, (survival[:-1] - survival[1:]) / np.maximum(drop, 1e-9), survival[1:]) * steps
        last = survival[-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            wait = (area.sum(axis=0) - _GRID[-1] * last) / (1.0 - last)
        return np.where(last < 1.0 - 1e-9, np.clip(wait, 0.0, _GRID[-1]), np.nan)[place]


def judge(orders: pd.DataFrame, until: pd.Timestamp, kind: type[BuyingModel]) -> Verdict:
    """How well the score finds those who do not order again, beside the time since their last order."""
    cut = split_day(orders, until)
    summary = summarise(orders, cut)
    value = baseline = None
    remark = f"{len(summary)} customers with orders are too few to judge it ({FEWEST_CUSTOMERS} are needed)"
    if len(summary) >= FEWEST_CUSTOMERS and cut < until and (summary["repeats"] > 0).any():
        lost = bought_after(orders, summary, cut, until) == 0
        churn = Churn(kind().fit(histories(summary)))
        value = auc(churn.score(summary, (until - cut).days), lost)
        baseline = auc((summary["watched"] - summary["last"]).to_numpy(), lost)
        remark = ""
    return Verdict("churn", "AUC", value, "days since last order", baseline, True, len(summary), kind.name, remark)
