"""Value of orders, lifetime value and churn."""

import numpy as np
import pandas as pd
import pytest

from rapport.errors import DataError
from rapport.scoring import churn, lifetime
from rapport.scoring.churn import Churn
from rapport.scoring.gamma_gamma import GammaGamma
from rapport.scoring.history import bought_after, histories, purchase_days, summarise
from rapport.scoring.lifetime import LifetimeValue
from rapport.scoring.measures import Verdict, auc
from rapport.scoring.pareto_nbd import ParetoNbd

from .conftest import CALIBRATED_TO, HELD_OUT_TO


@pytest.fixture(scope="module")
def summary(cdnow: pd.DataFrame) -> pd.DataFrame:
    return summarise(cdnow, CALIBRATED_TO)


@pytest.fixture(scope="module")
def model(summary: pd.DataFrame) -> ParetoNbd:
    return ParetoNbd().fit(histories(summary))


def test_gamma_gamma_has_the_published_parameters(cdnow: pd.DataFrame) -> None:
    days = purchase_days(cdnow[cdnow["day"] <= CALIBRATED_TO])
    repeats = days[days["day"] > days.groupby("customer_id")["day"].transform("min")]
    spent = repeats.groupby("customer_id")["revenue"].agg(["size", "mean"])
    assert len(spent) == 946
    fitted = GammaGamma().fit(spent["size"].to_numpy(), spent["mean"].to_numpy())
    assert [f"{value:.2f}" for value in fitted.parameters] == ["6.25", "3.74", "15.44"]


def test_the_value_of_an_order_lies_between_own_mean_and_that_of_all() -> None:
    rng = np.random.default_rng(1)
    counts = rng.integers(1, 9, 4_000).astype(float)
    own = 4.0 / rng.gamma(3.0, 1 / 20.0, 4_000)
    means = rng.gamma(4.0 * counts, own / (4.0 * counts))
    fitted = GammaGamma().fit(counts, means)
    everybody = fitted.expected_value(np.zeros(1), np.zeros(1))[0]
    value = fitted.expected_value(np.array([1.0, 8.0]), np.array([3.0 * everybody, 3.0 * everybody]))
    assert everybody < value[0] < value[1] < 3.0 * everybody
    assert np.corrcoef(fitted.expected_value(counts, means), own)[0, 1] > np.corrcoef(means, own)[0, 1]


def test_too_few_values_are_refused() -> None:
    with pytest.raises(DataError, match="too few"):
        GammaGamma().fit(np.ones(9), np.ones(9))


