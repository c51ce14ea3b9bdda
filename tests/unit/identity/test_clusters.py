"""Clusters depend on which edges there are, not on their order."""

from hypothesis import given
from hypothesis import strategies as st

from rapport.identity.clusters import connected_components

KEYS = [f"p{number}" for number in range(8)]
EDGES = st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(KEYS)), max_size=12)


def test_edges_chain_profiles_into_one_cluster() -> None:
    assert connected_components("abcd", [("a", "b"), ("c", "b")]) == [["a", "b", "c"], ["d"]]


def test_an_edge_to_a_profile_that_is_gone_is_left_out() -> None:
    assert connected_components("ab", [("a", "x"), ("x", "b")]) == [["a"], ["b"]]


@given(edges=EDGES, data=st.data())
def test_order_and_direction_of_edges_do_not_matter(edges: list[tuple[str, str]], data: st.DataObject) -> None:
    shuffled = [(b, a) for a, b in data.draw(st.permutations(edges))]
    clusters = connected_components(KEYS, edges)
    assert connected_components(reversed(KEYS), shuffled) == clusters
    assert sorted(key for cluster in clusters for key in cluster) == KEYS
