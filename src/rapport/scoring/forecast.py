"""Sales by day ahead: the median of three plain methods, with intervals from its own past errors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from rapport.errors import DataError
from rapport.scoring.forecast_methods import damped_ets, seasonal_naive, theta
from rapport.scoring.history import Floats
from rapport.scoring.measures import Verdict

HORIZON_DAYS = 28
FEWEST_DAYS = 14
JUDGED_FROM_DAYS = 84
_COVERED = 0.8
_ORIGINS = 12
# From this share of days without a sale on, zero is ordinary and no sign of a closed shop.
_SPARSE = 0.3

Method = Callable[[Floats, int, int], Floats]


@dataclass(frozen=True)
class OpenDays:
    """The days on which a shop sells: its values without closed weekdays, and how many make a week."""

    values: Floats
    season: int
    closed_weekdays: frozenset[int]

    @classmethod
    def of(cls, daily: pd.Series[float]) -> OpenDays:
        """A weekday is closed when at least nine of ten of them sold nothing while others did."""
        weekday = daily.index.to_series().dt.day_of_week
        empty = daily.eq(0).groupby(weekday).mean()
        closed = frozenset(int(day) for day in empty.index[empty >= 0.9]) if (daily > 0).any() else frozenset()
        values = daily[~weekday.isin(closed).to_numpy()].to_numpy(dtype=float)
        return cls(values, 7 - len(closed), closed)

    def filled(self) -> Floats:
        """Days that sold nothing (a holiday, an outage) as the same weekday around them, unless zeros are ordinary."""
        zero = self.values == 0
        if not zero.any() or zero.mean() >= _SPARSE:
            return self.values
        weeks = -(-len(self.values) // self.season)
        grid = np.full(weeks * self.season, np.nan)
        grid[: len(self.values)] = np.where(zero, np.nan, self.values)
        grid = np.pad(grid.reshape(weeks, self.season), ((6, 6), (0, 0)), constant_values=np.nan)
        around = sliding_window_view(grid, 13, axis=0)
        with np.errstate(all="ignore"):
            usual = np.where(np.isnan(around).all(axis=2), 0.0, _nanmedian(around)).ravel()[: len(self.values)]
        return np.where(zero, usual, self.values)


class SalesForecast:
    """Median of damped exponential smoothing, the same on square roots, and Theta on square roots; the season is a week
    of open days.

    One simple method is best here and another there; their median is hard to beat (Makridakis, Spiliotis,
    Assimakopoulos, The M4 Competition, IJF 36 (1), 2020). Roots even out the noise of counts. Intervals are quantiles
    of the errors made at former origins, so that they hold whatever the errors look like.
    """

    version: ClassVar[str] = "ets+root_ets+root_theta"

    def __init__(self) -> None:
        self._last_day = pd.Timestamp(0)
        self._open = OpenDays(np.zeros(1), 7, frozenset())
        self._errors: Floats = np.zeros((1, 1))

    def fit(self, daily: pd.Series[float], horizon: int = HORIZON_DAYS) -> Self:
        """`daily` holds one value for each calendar day (zero where nothing was sold), the last day being complete.

        Raises DataError for gaps between days or fewer than 14 of them.
        """
        days = pd.DatetimeIndex(daily.index)
        if len(days) < FEWEST_DAYS:
            raise DataError(f"forecast: {len(days)} days of sales are too few ({FEWEST_DAYS} are needed).")
        if not days.equals(pd.date_range(days[0], days[-1], freq="D")):
            raise DataError("forecast: the days do not follow each other; give a zero for a day without sales.")
        self._last_day = days[-1]
        self._open = OpenDays.of(daily)
        self._errors = self._past_errors(horizon)
        return self

    def predict(self, horizon: int = HORIZON_DAYS, closed: Collection[date] = ()) -> pd.DataFrame:
        """One row a day ahead: day, expected, low_80, high_80, never below zero; zero on days known to be `closed`."""
        days = pd.date_range(self._last_day + pd.Timedelta(days=1), periods=horizon, freq="D")
        selling = ~days.day_of_week.isin(list(self._open.closed_weekdays))
        ahead = int(selling.sum())
        expected = combined(self._open.filled(), self._open.season, ahead)
        # A conformal interval's correction for few samples (Lei et al., JASA 113 (523), 2018). Days of one origin err
        # together, so origins are what is counted.
        inner = min(1.0, (1.0 + _COVERED) / 2.0 * (1.0 + 1.0 / len(self._errors)))
        low, high = (self._error_quantile(q, ahead) for q in (1.0 - inner, inner))
        level = max(float(expected.mean()), 1e-9) if ahead else 0.0
        table = pd.DataFrame({"day": days, "expected": 0.0, "low_80": 0.0, "high_80": 0.0})
        shown = {"expected": expected, "low_80": expected + low * level, "high_80": expected + high * level}
        for column, values in shown.items():
            table.loc[selling, column] = np.maximum(values, 0.0)
        table.loc[table["day"].dt.date.isin(list(closed)), ["expected", "low_80", "high_80"]] = 0.0
        return table

    def _past_errors(self, horizon: int) -> Floats:
        """Errors by former origin and step ahead, in units of the forecast's mean; NaN where there is no value yet."""
        ahead = horizon * self._open.season // 7
        errors = []
        for cut in _origins(len(self._open.values), self._open.season, ahead):
            past = OpenDays(self._open.values[:cut], self._open.season, self._open.closed_weekdays)
            expected = combined(past.filled(), past.season, ahead)
            actual = self._open.values[cut : cut + ahead]
            errors.append((actual - expected[: len(actual)]) / max(float(expected.mean()), 1e-9))
        if errors:
            return np.array(errors)
        spread = self._open.values / max(float(self._open.values.mean()), 1e-9) - 1.0
        return np.resize(spread[:, None], (len(spread), max(ahead, 1)))

    def _error_quantile(self, q: float, ahead: int) -> Floats:
        """By step ahead; neighbouring steps of a week are taken together, for there are few origins."""
        season, steps = self._open.season, self._errors.shape[1]
        weeks = [np.quantile(self._errors[:, i : i + season], q) for i in range(0, steps, season)]
        return np.repeat(weeks, season)[np.minimum(np.arange(ahead), len(weeks) * season - 1)]