def test_the_top_tenth_by_expected_value_holds_half_of_the_later_revenue(
    cdnow: pd.DataFrame, summary: pd.DataFrame, model: ParetoNbd
) -> None:
    scores = LifetimeValue(model).fit(summary).predict(summary)
    later = cdnow[(cdnow["day"] > CALIBRATED_TO) & (cdnow["day"] <= HELD_OUT_TO)]
    revenue = later.groupby("customer_id")["revenue"].sum().reindex(summary.index).fillna(0.0)
    best = scores["expected_value_365d"].nlargest(len(summary) // 10).index
    assert revenue[best].sum() / revenue.sum() >= 0.49
    assert (scores["expected_orders_365d"] >= scores["expected_orders_90d"]).all()


def test_currencies_do_not_mix(summary: pd.DataFrame, model: ParetoNbd) -> None:
    half = np.arange(len(summary)) % 2 == 0
    priced = summary.assign(currency_code=np.where(half, "USD", "JPY"))
    priced["mean_value"] = priced["mean_value"] * np.where(half, 1.0, 150.0)
    scores = LifetimeValue(model).fit(priced).predict(priced)
    plain = LifetimeValue(model).fit(summary).predict(summary)
    ratio = scores["expected_value_90d"] / plain["expected_value_90d"]
    assert ratio[half].median() == pytest.approx(1.0, rel=0.1)
    assert ratio[~half].median() == pytest.approx(150.0, rel=0.1)


def test_orders_without_a_known_value_count_as_orders_only() -> None:
    orders = pd.DataFrame(
        {
            "customer_id": ["a", "a", "a", "b"],
            "day": pd.to_datetime(["2026-01-01", "2026-01-11", "2026-01-11", "2026-01-05"]),
            "revenue": [10.0, np.nan, np.nan, 0.0],
        }
    )
    table = summarise(orders, pd.Timestamp("2026-01-31"))
    assert table.loc["a", ["purchases", "values_count", "repeats", "last", "watched"]].tolist() == [2, 1, 1, 10, 30]
    assert table.loc["b", "values_count"] == 0


def test_expected_orders_tell_the_lost_where_being_alive_does_not(
    cdnow: pd.DataFrame, summary: pd.DataFrame, model: ParetoNbd
) -> None:
    lost = bought_after(cdnow, summary, CALIBRATED_TO, HELD_OUT_TO) == 0
    assert auc(Churn(model).score(summary, (HELD_OUT_TO - CALIBRATED_TO).days), lost) >= 0.77
    assert auc(-model.probability_alive(histories(summary)), lost) < 0.74


def test_churn_figures_are_sound(summary: pd.DataFrame, model: ParetoNbd) -> None:
    table = Churn(model).predict(summary)
    assert table["churn_probability_90d"].between(0, 1).all()
    assert (table["order_probability_30d"] <= 1 - table["churn_probability_90d"] + 1e-12).all()
    assert table["next_order_days"].between(0, 365).all()
    busy, quiet = summary["repeats"].idxmax(), summary.index[(summary["repeats"] == 0)][0]
    assert table.loc[busy, "next_order_days"] < table.loc[quiet, "next_order_days"]


def test_the_share_of_people_who_ordered_is_the_mean_of_their_chances(
    cdnow: pd.DataFrame, summary: pd.DataFrame, model: ParetoNbd
) -> None:
    ordered = bought_after(cdnow, summary, CALIBRATED_TO, CALIBRATED_TO + pd.Timedelta(days=90)) > 0
    chance = 1 - Churn(model).predict(summary)["churn_probability_90d"]
    assert chance.mean() == pytest.approx(ordered.mean(), abs=0.03)  # the 90 days before Christmas sell more


def test_both_scores_beat_their_naive_rules_on_cdnow(cdnow: pd.DataFrame) -> None:
    chosen, verdict = lifetime.choose(cdnow, HELD_OUT_TO)
    assert verdict.passed
    assert verdict.value is not None
    assert verdict.baseline_value is not None
    assert verdict.value < 0.9 * verdict.baseline_value
    assert churn.judge(cdnow, HELD_OUT_TO, type(chosen)).passed


def test_a_small_shop_is_not_judged_and_says_so(cdnow: pd.DataFrame) -> None:
    few = cdnow[cdnow["customer_id"].isin(cdnow["customer_id"].unique()[:30])]
    _, verdict = lifetime.choose(few, HELD_OUT_TO)
    assert not verdict.passed
    assert "too few" in str(verdict)


@pytest.mark.parametrize(
    ("value", "baseline", "higher", "passed"),
    [
        (0.8, 0.7, True, True),
        (0.7, 0.8, True, False),
        (0.7, 0.8, False, True),
        (0.8, 0.8, True, False),
        (None, 0.8, True, False),
        (float("nan"), 0.8, True, False),
    ],
    ids=["better", "worse", "lower-is-better", "equal", "not-judged", "not-a-number"],
)
def test_only_what_is_better_than_the_naive_rule_passes(
    value: float | None, baseline: float, higher: bool, passed: bool
) -> None:
    verdict = Verdict("x", "figure", value, "naive", baseline, higher, 10, "model", "no data")
    assert verdict.passed is passed
    assert ("not published" in str(verdict)) is not passed


def test_auc_counts_pairs() -> None:
    score, truth = [0.1, 0.4, 0.4, 0.8], [False, True, False, True]
    assert auc(score, truth) == pytest.approx(3.5 / 4)
    assert np.isnan(auc([1.0, 2.0], [True, True]))
