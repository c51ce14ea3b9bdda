"""From affinity to lists: what may be recommended to whom, and how good the lists are on days not yet seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from rapport.scoring.affinity import Affinity, affinity_for, top_columns
from rapport.scoring.history import Floats, Integers
from rapport.scoring.lifetime import split_day
from rapport.scoring.matrices import Incidence, positions
from rapport.scoring.measures import Verdict

LENGTH = 10
FEWEST_BUYERS = 5
FEWEST_CUSTOMERS = 50
FEWEST_PRODUCTS = 5
# A product that this share of its buyers came back for within a year is one that gets used up.
REPLENISHED_SHARE = 0.25
_BLOCK = 2_000


@dataclass(frozen=True)
class Recommended:
    """Positions of products by customer (row), best first; -1 where there is nothing more to recommend."""

    products: Integers
    scores: Floats


def learnable(lines: pd.DataFrame) -> pd.DataFrame:
    """Lines (customer_id, product_id, day) of products that enough customers have bought to say anything about."""
    buyers = lines.groupby("product_id")["customer_id"].nunique()
    return lines[lines["product_id"].isin(buyers.index[buyers >= FEWEST_BUYERS])]


def replenishment_days(lines: pd.DataFrame) -> pd.Series[float]:
    """Median days between purchases of each product that customers buy again; other products are not in it."""
    days = lines.drop_duplicates(["customer_id", "product_id", "day"]).sort_values(["customer_id", "product_id", "day"])
    gap = days.groupby(["customer_id", "product_id"])["day"].diff().dt.days
    by_customer = days.assign(gap=gap).groupby(["product_id", "customer_id"])["gap"].agg(["count", "median"])
    by_product = by_customer.assign(again=by_customer["count"] > 0).groupby("product_id")
    table = by_product.agg(buyers=("again", "size"), share=("again", "mean"), days=("median", "median"))
    kept = (table["buyers"] >= FEWEST_BUYERS) & (table["share"] >= REPLENISHED_SHARE) & (table["days"] <= 365)
    return table.loc[kept, "days"]


def forbidden(lines: pd.DataFrame, returned: pd.DataFrame, until: pd.Timestamp) -> pd.DataFrame:
    """Pairs (customer_id, product_id) never to recommend: returned ones, and bought ones not yet due again."""
    last = lines.groupby(["customer_id", "product_id"], as_index=False)["day"].max()
    due_after = last["product_id"].map(replenishment_days(lines)).to_numpy(dtype=float)
    passed = (until - last["day"]).dt.days.to_numpy(dtype=float)
    not_due = ~(passed >= due_after)  # also where nothing is known of buying it again
    pairs = ["customer_id", "product_id"]
    return pd.concat([last.loc[not_due, pairs], returned[pairs]]).drop_duplicates()


def rank(model: Affinity, bought: Any, banned: Any, available: Any, length: int = LENGTH) -> Recommended:
    """The best `length` products for each row of `bought`, without those in `banned` and those not `available`.

    `bought` and `banned` are sparse, customers by the products of `model`; `available` is one truth value a product.
    """
    products, scores = [], []
    for start in range(0, bought.shape[0], _BLOCK):
        raw = bought[start : start + _BLOCK] @ model.weights
        block = np.asarray(raw.toarray() if hasattr(raw, "toarray") else raw, dtype=np.float32)
        block[:, ~available] = -np.inf
        rows, columns = banned[start : start + _BLOCK].nonzero()
        block[rows, columns] = -np.inf
        top = top_columns(block, length)
        best = np.take_along_axis(block, top, axis=1)
        products.append(np.where(best > 0, top, -1))
        scores.append(best)
    if not products:
        return Recommended(np.empty((0, length), dtype=np.int64), np.empty((0, length)))
    return Recommended(np.concatenate(products), np.concatenate(scores))


def recommend(
    model: Affinity, lines: pd.DataFrame, banned: pd.DataFrame, available: pd.Index[str], length: int = LENGTH
) -> pd.DataFrame:
    """Lists for every customer of `lines`: customer_id, rank, product_id, score, because_product_id.

    `because_product_id` is the product in the customer's history that speaks loudest for the one recommended.
    """
    history = Incidence.of(lines[lines["product_id"].isin(model.products)], "customer_id")
    bought = history.for_products(model.products)
    pairs = pair_matrix(banned, history.rows, model.products)
    result = rank(model, bought, pairs, np.asarray(model.products.isin(available)), length)
    customer, place = np.nonzero(result.products >= 0)
    product = result.products[customer, place]
    names = model.products.to_numpy()
    return pd.DataFrame(
        {
            "customer_id": history.rows.to_numpy()[customer],
            "rank": place + 1,
            "product_id": names[product],
            "score": result.scores[customer, place].astype(float),
            "because_product_id": names[np.fromiter(_reasons(model.weights, bought, result), np.int64, len(product))],
        }
    )


def pair_matrix(pairs: pd.DataFrame, customers: pd.Index[str], products: pd.Index[str]) -> Any:
    """Sparse customers by products with a 1 for each pair that both know."""
    row, column = positions(pairs["customer_id"], customers), positions(pairs["product_id"], products)
    known = (row >= 0) & (column >= 0)
    shape = (len(customers), len(products))
    return csr_matrix((np.ones(int(known.sum()), dtype=np.float32), (row[known], column[known])), shape=shape)


def ndcg(recommended: Integers, truth: Any, length: int = LENGTH) -> tuple[float, int]:
    """Mean normalised discounted gain at `length` over the rows of `truth` that hold anything, and their number."""
    wanted = np.asarray(truth.sum(axis=1)).ravel().astype(int)
    rows = np.flatnonzero(wanted)
    if not len(rows):
        return float("nan"), 0
    discount = 1.0 / np.log2(np.arange(length) + 2.0)
    chosen = recommended[rows][:, :length]
    looked_up = truth[np.repeat(rows, chosen.shape[1]), np.maximum(chosen, 0).ravel()]
    hits = np.asarray(looked_up).reshape(chosen.shape) * (chosen >= 0)
    ideal = np.cumsum(discount)[np.minimum(wanted[rows], length) - 1]
    return float((hits @ discount[: chosen.shape[1]] / ideal).mean()), len(rows)


class Popular:
    """The naive rule: the same most bought products for everybody."""

    name: ClassVar[str] = "popularity"

    def __init__(self) -> None:
        self.products: pd.Index[str] = pd.Index([], dtype="str")
        self.weights: Any = None

    def fit(self, bought: Incidence) -> Self:
        self.products = bought.products
        buyers = np.asarray(bought.matrix.sum(axis=0)).ravel()
        self.weights = np.tile(buyers.astype(np.float32), (len(buyers), 1))
        return self


def hold_out(
    lines: pd.DataFrame, cut: pd.Timestamp, until: pd.Timestamp, models: Sequence[Affinity]
) -> tuple[list[float], int]:
    """NDCG@10 of each model over what customers known at `cut` bought later for the first time; how many they are.

    Full ranking over all products that could be learnt; a model has seen nothing of the days after `cut`.
    """
    before = learnable(lines[lines["day"] <= cut])
    bought = Incidence.of(before, "customer_id")
    later = lines[(lines["day"] > cut) & (lines["day"] <= until)]
    pairs = pair_matrix(later.drop_duplicates(["customer_id", "product_id"]), bought.rows, bought.products)
    new = pairs - pairs.multiply(bought.matrix)
    new.eliminate_zeros()
    available = np.ones(len(bought.products), dtype=bool)
    figures = [ndcg(rank(m.fit(bought), bought.matrix, bought.matrix, available).products, new) for m in models]
    return [value for value, _ in figures], figures[0][1]


def judge(lines: pd.DataFrame, until: pd.Timestamp) -> Verdict:
    """The method for this catalogue beside the most popular products."""
    cut = split_day(lines, until)
    before = learnable(lines[lines["day"] <= cut])
    customers, products = before["customer_id"].nunique(), before["product_id"].nunique()
    model = affinity_for(products)
    value = baseline = None
    judged = 0
    remark = f"{customers} customers and {products} products are too few ({FEWEST_CUSTOMERS}, {FEWEST_PRODUCTS} needed)"
    if customers >= FEWEST_CUSTOMERS and products >= FEWEST_PRODUCTS:
        (value, baseline), judged = hold_out(lines, cut, until, [model, Popular()])
        if not judged:
            value = baseline = None
            remark = "nobody bought a product that was new to them"
    return Verdict("recommendations", "NDCG@10", value, "popularity", baseline, True, judged, model.name, remark)


def _reasons(weights: Any, bought: Any, result: Recommended) -> Iterator[int]:
    dense = isinstance(weights, np.ndarray)
    for row, chosen in enumerate(result.products):
        wanted = chosen[chosen >= 0]
        if len(wanted):
            held = bought.indices[bought.indptr[row] : bought.indptr[row + 1]]
            strength = weights[np.ix_(held, wanted)] if dense else weights[held][:, wanted].toarray()
            yield from held[strength.argmax(axis=0)]
