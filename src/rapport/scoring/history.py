"""What a buying model knows of a customer: repeat orders, the day of the last one, and how long they were watched."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rapport.errors import DataError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Histories:
    """Customers by position. All times are whole days since a customer's first order.

    `repeats` counts days with an order after the first, `last` is the day of the newest of them (0 without one),
    `watched` the day on which observation ends. `weights` is how many customers share a row.
    """

    repeats: Integers
    last: Integers
    watched: Integers
    weights: Floats

    @classmethod
    def of(cls, repeats: Integers, last: Integers, watched: Integers) -> Histories:
        """Raises DataError for a history that cannot be: it would be fitted in silence otherwise."""
        repeats, last, watched = (np.asarray(column, dtype=np.int64) for column in (repeats, last, watched))
        impossible = (repeats < 0) | (last < 0) | (last > watched) | ((repeats == 0) != (last == 0))
        if impossible.any():
            raise DataError(
                f"{int(impossible.sum()):,} order histories are impossible: the last order lies after the end of "
                "observation or before the first order. Look at ordered_at in marts.orders."
            )
        return cls(repeats, last, watched, np.ones(len(repeats)))

    def __len__(self) -> int:
        return len(self.repeats)

    def grouped(self) -> tuple[Histories, Integers]:
        """Each different history once with its weight, and for each customer the position of theirs."""
        days = int(self.watched.max(initial=0)) + 1
        key = (self.repeats * days + self.last) * days + self.watched
        _, first, place, counts = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
        some = Histories(self.repeats[first], self.last[first], self.watched[first], counts.astype(np.float64))
        return some, place.astype(np.int64)

    @cached_property
    def counts(self) -> tuple[Integers, Integers]:
        """The different numbers of repeat orders, and for each history the position of its own."""
        counts, place = np.unique(self.repeats, return_inverse=True)
        return counts, place.astype(np.int64)

    @cached_property
    def cells(self) -> tuple[int, Integers, Integers]:
        """For tables of one row a number of repeat orders and one column a day: columns, and the flat positions of
        each history's last order and of its end."""
        days = int(self.watched.max(initial=0)) + 1
        row = self.counts[1] * days
        return days, row + self.last, row + self.watched

    def later(self, days: int) -> Histories:
        """The same customers, had they been watched `days` longer without another order."""
        return Histories(self.repeats, self.last, self.watched + days, self.weights)


def summarise(orders: pd.DataFrame, until: pd.Timestamp) -> pd.DataFrame:
    """Histories from `orders` (customer_id, day, revenue) up to the end of day `until`, indexed by customer_id.

    Orders of one day are one purchase, as in the papers. Values look at days whose revenue is above zero; a missing
    revenue (an order in another currency) counts as a purchase of unknown value.
    """
    days = purchase_days(orders[orders["day"] <= until])
    days["valued"] = days["revenue"].where(days["revenue"] > 0)
    summary = days.groupby("customer_id").agg(
        first_day=("day", "min"),
        last_day=("day", "max"),
        purchases=("day", "size"),
        values_count=("valued", "count"),
        mean_value=("valued", "mean"),
    )
    summary["repeats"] = summary["purchases"] - 1
    summary["last"] = (summary["last_day"] - summary["first_day"]).dt.days
    summary["watched"] = (until - summary["first_day"]).dt.days
    return summary


def purchase_days(orders: pd.DataFrame) -> pd.DataFrame:
    """One row a customer and day with an order, sorted, with that day's revenue."""
    return orders.groupby(["customer_id", "day"])[["revenue"]].sum(min_count=1).reset_index()


def histories(summary: pd.DataFrame) -> Histories:
    """The columns of `summarise` that buying models take."""
    return Histories.of(summary["repeats"].to_numpy(), summary["last"].to_numpy(), summary["watched"].to_numpy())


def bought_after(orders: pd.DataFrame, summary: pd.DataFrame, until: pd.Timestamp, end: pd.Timestamp) -> Floats:
    """For each customer of `summary` the days with an order after `until` up to `end`: what came true."""
    later = purchase_days(orders[(orders["day"] > until) & (orders["day"] <= end)])
    counts = later.groupby("customer_id").size().reindex(summary.index)
    return np.nan_to_num(counts.to_numpy(dtype=np.float64))
