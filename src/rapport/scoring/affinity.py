"""Product affinity: which products suit a customer, learnt from who bought what."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, Self

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_matrix, diags

from rapport.scoring.history import Floats
from rapport.scoring.matrices import Incidence

# One inversion of this many products takes about six seconds; beyond, only neighbours are kept.
EASE_PRODUCTS = 4_000


class Affinity(Protocol):
    """`weights` tells for each product (row) how much having it speaks for another (column)."""

    name: ClassVar[str]
    products: pd.Index[str]
    weights: Any

    def fit(self, bought: Incidence) -> Self: ...


class Ease:
    """EASE: Steck, Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019. Closed form, one inversion."""

    name: ClassVar[str] = "ease"

    def __init__(self, ridge: float = 300.0) -> None:
        """`ridge` is the only parameter: the weight of the penalty, in customers."""
        self.ridge = ridge
        self.products: pd.Index[str] = pd.Index([], dtype="str")
        self.weights: Any = None

    def fit(self, bought: Incidence) -> Self:
        self.products = bought.products
        gram = (bought.matrix.T @ bought.matrix).toarray().astype(np.float64)
        gram[np.diag_indices_from(gram)] += self.ridge
        inverse = cho_solve(cho_factor(gram, overwrite_a=True), np.eye(len(gram)), overwrite_b=True)
        weights = inverse / -np.diag(inverse)
        np.fill_diagonal(weights, 0.0)
        self.weights = weights.astype(np.float32)
        return self


class ItemCosine:
    """Cosine between the columns of buyers, the nearest `neighbours` of each product kept."""

    name: ClassVar[str] = "item_cosine"

    def __init__(self, neighbours: int = 100) -> None:
        self.neighbours = neighbours
        self.products: pd.Index[str] = pd.Index([], dtype="str")
        self.weights: Any = None

    def fit(self, bought: Incidence) -> Self:
        self.products = bought.products
        lengths = np.sqrt(np.asarray(bought.matrix.sum(axis=0)).ravel())
        unit = bought.matrix @ diags(1.0 / lengths)
        self.weights = nearest(unit.T.tocsr(), unit.tocsr(), self.neighbours)
        return self


class Rp3Beta:
    """RP3beta: Paudel, Christoffel, Newell, Bernstein, ACM TiiS 7 (1), 2016: a three-step walk, popular ends damped."""

    name: ClassVar[str] = "rp3beta"

    def __init__(self, neighbours: int = 200, alpha: float = 1.0, beta: float = 0.4) -> None:
        self.neighbours = neighbours
        self.alpha = alpha
        self.beta = beta
        self.products: pd.Index[str] = pd.Index([], dtype="str")
        self.weights: Any = None

    def fit(self, bought: Incidence) -> Self:
        self.products = bought.products
        buyers = np.asarray(bought.matrix.sum(axis=0)).ravel()
        baskets = np.asarray(bought.matrix.sum(axis=1)).ravel()
        to_customer = (diags(1.0 / buyers) @ bought.matrix.T).power(self.alpha).tocsr()
        to_product = ((diags(1.0 / baskets) @ bought.matrix).power(self.alpha) @ diags(buyers**-self.beta)).tocsr()
        self.weights = nearest(to_customer, to_product, self.neighbours)
        return self


def affinity_for(products: int) -> Affinity:
    """The method for a catalogue of this size."""
    return Ease() if products <= EASE_PRODUCTS else Rp3Beta()


def nearest(left: Any, right: Any, neighbours: int, block: int = 1_000) -> Any:
    """`left @ right` without its diagonal, the largest `neighbours` of each row kept, worked out in blocks of rows."""
    rows, columns, values = [], [], []
    for start in range(0, left.shape[0], block):
        product = (left[start : start + block] @ right).toarray()
        here = np.arange(len(product))
        product[here, start + here] = 0.0
        top = top_columns(product, neighbours)
        best = np.take_along_axis(product, top, axis=1)
        kept = best > 0
        rows.append(np.broadcast_to((start + here)[:, None], top.shape)[kept])
        columns.append(top[kept])
        values.append(best[kept])
    entries = (np.concatenate(values).astype(np.float32), (np.concatenate(rows), np.concatenate(columns)))
    return csr_matrix(entries, shape=(left.shape[0], right.shape[1]))


def top_columns(scores: Floats, count: int) -> Any:
    """Positions of the `count` largest entries of each row, largest first, ties by position."""
    count = min(count, scores.shape[1])
    some = np.argpartition(-scores, count - 1, axis=1)[:, :count]
    some.sort(axis=1)
    order = np.argsort(-np.take_along_axis(scores, some, axis=1), axis=1, kind="stable")
    return np.take_along_axis(some, order, axis=1)
