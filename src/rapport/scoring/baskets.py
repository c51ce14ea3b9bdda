"""Basket pairs for cross-sell: which products are bought together more often than chance would have it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from rapport.scoring.history import Floats, Integers
from rapport.scoring.lifetime import split_day
from rapport.scoring.matrices import Incidence
from rapport.scoring.measures import Verdict

FEWEST_TOGETHER = 5
PAIRS_PER_PRODUCT = 10
# Orders with more products than this are a reseller's stock-up and tell little of what goes with what.
LARGEST_BASKET = 50
COLUMNS = ["product_id", "rank", "companion_id", "orders_count", "support", "confidence", "confidence_low", "lift"]
_Z = 1.6448536269514722  # one-sided 95 %


class BasketPairs:
    """Pairs of products by co-occurrence in orders; `fit` counts, `predict` makes the table."""

    version = "co_occurrence"

    def __init__(self) -> None:
        self._pairs = pd.DataFrame()

    def fit(self, lines: pd.DataFrame) -> BasketPairs:
        """`lines` hold order_id and product_id."""
        self._pairs = _count(lines)
        return self

    def predict(self, per_product: int = PAIRS_PER_PRODUCT) -> pd.DataFrame:
        """One row a product and companion: product_id, rank, companion_id, orders_count (with both), support (share of
        all orders), confidence (share of the product's orders that hold the companion), confidence_low (its one-sided
        95 % lower bound by Wilson), lift.

        Only pairs whose lower bound is above the companion's own share of orders; ranked by that bound's lift.
        """
        found = self._pairs[self._pairs["confidence_low"] > self._pairs["companion_share"]]
        by_strength = found.assign(lift_low=found["confidence_low"] / found["companion_share"]).sort_values(
            ["product_id", "lift_low", "companion_id"], ascending=[True, False, True]
        )
        by_strength["rank"] = by_strength.groupby("product_id").cumcount() + 1
        columns = [
            "product_id",
            "rank",
            "companion_id",
            "orders_count",
            "support",
            "confidence",
            "confidence_low",
            "lift",
        ]
        return by_strength.loc[by_strength["rank"] <= per_product, columns].reset_index(drop=True)


def wilson_low(hits: Floats | Integers, tries: Floats | Integers) -> Floats:
    """One-sided 95 % lower bound of a share: Wilson, JASA 22 (158), 1927."""
    share = hits / tries
    spread = _Z * np.sqrt(share * (1.0 - share) / tries + _Z**2 / (4.0 * tries**2))
    return np.asarray((share + _Z**2 / (2.0 * tries) - spread) / (1.0 + _Z**2 / tries))


def judge(lines: pd.DataFrame, until: pd.Timestamp) -> Verdict:
    """How often one of a product's five companions is in the same later order, beside the five best sellers."""
    cut = split_day(lines, until)
    pairs = BasketPairs().fit(lines[lines["day"] <= cut]).predict(5) if len(lines) else pd.DataFrame()
    later = lines[lines["day"] > cut].drop_duplicates(["order_id", "product_id"])
    later = later[later.groupby("order_id")["product_id"].transform("size").between(2, LARGEST_BASKET)]
    asked = later[later["product_id"].isin(pairs["product_id"])] if len(pairs) else later.head(0)
    value = baseline = None
    if len(asked):
        best = lines.loc[lines["day"] <= cut].groupby("product_id")["order_id"].nunique().nlargest(5).index
        sellers = pd.DataFrame({"companion_id": best}).merge(asked[["product_id"]].drop_duplicates(), how="cross")
        value = _hit_rate(asked, later, pairs)
        baseline = _hit_rate(asked, later, sellers[sellers["companion_id"] != sellers["product_id"]])
    remark = "too few products were bought together often enough"
    return Verdict(
        "product_pairs", "hit rate@5", value, "best sellers", baseline, True, len(asked), "co_occurrence", remark
    )


def _hit_rate(asked: pd.DataFrame, later: pd.DataFrame, pairs: pd.DataFrame) -> float:
    there = asked[["order_id", "product_id"]].merge(pairs[["product_id", "companion_id"]], on="product_id")
    held = later[["order_id", "product_id"]].rename(columns={"product_id": "companion_id"})
    hits = there.merge(held, on=["order_id", "companion_id"]).drop_duplicates(["order_id", "product_id"])
    return len(hits) / len(asked)


def _count(lines: pd.DataFrame) -> pd.DataFrame:
    """Every ordered pair that enough orders hold."""
    distinct = lines.drop_duplicates(["order_id", "product_id"])
    sizes = distinct.groupby("order_id")["product_id"].transform("size")
    orders = Incidence.of(distinct[sizes <= LARGEST_BASKET], "order_id")
    together = (orders.matrix.T @ orders.matrix).tocoo()
    product_orders = np.asarray(orders.matrix.sum(axis=0)).ravel().astype(float)
    kept = (together.row != together.col) & (together.data >= FEWEST_TOGETHER)
    first, second, both = together.row[kept], together.col[kept], together.data[kept].astype(float)
    total = float(len(orders.rows)) or 1.0
    names = orders.products.to_numpy()
    return pd.DataFrame(
        {
            "product_id": names[first],
            "companion_id": names[second],
            "orders_count": both.astype(np.int64),
            "support": both / total,
            "confidence": both / product_orders[first],
            "confidence_low": wilson_low(both, product_orders[first]),
            "companion_share": product_orders[second] / total,
            "lift": both * total / (product_orders[first] * product_orders[second]),
        }
    )
