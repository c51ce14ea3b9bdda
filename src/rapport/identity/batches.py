"""Who has to be thought about together: components of what holds profiles together, packed into batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rapport.db import Connection, load_queries
from rapport.identity.arrow import read_table, write_table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SQL = load_queries("rapport.identity", "batches.sql")
BATCH_SIZE = 50_000
"""Profiles whose clusters and ids are held in memory at once; a larger component is a batch of its own."""


@dataclass(frozen=True)
class Components:
    """Connected profiles: Arrow keys, and for each the number of its component."""

    keys: Any
    numbers: NDArray[np.int32]

    def batches(self) -> NDArray[np.int64]:
        """For each key its batch; a component stays whole."""
        import numpy as np

        sizes = np.bincount(self.numbers)
        return ((np.cumsum(sizes) - sizes) // BATCH_SIZE)[self.numbers]

    def groups(self, largest: int) -> Any:
        """`profile_key` and `group_number` of the components that are no larger: a larger one is judged by the pairs
        that its blocks found, for all its pairs would be too many."""
        import numpy as np
        import pyarrow as pa

        chosen = np.flatnonzero(np.bincount(self.numbers)[self.numbers] <= largest)
        return pa.table({"profile_key": self.keys.take(chosen), "group_number": self.numbers[chosen]})


def components(pairs: Any) -> Components:
    """Components of an Arrow table of two columns of keys."""
    import numpy as np
    import pyarrow as pa
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ends = pa.chunked_array([*pairs.column(0).chunks, *pairs.column(1).chunks], pa.string())
    coded = ends.combine_chunks().dictionary_encode()
    places = coded.indices.to_numpy(zero_copy_only=False)
    a, b = places[: len(pairs)], places[len(pairs) :]
    graph = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(len(coded.dictionary),) * 2)
    return Components(coded.dictionary, connected_components(graph, directed=False)[1])


def stage(conn: Connection, accept: float) -> tuple[Components, int]:
    """Stage in `tangled` the touched profiles that somebody has to think about, in batches that have nothing to do with
    one another. Returns the components and the number of batches."""
    import pyarrow as pa

    found = components(read_table(conn, SQL["copy_bonds"], {"accept": accept}))
    numbers = found.batches()
    conn.execute(SQL["stage_tangled"])
    write_table(conn, SQL["copy_tangled"], pa.table({"profile_key": found.keys, "batch": numbers}))
    conn.execute(SQL["key_tangled"])
    conn.execute(SQL["index_tangled"])
    conn.execute(SQL["tangle_loners"], {"batch": int(numbers.max(initial=-1)) + 1, "batch_size": BATCH_SIZE})
    conn.execute(SQL["analyze_tangled"])
    counted = conn.execute(SQL["count_tangled"]).fetchone() or {}
    return found, counted["batches"]
