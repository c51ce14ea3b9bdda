"""Purchases as sparse matrices, with the labels of rows and columns beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from rapport.scoring.history import Integers


@dataclass(frozen=True)
class Incidence:
    """1 where a row (a customer or an order) holds a product; every row and column holds at least one."""

    matrix: Any  # scipy ships no types
    rows: pd.Index[str]
    products: pd.Index[str]

    @classmethod
    def of(cls, lines: pd.DataFrame, by: str) -> Incidence:
        """From `lines` with columns `by` and product_id; lines that repeat count once."""
        row, rows = pd.factorize(lines[by], sort=True)
        column, products = pd.factorize(lines["product_id"], sort=True)
        matrix = csr_matrix((np.ones(len(lines), dtype=np.float32), (row, column)), shape=(len(rows), len(products)))
        matrix.sum_duplicates()
        matrix.data[:] = 1.0
        return cls(matrix, pd.Index(rows), pd.Index(products))

    def for_products(self, products: pd.Index[str]) -> Any:
        """The same rows with exactly these product columns, in their order."""
        place = products.get_indexer(self.products)
        kept = np.flatnonzero(place >= 0)
        chosen = self.matrix[:, kept].tocoo()
        shape = (self.matrix.shape[0], len(products))
        return csr_matrix((chosen.data, (chosen.row, place[kept][chosen.col])), shape=shape)


def positions(labels: pd.Series[Any], index: pd.Index[Any]) -> Integers:
    """Where each label stands in `index`; -1 for one that is not there."""
    return np.asarray(index.get_indexer(pd.Index(labels)), dtype=np.int64)
