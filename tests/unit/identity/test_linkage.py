"""Exact groups and average linkage: what one false pair can no longer do."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from rapport.identity.linkage import average_linkage, certain_groups

KEYS = [f"p{number}" for number in range(7)]
PAIRS = list(combinations(KEYS, 2))
PROBABILITIES = st.dictionaries(st.sampled_from(PAIRS), st.floats(0, 1), max_size=21)


def link(probabilities: dict[tuple[str, str], float], apart: tuple[tuple[str, str], ...] = ()) -> list[str]:
    keys = sorted({key for pair in probabilities for key in pair})
    found = average_linkage([[key] for key in keys], probabilities, apart, accept=0.7, mean=0.3)
    return sorted(" ".join(sorted(key for group in cluster for key in group)) for cluster in found)


def within(text: str, probability: float = 0.95) -> dict[tuple[str, str], float]:
    return dict.fromkeys(combinations(text.split(), 2), probability)


def test_one_false_pair_does_not_merge_two_people() -> None:
    assert link(within("a1 a2 a3") | within("b1 b2 b3") | {("a3", "b1"): 0.9}) == ["a1 a2 a3", "b1 b2 b3"]


def test_a_record_that_only_some_recognise_still_joins() -> None:
    assert link(within("a b c") | {("a", "d"): 0.9, ("b", "d"): 0.4}) == ["a b c d"]


def test_a_pair_below_accept_joins_nobody() -> None:
    assert link({("a", "b"): 0.69}) == ["a", "b"]


def test_two_that_a_person_keeps_apart_never_meet_through_others() -> None:
    assert link(within("a b c"), apart=(("a", "c"),)) == ["a b", "c"]


def test_certain_pairs_leave_out_what_would_unite_a_conflict() -> None:
    pairs = [("a", "b"), ("b", "c"), ("c", "d")]
    assert certain_groups("abcd", pairs) == [["a", "b", "c", "d"]]
    assert certain_groups("abcd", pairs, apart=[("a", "c")]) == [["a", "b"], ["c", "d"]]
    assert certain_groups("abcd", pairs, marks=[{"a": "1950", "d": "1980"}]) == [["a", "b", "c"], ["d"]]


@given(probabilities=PROBABILITIES, data=st.data())
def test_every_profile_is_in_one_cluster_and_nobody_apart_is_together(
    probabilities: dict[tuple[str, str], float], data: st.DataObject
) -> None:
    apart = data.draw(st.lists(st.sampled_from(PAIRS), max_size=5))
    found = average_linkage([[key] for key in KEYS], probabilities, apart, accept=0.7, mean=0.3)
    clusters = [{key for group in cluster for key in group} for cluster in found]
    assert sorted(key for cluster in clusters for key in cluster) == KEYS
    assert not any({a, b} <= cluster for a, b in apart for cluster in clusters)
    for cluster in clusters:
        if len(cluster) > 1:
            inside = [probabilities.get(pair, 0) for pair in PAIRS if set(pair) <= cluster]
            assert max(inside) >= 0.7
