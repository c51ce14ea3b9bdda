"""All scores of one moment: read the marts, judge each score beside its naive rule, publish those that are better."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from uuid6 import uuid7

from rapport.errors import DataError
from rapport.scoring import baskets, churn, forecast, lifetime, recommend, send_time_quality
from rapport.scoring.affinity import affinity_for
from rapport.scoring.history import summarise
from rapport.scoring.matrices import Incidence
from rapport.scoring.measures import Verdict
from rapport.scoring.send_time import SendTime, count_hours, explore
from rapport.scoring.warehouse import Features, Scored, publish, read_features
from rapport.settings import Settings

logger = logging.getLogger(__name__)

EXPLORED_SHARE = 0.08
# Beyond the largest categories a day's sales are mostly zeros.
CATEGORIES = 20


@dataclass(frozen=True)
class ScoreReport:
    """What one run found, and how many rows of each score it published."""

    verdicts: tuple[Verdict, ...]
    rows: dict[str, int]

    def lines(self) -> list[str]:
        return [f"{verdict}, {self.rows.get(verdict.score, 0):,} rows published" for verdict in self.verdicts]


def score_all(settings: Settings, as_of: datetime) -> ScoreReport:
    """Scores as of `as_of` (aware) from the marts as they are now; orders and events after it are not looked at.

    A score that is not better than its naive rule, or has too little to be judged by, is not published: its table keeps
    the rows it has, and `scores.quality` says so. Raises DataError without marts or when scores of a later moment are
    there, TransientError when Postgres goes away; then nothing was changed.
    """
    features = read_features(settings, as_of)
    until = pd.Timestamp(as_of.astimezone(ZoneInfo(settings.shop_time_zone)).date())
    buying = _buying(features, until)
    scored = [
        buying[0],
        buying[1],
        _guarded("send_time", lambda: _send_time(features, settings, as_of)),
        _guarded("recommendations", lambda: _recommendations(features, until)),
        _guarded("product_pairs", lambda: _product_pairs(features, until)),
        _guarded("sales_forecast", lambda: _sales_forecast(features, until)),
    ]
    publish(settings, uuid7(), as_of, scored)
    rows = {one.verdict.score: len(one.rows) for one in scored if one.rows is not None and one.published}
    report = ScoreReport(tuple(one.verdict for one in scored), rows)
    for line in report.lines():
        logger.info("%s", line)
    return report


def _guarded(score: str, make: Callable[[], Scored]) -> Scored:
    """A score that has nothing to learn from does not take the others with it."""
    try:
        return make()
    except DataError as error:
        return _nothing(score, str(error))


def _nothing(score: str, remark: str) -> Scored:
    return Scored(Verdict(score, "none", None, "none", None, True, 0, "none", remark), None)


def _buying(features: Features, until: pd.Timestamp) -> tuple[Scored, Scored]:
    """Lifetime value and churn stand on the same fitted model."""
    try:
        if features.orders.empty:
            raise DataError("nobody has ordered yet")
        model, verdict = lifetime.choose(features.orders, until)
        summary = summarise(features.orders, until)
        currencies = features.customers.set_index("customer_id")["currency_code"]
        summary["currency_code"] = currencies.reindex(summary.index)
        value = lifetime.LifetimeValue(model).fit(summary)
        lost = churn.judge(features.orders, until, type(model))
    except DataError as error:
        return _nothing("lifetime", str(error)), _nothing("churn", str(error))
    table = value.predict(summary)
    table.insert(0, "currency_code", summary["currency_code"])
    return (
        Scored(verdict, table.reset_index()),
        Scored(lost, churn.Churn(value.model).predict(summary).reset_index()),
    )


def _send_time(features: Features, settings: Settings, as_of: datetime) -> Scored:
    choice, verdict = send_time_quality.judge(features.events)
    if not verdict.passed:
        return Scored(verdict, None)
    customers = pd.Index(features.customers["customer_id"])
    counts = count_hours(features.events, customers, choice.weights)
    model = SendTime(choice.profiles).fit(counts)
    table = model.predict(counts)
    table.insert(0, "customer_id", customers)
    key = settings.secret_key.encode()
    asked = (f"send-hour:{as_of:%Y-%m-%d}:{customer}".encode() for customer in customers)
    draws = np.array([int.from_bytes(hmac.digest(key, one, "sha256")[:8]) for one in asked], dtype=np.uint64)
    tried = explore(table["best_send_hour"].to_numpy(), model.shares @ _profiles(model), draws, EXPLORED_SHARE)
    table["explore_send_hour"] = pd.Series(tried, dtype="Int64").mask(tried < 0)
    return Scored(verdict, table)


def _profiles(model: SendTime) -> np.ndarray:
    return np.asarray(model.alphas / model.alphas.sum(axis=1, keepdims=True))


def _recommendations(features: Features, until: pd.Timestamp) -> Scored:
    lines = features.lines.dropna(subset=["customer_id"])
    verdict = recommend.judge(lines, until)
    if not verdict.passed:
        return Scored(verdict, None)
    known = recommend.learnable(lines)
    bought = Incidence.of(known, "customer_id")
    model = affinity_for(len(bought.products)).fit(bought)
    banned = recommend.forbidden(lines, features.returned, until)
    available = pd.Index(features.available["product_id"])
    return Scored(verdict, recommend.recommend(model, known, banned, available))


def _product_pairs(features: Features, until: pd.Timestamp) -> Scored:
    verdict = baskets.judge(features.lines, until)
    if not verdict.passed:
        return Scored(verdict, None)
    return Scored(verdict, baskets.BasketPairs().fit(features.lines).predict())


def _sales_forecast(features: Features, until: pd.Timestamp) -> Scored:
    series = _daily(features.sales, until)
    verdict = forecast.judge({str(name): daily for name, daily in series})
    if not verdict.passed:
        return Scored(verdict, None)
    currency = features.sales["currency_code"].iloc[0]
    tables = []
    for category, daily in series:
        table = forecast.SalesForecast().fit(daily).predict()
        table.insert(1, "category", category)
        table.insert(2, "currency_code", currency)
        tables.append(table)
    return Scored(verdict, pd.concat(tables, ignore_index=True))


def _daily(sales: pd.DataFrame, until: pd.Timestamp) -> list[tuple[str | None, pd.Series[float]]]:
    """Every whole day up to yesterday, first of the whole shop (None), then of its largest categories."""
    if sales.empty:
        return []
    days = pd.date_range(sales["day"].min(), until - pd.Timedelta(days=1), freq="D")
    by_category = sales.dropna(subset=["category"]).groupby("category")["revenue"].sum().nlargest(CATEGORIES)
    chosen: list[tuple[str | None, pd.DataFrame]] = [(None, sales)]
    chosen += [(str(name), sales[sales["category"] == name]) for name in by_category.index]
    return [(name, part.groupby("day")["revenue"].sum().reindex(days).fillna(0.0)) for name, part in chosen]
