"""Models of repeat buying against what their papers print, and against themselves where papers print nothing."""

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.optimize import approx_fprime
from scipy.special import gammaln, hyp2f1

from rapport.errors import DataError
from rapport.scoring.bg_nbd import BgNbd
from rapport.scoring.buying import BuyingModel
from rapport.scoring.history import Histories, bought_after, histories, summarise
from rapport.scoring.pareto_nbd import ParetoNbd

from .conftest import CALIBRATED_TO, HELD_OUT_TO

WEEK = 7
MODELS = {"bg_nbd": BgNbd, "pareto_nbd": ParetoNbd}


@pytest.fixture(scope="module")
def summary(cdnow: pd.DataFrame) -> pd.DataFrame:
    return summarise(cdnow, CALIBRATED_TO)


@pytest.fixture(scope="module")
def fitted(summary: pd.DataFrame) -> dict[str, BuyingModel]:
    return {name: kind().fit(histories(summary)) for name, kind in MODELS.items()}


@pytest.fixture(params=list(MODELS))
def model(request: pytest.FixtureRequest, fitted: dict[str, BuyingModel]) -> BuyingModel:
    return fitted[request.param]


def in_weeks(model: BuyingModel) -> list[float]:
    return [float(value) for value in np.where(model.durations, model.parameters / WEEK, model.parameters)]


def one(repeats: int, last: int, watched: int) -> Histories:
    return Histories.of(np.array([repeats]), np.array([last]), np.array([watched]))


def test_bg_nbd_has_the_published_parameters_and_likelihood(
    fitted: dict[str, BuyingModel], summary: pd.DataFrame
) -> None:
    assert [f"{value:.3f}" for value in in_weeks(fitted["bg_nbd"])] == ["0.243", "4.414", "0.793", "2.426"]
    known = histories(summary)
    per_week = known.repeats.sum() * np.log(WEEK)  # the papers count in weeks: a density changes with its unit
    assert f"{fitted['bg_nbd'].log_likelihood(known) + per_week:.1f}" == "-9582.4"


def test_pareto_nbd_has_the_published_parameters_and_likelihood(
    fitted: dict[str, BuyingModel], summary: pd.DataFrame
) -> None:
    assert [f"{value:.3f}" for value in in_weeks(fitted["pareto_nbd"])] == ["0.553", "10.578", "0.606", "11.669"]
    known = histories(summary)
    per_week = known.repeats.sum() * np.log(WEEK)
    assert f"{fitted['pareto_nbd'].log_likelihood(known) + per_week:.1f}" == "-9595.0"


def test_bg_nbd_expects_what_the_authors_spreadsheet_expects(fitted: dict[str, BuyingModel]) -> None:
    customer = one(2, 213, 272)  # x = 2, t_x = 30.43, T = 38.86 weeks
    assert f"{fitted['bg_nbd'].expected_orders(customer, 39 * WEEK)[0]:.3f}" == "1.226"


@pytest.mark.parametrize(("name", "correlation", "mae"), [("bg_nbd", 0.6256, 0.7855), ("pareto_nbd", 0.6302, 0.7545)])
def test_hold_out_errors_are_the_known_ones(
    fitted: dict[str, BuyingModel],
    summary: pd.DataFrame,
    cdnow: pd.DataFrame,
    name: str,
    correlation: float,
    mae: float,
) -> None:
    actual = bought_after(cdnow, summary, CALIBRATED_TO, HELD_OUT_TO)
    expected = fitted[name].expected_orders(histories(summary), (HELD_OUT_TO - CALIBRATED_TO).days)
    assert round(float(np.corrcoef(expected, actual)[0, 1]), 4) == correlation
    assert round(float(np.abs(expected - actual).mean()), 4) == mae


def test_the_slope_is_that_of_the_likelihood(model: BuyingModel, summary: pd.DataFrame) -> None:
    some, _ = histories(summary).grouped()
    away = model.parameters * np.array([1.3, 0.8, 0.7, 1.2])
    value, slope = model._likelihood(away, some)
    assert value == pytest.approx(float(model._terms(away, some) @ some.weights), rel=1e-9)
    numeric = approx_fprime(away, lambda p: model._likelihood(p, some)[0], 1e-5)
    assert slope == pytest.approx(numeric, rel=2e-3)


def test_grouping_changes_no_answer(model: BuyingModel, summary: pd.DataFrame) -> None:
    known = histories(summary)
    each = [
        model.expected_orders(one(int(x), int(last), int(t)), 90)[0]
        for x, last, t in zip(known.repeats[:20], known.last[:20], known.watched[:20], strict=True)
    ]
    assert model.expected_orders(known, 90)[:20] == pytest.approx(each, rel=1e-9)


def test_pareto_nbd_agrees_with_the_closed_form_of_the_paper(fitted: dict[str, BuyingModel]) -> None:
    model = fitted["pareto_nbd"]
    r, alpha, s, beta = model.parameters
    for x, last, watched in ((0, 0, 200), (1, 3, 272), (4, 180, 272), (29, 266, 272)):

        def a0(y: float, x: int = x) -> float:
            z = (beta - alpha) / (beta + y)  # alpha < beta: the second form of the paper
            return float(hyp2f1(r + s + x, r + x, r + s + x + 1, z) / (beta + y) ** (r + s + x))

        left = s / (r + s + x) * (a0(last) - a0(watched))
        alive = (alpha + watched) ** -(r + x) * (beta + watched) ** -s
        paper = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta) + np.log(alive + left)
        assert model.log_likelihood(one(x, last, watched)) == pytest.approx(float(paper), abs=1e-6)