def combined(y: Floats, season: int, horizon: int) -> Floats:
    """The ensemble on clean values."""
    roots = np.sqrt(np.maximum(y, 0.0))
    parts = [
        damped_ets(y, season, horizon),
        np.maximum(damped_ets(roots, season, horizon), 0.0) ** 2,
        np.maximum(theta(roots, season, horizon), 0.0) ** 2,
    ]
    return np.asarray(np.maximum(np.median(parts, axis=0), 0.0))


def rolling_mase(daily: pd.Series[float], methods: dict[str, Method], origins: list[int], horizon: int) -> list[float]:
    """Mean absolute error of each method over `origins` (days of history), scaled by that of last week's values in the
    history (MASE: Hyndman, Koehler, IJF 22 (4), 2006). Closed weekdays do not count.

    `ensemble` in the methods' names stands for what is published; the others see the values as they are.
    """
    totals = dict.fromkeys(methods, 0.0)
    for origin in origins:
        past, future = daily.iloc[:origin], daily.iloc[origin : origin + horizon]
        known = OpenDays.of(past)
        counted = ~future.index.to_series().dt.day_of_week.isin(known.closed_weekdays).to_numpy()
        actual = future.to_numpy(dtype=float)[counted]
        scale = float(np.abs(known.values[known.season :] - known.values[: -known.season]).mean()) or 1.0
        for name, method in methods.items():
            seen = known.filled() if name == "ensemble" else known.values
            expected = np.maximum(method(seen, known.season, len(actual)), 0.0)
            totals[name] += float(np.abs(actual - expected).mean()) / scale / len(origins)
    return list(totals.values())


def judge(series: dict[str, pd.Series[float]], horizon: int = HORIZON_DAYS) -> Verdict:
    """The ensemble beside last week's values, from up to eight origins of each series that is long enough."""
    found = []
    for daily in series.values():
        origins = list(range(len(daily) - horizon, JUDGED_FROM_DAYS - horizon, -horizon // 2))[:8]
        if len(daily) >= JUDGED_FROM_DAYS and (daily > 0).any():
            found.append(rolling_mase(daily, {"ensemble": combined, "naive": seasonal_naive}, origins, horizon))
    value, baseline = (float(v) for v in np.mean(found, axis=0)) if found else (None, None)
    remark = f"no series has {JUDGED_FROM_DAYS} days"
    return Verdict(
        "sales_forecast", "MASE", value, "seasonal naive", baseline, False, len(found), SalesForecast.version, remark
    )


def _origins(length: int, season: int, ahead: int) -> Iterator[int]:
    """Up to twelve former origins, a week apart, each with at least six weeks of history before it."""
    for number in range(_ORIGINS):
        cut = length - ahead - number * season
        if cut >= 6 * season:
            yield cut


def _nanmedian(around: Floats) -> Floats:
    """Median over the last axis without NaN and without numpy's warning for empty ones."""
    counts = (~np.isnan(around)).sum(axis=-1)
    ordered = np.sort(around, axis=-1)
    low, high = np.maximum((counts - 1) // 2, 0), np.maximum(counts // 2, 0)
    first = np.take_along_axis(ordered, low[..., None], axis=-1)[..., 0]
    second = np.take_along_axis(ordered, np.minimum(high, around.shape[-1] - 1)[..., None], axis=-1)[..., 0]
    return np.asarray((first + second) / 2.0)
