"""Connected components of profiles: pure, and the same for any order of the edges."""

from collections.abc import Iterable, Sequence


def connected_components(keys: Iterable[str], edges: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Groups of keys joined by edges, each sorted, ordered by first key. Edges to unknown keys are left out."""
    parent = {key: key for key in keys}

    def root(key: str) -> str:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for a, b in edges:
        if a in parent and b in parent:
            low, high = sorted((root(a), root(b)))
            parent[high] = low
    groups: dict[str, list[str]] = {}
    for key in sorted(parent):
        groups.setdefault(root(key), []).append(key)
    return sorted(groups.values())


def joining_rules(edges: Sequence[tuple[str, str, str]]) -> dict[str, list[tuple[str, str]]]:
    """Profile key -> its (other profile, rule) pairs, sorted, so that a change can say what it rests on."""
    found: dict[str, list[tuple[str, str]]] = {}
    for a, b, rule in edges:
        found.setdefault(a, []).append((b, rule))
        found.setdefault(b, []).append((a, rule))
    for pairs in found.values():
        pairs.sort()
    return found
