"""Sales forecasts on series whose future is known, and on what shops do: closed days, short and sparse histories."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from rapport.errors import DataError
from rapport.scoring import forecast
from rapport.scoring.forecast import OpenDays, SalesForecast, combined, rolling_mase
from rapport.scoring.forecast_methods import damped_ets, seasonal_factors, seasonal_naive, theta


def series(values: np.ndarray, start: str = "2025-01-06") -> pd.Series:
    return pd.Series(values.astype(float), index=pd.date_range(start, periods=len(values), freq="D"))


def shop(days: int, seed: int = 1, noise: float = 0.15) -> np.ndarray:
    """A Monday first; each weekday with its level, a slow wave over the year, multiplicative noise."""
    rng = np.random.default_rng(seed)
    day = np.arange(days)
    level = np.array([90, 100, 110, 105, 130, 160, 70])[day % 7] * (1 + 0.2 * np.sin(day / 58))
    return level * rng.lognormal(0, noise, days)


def test_seasonal_naive_is_last_week() -> None:
    assert seasonal_naive(np.arange(10.0), 7, 9).tolist() == [3, 4, 5, 6, 7, 8, 9, 3, 4]


def test_seasonal_factors_are_found_and_chance_is_not_taken_for_them() -> None:
    rhythm = np.array([-30.0, 0, 10, 5, 20, 35, -40])
    rng = np.random.default_rng(3)
    assert seasonal_factors(100 + np.resize(rhythm, 140), 7) == pytest.approx(rhythm, abs=0.5)
    assert np.abs(seasonal_factors(100 + rng.normal(0, 30, 140), 7)).max() < 10
    assert seasonal_factors(np.arange(10.0), 7).tolist() == [0.0] * 7


@pytest.mark.parametrize("method", [theta, damped_ets, combined], ids=["theta", "ets", "ensemble"])
def test_a_rhythm_without_noise_is_continued(method: forecast.Method) -> None:
    week = np.array([10.0, 20, 30, 20, 40, 60, 5])
    for cut in (70, 73):  # also when history does not end with a whole week
        assert method(np.resize(week, cut), 7, 14) == pytest.approx(np.resize(week, cut + 14)[cut:], rel=0.02, abs=0.5)


def test_theta_goes_on_with_half_the_trend() -> None:
    ahead = theta(100 + 2.0 * np.arange(140), 7, 28)
    assert np.diff(ahead) == pytest.approx(np.full(27, 1.0), abs=0.05)
    assert ahead[0] == pytest.approx(380, rel=0.02)


def test_the_ensemble_beats_last_week_and_theta_on_a_shop_with_holidays() -> None:
    values = shop(400)
    values[[100, 101, 200, 201, 202, 300, 301]] = 0.0
    methods = {"ensemble": combined, "theta": theta, "naive": seasonal_naive}
    ours, plain, naive = rolling_mase(series(values), methods, list(range(120, 372, 14)), 28)
    assert ours < plain < naive


def test_a_weekday_that_is_always_closed_stays_at_zero_and_out_of_the_season() -> None:
    values = shop(210)
    values[6::7] = 0.0
    known = OpenDays.of(series(values))
    assert (known.season, known.closed_weekdays) == (6, frozenset({6}))
    table = SalesForecast().fit(series(values)).predict()
    sunday = table["day"].dt.day_of_week == 6
    assert (table.loc[sunday, ["expected", "low_80", "high_80"]] == 0).all(axis=None)
    assert (table.loc[~sunday, "expected"] > 30).all()


def test_days_known_to_be_closed_are_zero() -> None:
    table = SalesForecast().fit(series(shop(140))).predict(closed=[date(2025, 5, 27)])
    assert table.loc[table["day"] == "2025-05-27", "high_80"].tolist() == [0.0]
    assert (table["expected"] == 0).sum() == 1


def test_a_holiday_is_filled_for_learning_but_ordinary_zeros_are_not() -> None:
    values = shop(140)
    values[70:73] = 0.0
    filled = OpenDays.of(series(values)).filled()
    assert (filled[70:73] > 40).all()
    sparse = np.where(np.random.default_rng(1).random(140) < 0.6, 0.0, 50.0)
    assert (OpenDays.of(series(sparse)).filled() == sparse).all()


@pytest.mark.parametrize("days", [14, 20, 28, 45, 83], ids=str)
def test_short_histories_give_sound_forecasts(days: int) -> None:
    table = SalesForecast().fit(series(shop(days))).predict()
    assert len(table) == 28
    assert np.isfinite(table[["expected", "low_80", "high_80"]]).all(axis=None)
    assert ((table["low_80"] >= 0) & (table["low_80"] <= table["high_80"])).all()


def test_nothing_sold_at_all_is_forecast_as_nothing() -> None:
    table = SalesForecast().fit(series(np.zeros(60))).predict()
    assert (table["expected"] == 0).all()
    assert np.isfinite(table["high_80"]).all()


@pytest.mark.parametrize(
    "daily", [series(shop(13)), series(shop(60)).drop(pd.Timestamp("2025-02-01"))], ids=["too-short", "gap"]
)
def test_what_cannot_be_forecast_is_refused(daily: pd.Series) -> None:
    with pytest.raises(DataError, match="forecast"):
        SalesForecast().fit(daily)


def test_intervals_hold_what_they_promise() -> None:
    inside = []
    for seed in range(6):
        values = shop(308, seed=seed, noise=0.3)
        for cut in (224, 252, 280):
            table = SalesForecast().fit(series(values[:cut])).predict()
            actual = values[cut : cut + 28]
            inside.append(((actual >= table["low_80"]) & (actual <= table["high_80"])).mean())
    assert 0.78 <= np.mean(inside) <= 0.93


def test_it_is_judged_by_former_origins_and_not_on_a_short_history() -> None:
    verdict = forecast.judge({"all": series(shop(300)), "young": series(shop(40))})
    assert verdict.passed
    assert verdict.rows == 1
    assert "84 days" in str(forecast.judge({"young": series(shop(40))}))
    assert not forecast.judge({}).passed