def test_bg_nbd_expectation_is_the_papers_series(fitted: dict[str, BuyingModel]) -> None:
    model = fitted["bg_nbd"]
    r, alpha, a, b = model.parameters
    x, last, watched, days = 3, 150, 272, 120
    series = hyp2f1(r + x, b + x, a + b + x - 1, days / (alpha + watched + days))
    above = (a + b + x - 1) / (a - 1) * (1 - ((alpha + watched) / (alpha + watched + days)) ** (r + x) * series)
    below = 1 + a / (b + x - 1) * ((alpha + watched) / (alpha + last)) ** (r + x)
    assert model.expected_orders(one(x, last, watched), days)[0] == pytest.approx(above / below, rel=1e-9)


def test_thousands_of_orders_stay_finite(model: BuyingModel) -> None:
    busy = one(3_000, 3_640, 3_650)
    for days in (1, 90, 365):
        orders = model.expected_orders(busy, days)[0]
        assert 0.0 < orders < 3.0 * days
    assert 0.0 <= model.order_probability(busy, 30)[0] <= 1.0
    assert np.isfinite(model.log_likelihood(busy))


def test_more_time_brings_more_orders_and_silence_fewer(model: BuyingModel) -> None:
    customer = one(4, 200, 210)
    assert model.expected_orders(customer, 30)[0] < model.expected_orders(customer, 60)[0]
    assert model.order_probability(customer, 30)[0] < model.order_probability(customer, 60)[0]
    assert model.expected_orders(one(4, 200, 400), 30)[0] < model.expected_orders(customer, 30)[0]
    assert model.expected_orders(customer, 1e-9)[0] == pytest.approx(0.0, abs=1e-6)


def test_a_chance_of_an_order_is_below_the_orders_expected(model: BuyingModel, summary: pd.DataFrame) -> None:
    known = histories(summary)
    chance = model.order_probability(known, 90)
    assert (chance <= model.expected_orders(known, 90) + 1e-9).all()
    assert ((chance >= 0) & (chance <= 1)).all()


def test_being_alive_means_little_for_those_who_bought_once(fitted: dict[str, BuyingModel]) -> None:
    once = one(0, 0, 272)
    assert fitted["bg_nbd"].probability_alive(once)[0] == 1.0
    assert fitted["bg_nbd"].expected_orders(once, 273)[0] < 0.25
    assert fitted["pareto_nbd"].probability_alive(once)[0] < 0.5


def test_the_chance_of_an_order_matches_its_integral(fitted: dict[str, BuyingModel]) -> None:
    """Without repeat orders the chance of none is an integral over the rate alone, worked out here by quadrature."""
    model = fitted["bg_nbd"]
    r, alpha = model.parameters[:2]
    watched, days = 200, 90

    def density(rate: float) -> float:
        return float(np.exp((r - 1) * np.log(rate) - (alpha + watched) * rate))

    none = (
        quad(lambda rate: density(rate) * np.exp(-rate * days), 0, 1, limit=200)[0] / quad(density, 0, 1, limit=200)[0]
    )
    assert model.order_probability(one(0, 0, watched), days)[0] == pytest.approx(1 - none, rel=1e-4)


@pytest.mark.parametrize("name", list(MODELS))
def test_parameters_of_simulated_customers_are_found_again(name: str) -> None:
    rng = np.random.default_rng(3)
    count, r, alpha, s, beta = 20_000, 0.8, 60.0, 0.9, 120.0
    watched = rng.integers(100, 500, count)
    rate = rng.gamma(r, 1 / alpha, count)
    life = np.minimum(watched, rng.exponential(1.0, count) / rng.gamma(s, 1 / beta, count))
    repeats = rng.poisson(rate * life)
    last = np.where(repeats > 0, np.ceil(life * rng.beta(np.maximum(repeats, 1), 1)), 0).astype(int)
    known = Histories.of(repeats, np.minimum(last, watched), watched)
    model = MODELS[name]().fit(known)
    if name == "pareto_nbd":
        assert model.parameters == pytest.approx([r, alpha, s, beta], rel=0.15)
    future = rng.poisson(rate * np.clip(life - watched + 90.0 * (life >= watched), 0, 90))
    assert model.expected_orders(known, 90).sum() == pytest.approx(future.sum(), rel=0.25)


def test_without_a_repeat_order_there_is_nothing_to_fit() -> None:
    with pytest.raises(DataError, match="second day"):
        BgNbd().fit(Histories.of(np.zeros(5), np.zeros(5), np.full(5, 30)))


@pytest.mark.parametrize(
    ("repeats", "last", "watched"),
    [(1, 40, 30), (0, 3, 30), (2, 0, 30), (-1, 0, 30)],
    ids=["last-after-end", "last-without-repeat", "repeat-without-last", "negative"],
)
def test_impossible_histories_are_refused(repeats: int, last: int, watched: int) -> None:
    with pytest.raises(DataError, match="impossible"):
        one(repeats, last, watched)
