"""Recommendations, basket pairs and sales forecasts on a real shop's year, and forecasts on the sandbox's."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from rapport.scoring import baskets, recommend
from rapport.scoring.affinity import Affinity, ItemCosine, Rp3Beta, affinity_for
from rapport.scoring.forecast import HORIZON_DAYS, SalesForecast, combined, rolling_mase
from rapport.scoring.forecast_methods import seasonal_naive
from rapport.scoring.history import Floats
from tests.eval.figures import Figure

FOLDER = Path(os.environ.get("RAPPORT_SHARED_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
RETAIL = FOLDER / "online_retail_2009_2010.parquet"
UNTIL = pd.Timestamp("2010-12-09")
SPLIT_DAYS = 90
SEED = 7


def retail() -> pd.DataFrame:
    """Lines of goods (stock codes of five digits, with a letter for the colour), credits included."""
    raw = pd.read_parquet(RETAIL, columns=["Invoice", "StockCode", "Quantity", "InvoiceDate", "Price", "Customer ID"])
    code = raw["StockCode"].astype(str).str.strip().str.upper()
    customer = raw["Customer ID"].map(lambda number: None if pd.isna(number) else str(int(number)))
    lines = pd.DataFrame(
        {
            "order_id": raw["Invoice"].astype(str),
            "customer_id": customer,
            "product_id": code,
            "day": pd.to_datetime(raw["InvoiceDate"]).dt.normalize(),
            "quantity": raw["Quantity"],
            "revenue": raw["Quantity"] * raw["Price"],
        }
    )
    return lines[code.str.match(r"^\d{5}")]


def recommendations() -> Iterator[Figure]:
    """NDCG@10 over products that are new to the customer in the last 90 days; full ranking, nothing tuned to them."""
    lines = retail()
    bought = lines[(lines["quantity"] > 0) & lines["customer_id"].notna()]
    cut = UNTIL - pd.Timedelta(days=SPLIT_DAYS)
    before = recommend.learnable(bought[bought["day"] <= cut])
    ours = affinity_for(before["product_id"].nunique())
    rivals: list[Affinity] = [recommend.Popular(), ItemCosine(), Rp3Beta()]
    values, judged = recommend.hold_out(bought, cut, UNTIL, [ours, *rivals])
    for rival, value in zip(rivals, values[1:], strict=True):
        name = f"NDCG@10 of {ours.name}, {judged:,} customers" if rival is rivals[0] else "  the same"
        yield Figure(name, values[0], rival.name, value, values[0] > value if rival is not rivals[2] else None)
    verdict = baskets.judge(lines[lines["quantity"] > 0], UNTIL)
    assert verdict.value is not None
    assert verdict.baseline_value is not None
    yield Figure("pairs: hit rate@5", verdict.value, verdict.baseline, verdict.baseline_value, verdict.passed)


def forecasts() -> Iterator[Figure]:
    """MASE by rolling origin, one a week, 28 days ahead, beside last week's values and classical Theta."""
    if RETAIL.is_file():
        lines = retail()
        daily = lines.groupby("day")["revenue"].sum().asfreq("D", fill_value=0.0)
        yield from _beside("real shop", daily, 112)
    yield from _beside("sandbox", sandbox_sales(), 182)


def _beside(name: str, daily: pd.Series[float], first: int) -> Iterator[Figure]:
    origins = list(range(first, len(daily) - HORIZON_DAYS + 1, 7))
    methods = {"ensemble": combined, "seasonal naive": seasonal_naive, "Theta": classical_theta}
    ours, *others = rolling_mase(daily, methods, origins, HORIZON_DAYS)
    for number, (rival, value) in enumerate(zip(list(methods)[1:], others, strict=True)):
        shown = "  the same" if number else f"forecast MASE, {name}, {len(origins)} origins"
        yield Figure(shown, ours, rival, value, ours < value)
    inside = []
    for origin in origins[::4]:
        table = SalesForecast().fit(daily.iloc[:origin]).predict()
        actual = daily.iloc[origin : origin + HORIZON_DAYS].to_numpy()
        counted = (table["high_80"] > 0).to_numpy()
        inside += list(((actual >= table["low_80"]) & (actual <= table["high_80"])).to_numpy()[counted])
    yield Figure(f"  days inside the 80 % interval, {name}", float(np.mean(inside)), "promised", 0.8, None, 3)


def sandbox_sales() -> pd.Series[float]:
    """Revenue by day of the simulated shop: 3,000 customers, 18 months."""
    from rapport.sandbox.store import open_world
    from rapport.sandbox.world import generate

    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder), seed=SEED, customers=3_000, origin=datetime(2026, 11, 1, tzinfo=UTC))
        con = open_world(Path(folder))
        try:
            rows = con.execute("select created_at, doc from shopify_orders").fetchall()
        finally:
            con.close()
    day = pd.to_datetime([row["created_at"] for row in rows], unit="s").normalize()
    value = [json.loads(row["doc"])["subtotalPriceSet"] / 100.0 for row in rows]
    return pd.Series(value, index=day).groupby(level=0).sum().asfreq("D", fill_value=0.0).iloc[1:-1]


def classical_theta(y: Floats, season: int, horizon: int) -> Floats:
    """Theta as in the M3 competition (Assimakopoulos, Nikolopoulos, 2000), on the values as they are.

    Season out by ratios if a test at 90 % finds one, the mean of the regression line and of the smoothed doubled
    curvature, season back in.
    """
    n = len(y)
    lags = np.array([np.corrcoef(y[lag:], y[:-lag])[0, 1] for lag in range(1, season + 1)])
    limit = 1.645 * np.sqrt((1.0 + 2.0 * (lags[:-1] ** 2).sum()) / n)
    factors = np.ones(season)
    if abs(lags[-1]) > limit:
        running = np.convolve(y, np.ones(season) / season, mode="same")
        ratio = np.where(running > 0, y / np.maximum(running, 1e-9), 1.0)
        factors = np.array([ratio[k::season].mean() for k in range(season)])
        factors = np.maximum(factors / factors.mean(), 0.01)
    flat = y / np.resize(factors, n)
    slope, start = np.polyfit(np.arange(n), flat, 1)
    line = start + slope * np.arange(n)
    doubled = 2.0 * flat - line
    alphas = np.linspace(0.01, 0.99, 50)
    level, squared = np.full(50, doubled[0]), np.zeros(50)
    for value in doubled[1:]:
        squared += (value - level) ** 2
        level = level + alphas * (value - level)
    ahead = start + slope * np.arange(n, n + horizon)
    mean = (ahead + level[int(squared.argmin())]) / 2.0
    return np.asarray(mean * factors[(n + np.arange(horizon)) % season])
