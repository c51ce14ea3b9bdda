"""Lifetime value and churn on CDNOW, the data set of the papers, and a million customers against the clock."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd

from rapport.scoring.bg_nbd import BgNbd
from rapport.scoring.buying import BuyingModel
from rapport.scoring.churn import Churn
from rapport.scoring.gamma_gamma import GammaGamma
from rapport.scoring.history import Histories, bought_after, histories, purchase_days, summarise
from rapport.scoring.lifetime import LifetimeValue
from rapport.scoring.measures import auc, mae
from rapport.scoring.pareto_nbd import ParetoNbd
from tests.eval.figures import Figure

CALIBRATED_TO, HELD_OUT_TO = pd.Timestamp("1997-09-30"), pd.Timestamp("1998-06-30")
DAYS = (HELD_OUT_TO - CALIBRATED_TO).days
PUBLISHED: dict[type[BuyingModel], tuple[tuple[float, ...], float]] = {
    BgNbd: ((0.243, 4.414, 0.793, 2.426), -9582.4),
    ParetoNbd: ((0.553, 10.578, 0.606, 11.669), -9595.0),
}
CPU_SECONDS = 2.0


def cdnow() -> pd.DataFrame:
    """customer_id, day, revenue of the 2,357 customers of the papers, from the package `lifetimes`."""
    package = importlib.util.find_spec("lifetimes")
    if package is None or not package.submodule_search_locations:
        raise SystemExit("CDNOW comes with the package `lifetimes`: run `make install`.")
    path = Path(package.submodule_search_locations[0]) / "datasets" / "CDNOW_sample.txt"
    columns = ["master_id", "customer_id", "day", "cds", "revenue"]
    orders = pd.read_csv(path, sep=r"\s+", header=None, names=columns, dtype={"customer_id": "str", "day": "str"})
    return orders.assign(day=pd.to_datetime(orders["day"]))[["customer_id", "day", "revenue"]]


def published() -> Iterator[Figure]:
    """Parameters and likelihoods to every printed digit."""
    orders = cdnow()
    known = histories(summarise(orders, CALIBRATED_TO))
    for kind, (parameters, likelihood) in PUBLISHED.items():
        model = kind().fit(known)
        weeks = np.where(model.durations, model.parameters / 7.0, model.parameters)
        for name, value, printed in zip(model.names, weeks, parameters, strict=True):
            yield Figure(f"{kind.name} {name}", value, "published", printed, round(float(value), 3) == printed, 3)
        value = model.log_likelihood(known) + float(known.repeats.sum() * np.log(7.0))
        yield Figure(f"{kind.name} log-likelihood", value, "published", likelihood, round(value, 1) == likelihood, 1)
    days = purchase_days(orders[orders["day"] <= CALIBRATED_TO])
    later = days[days["day"] > days.groupby("customer_id")["day"].transform("min")]
    spent = later.groupby("customer_id")["revenue"].agg(["size", "mean"])
    fitted = GammaGamma().fit(spent["size"].to_numpy(), spent["mean"].to_numpy()).parameters
    for name, value, printed in zip(GammaGamma.names, fitted, (6.25, 3.74, 15.44), strict=True):
        yield Figure(f"gamma_gamma {name}", value, "published", printed, round(float(value), 2) == printed, 2)


def hold_out() -> Iterator[Figure]:
    """Weeks 40 to 78 from what was known after week 39."""
    orders = cdnow()
    summary = summarise(orders, CALIBRATED_TO)
    known = histories(summary)
    actual = bought_after(orders, summary, CALIBRATED_TO, HELD_OUT_TO)
    lost = actual == 0
    models = {kind.name: kind().fit(known) for kind in PUBLISHED}
    best = models["pareto_nbd"]
    expected = {name: model.expected_orders(known, DAYS) for name, model in models.items()}
    correlation = {name: float(np.corrcoef(value, actual)[0, 1]) for name, value in expected.items()}
    value = correlation["pareto_nbd"]
    yield Figure("hold-out correlation, pareto_nbd", value, "goal, at least", 0.630, value >= 0.630)
    yield Figure("  the same", value, "bg_nbd", correlation["bg_nbd"])
    yield Figure("  the same", value, "own past count", float(np.corrcoef(known.repeats, actual)[0, 1]))
    value = mae(expected["pareto_nbd"], actual)
    yield Figure("hold-out MAE, pareto_nbd", value, "goal, at most", 0.755, value <= 0.755)
    yield Figure("  the same", value, "bg_nbd", mae(expected["bg_nbd"], actual))
    yield Figure("  the same", value, "own past count", mae(known.repeats.astype(float), actual))
    value = auc(Churn(best).score(summary, DAYS), lost)
    yield Figure("churn AUC", value, "goal, at least", 0.77, value >= 0.77)
    yield Figure("  the same", value, "days since last order", auc(known.watched - known.last, lost))
    yield Figure("  the same", value, "P(alive) of bg_nbd", auc(-models["bg_nbd"].probability_alive(known), lost))
    scores = LifetimeValue(best).fit(summary).predict(summary)
    later = orders[(orders["day"] > CALIBRATED_TO) & (orders["day"] <= HELD_OUT_TO)]
    revenue = later.groupby("customer_id")["revenue"].sum().reindex(summary.index).fillna(0.0)
    top = revenue[scores["expected_value_365d"].nlargest(len(summary) // 10).index].sum() / revenue.sum()
    yield Figure("revenue in the top tenth", float(top), "known", 0.50, round(float(top), 2) >= 0.50, 3)


def speed(customers: int = 1_000_000) -> Iterator[Figure]:
    """CPU seconds of this process for one fit, grouping included."""
    rng = np.random.default_rng(1)
    watched = rng.integers(30, 731, customers)
    rate = rng.gamma(0.553, 1 / (10.578 * 7), customers)
    life = np.minimum(watched, rng.exponential(1.0, customers) / rng.gamma(0.606, 1 / (11.669 * 7), customers))
    repeats = rng.poisson(rate * life)
    last = np.where(repeats > 0, np.ceil(life * rng.beta(np.maximum(repeats, 1), 1)), 0).astype(int)
    known = Histories.of(repeats, np.minimum(last, watched), watched)
    for kind in PUBLISHED:
        begun = process_time()
        kind().fit(known)
        seconds = process_time() - begun
        name = f"{kind.name}: {customers:,} customers fitted, CPU s"
        yield Figure(name, seconds, "goal, at most", CPU_SECONDS, seconds <= CPU_SECONDS, 2)
