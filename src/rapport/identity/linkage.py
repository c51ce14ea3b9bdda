"""From pairs to people: exact groups first, then average linkage over probable pairs. Pure, no database.

Connected components let one false pair merge two people. Here two groups become one only if their best pair is likely
enough and all pairs across them are so on average (UPGMA: Sokal and Michener 1958); a pair that nobody scored counts 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Pair = tuple[str, str]
NEVER = -1.0


def certain_groups(
    keys: Iterable[str], pairs: Iterable[Pair], apart: Iterable[Pair] = (), marks: Sequence[Mapping[str, str]] = ()
) -> list[list[str]]:
    """Groups joined by `pairs`, taken in the order given, so the best comes first.

    A pair that would bring two profiles of `apart`, or two values of one of the `marks` (profile to value), into one
    group is left out. Each group is sorted, groups are ordered by first key.
    """
    groups = {key: [key] for key in keys}
    root = {key: key for key in groups}
    values = {key: [mark.get(key) for mark in marks] for key in groups}
    enemies: dict[str, set[str]] = {}
    for a, b in apart:
        enemies.setdefault(a, set()).add(b)
        enemies.setdefault(b, set()).add(a)
    for a, b in pairs:
        if a not in root or b not in root or root[a] == root[b]:
            continue
        keep, gone = sorted((root[a], root[b]), key=lambda key: (-len(groups[key]), key))
        if any(x is not None and y is not None and x != y for x, y in zip(values[keep], values[gone], strict=True)):
            continue
        if any(root.get(enemy) == keep for key in groups[gone] for enemy in enemies.get(key, ())):
            continue
        values[keep] = [x if x is not None else y for x, y in zip(values[keep], values[gone], strict=True)]
        for key in groups[gone]:
            root[key] = keep
        groups[keep] += groups.pop(gone)
    return sorted(sorted(group) for group in groups.values())


def average_linkage(
    groups: Sequence[Sequence[str]],
    probabilities: Mapping[Pair, float],
    apart: Iterable[Pair],
    *,
    accept: float,
    mean: float,
) -> list[list[Sequence[str]]]:
    """Clusters of groups. The pair of groups with the highest mean probability merges first, equal ones by position;
    it stops when no two groups have a pair of at least `accept` and a mean of at least `mean`."""
    import numpy as np

    count = len(groups)
    place = {key: number for number, group in enumerate(groups) for key in group}
    total, best = np.zeros((count, count)), np.zeros((count, count))
    for (a, b), probability in probabilities.items():
        i, j = place[a], place[b]
        if i != j:
            total[i, j] += probability
            best[i, j] = max(best[i, j], probability)
            total[j, i], best[j, i] = total[i, j], best[i, j]
    for a, b in apart:
        i, j = place[a], place[b]
        best[i, j] = best[j, i] = NEVER
    sizes = np.array([len(group) for group in groups], dtype=float)
    clusters: dict[int, list[Sequence[str]]] = {number: [group] for number, group in enumerate(groups)}
    while True:
        candidates = np.where(best >= accept, total / np.outer(sizes, sizes), NEVER)
        i, j = divmod(int(candidates.argmax()), count)
        if candidates[i, j] < mean:
            return list(clusters.values())
        clusters[i] += clusters.pop(j)
        _join(total, best, i, j)
        sizes[i] += sizes[j]


def _join(total: NDArray[np.float64], best: NDArray[np.float64], i: int, j: int) -> None:
    """Row and column i become those of both, j none's."""
    import numpy as np

    never = (best[i] < 0) | (best[j] < 0)
    joined = np.where(never, NEVER, np.maximum(best[i], best[j]))
    best[i], best[:, i] = joined, joined
    total[i] += total[j]
    total[:, i] = total[i]
    total[i, i] = best[i, i] = 0
    best[j], best[:, j] = NEVER, NEVER
    total[j], total[:, j] = 0, 0
