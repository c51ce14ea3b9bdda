"""Numbers the lines of each order in the order of the file, across batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

Int64s = np.ndarray[Any, np.dtype[np.int64]]


class Ordinals:
    """Remembers how many lines of each order have passed: 12 bytes an order.

    Orders are told apart by 64-bit hashes. Two that collide leave a gap in the numbers of one, never a double.
    """

    def __init__(self) -> None:
        self._hashes: Int64s = np.empty(0, dtype=np.int64)
        self._counts: np.ndarray[Any, np.dtype[np.int32]] = np.empty(0, dtype=np.int32)

    def number(self, keys: pa.Array) -> pa.Array:
        """1, 2, 3 ... within each key, going on from earlier batches; null keys get null."""
        coded = keys.dictionary_encode()
        known = coded.dictionary.to_pylist()
        codes = coded.indices.fill_null(len(known)).to_numpy(zero_copy_only=False).astype(np.int64)
        order = np.argsort(codes, kind="stable")
        ordered = codes[order]
        counts = np.bincount(codes, minlength=len(known) + 1)
        starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
        within = np.empty(len(codes), dtype=np.int64)
        within[order] = np.arange(len(codes)) - starts[ordered]
        before = self._count(known, counts[: len(known)])
        numbers = within + 1 + np.append(before, 0)[codes]
        return pa.array(numbers.astype(np.int32), mask=codes == len(known))

    def _count(self, keys: list[str], counts: Int64s) -> Int64s:
        """How often each key came before; and remembers the new counts."""
        hashes = np.fromiter(map(hash, keys), dtype=np.int64, count=len(keys))
        at = np.searchsorted(self._hashes, hashes)
        inside = at < len(self._hashes)
        seen = np.zeros(len(hashes), dtype=bool)
        seen[inside] = self._hashes[at[inside]] == hashes[inside]
        before = np.zeros(len(hashes), dtype=np.int64)
        before[seen] = self._counts[at[seen]]
        np.add.at(self._counts, at[seen], counts[seen].astype(np.int32))
        new, where = np.unique(hashes[~seen], return_index=True)
        fresh = counts[~seen][where].astype(np.int32)
        place = np.searchsorted(self._hashes, new)
        self._hashes = np.insert(self._hashes, place, new)
        self._counts = np.insert(self._counts, place, fresh)
        return before
