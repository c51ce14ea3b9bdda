"""Customer ids: given once, kept through rebuilds, merges and splits."""

from datetime import UTC, datetime, timedelta

import pytest

from rapport.identity.assign import Assignment, KnownId, assign

START = datetime(2026, 1, 1, tzinfo=UTC)


class World:
    """Runs `assign` again and again and keeps what a database would keep."""

    def __init__(self, *first_seen: str) -> None:
        self.first_seen = {key: START + timedelta(days=day) for day, key in enumerate(first_seen)}
        self.members: dict[str, str] = {}
        self.known: dict[str, KnownId] = {}
        self.runs = 0

    def run(self, *clusters: str, rules: dict[str, list[tuple[str, str]]] | None = None) -> Assignment:
        self.runs += 1
        groups = sorted(sorted(cluster.split()) for cluster in clusters)
        result = assign(groups, self.first_seen, self.members, self.known, rules or {})
        for customer_id, founder in result.created.items():
            self.known.setdefault(customer_id, KnownId(customer_id, founder, START + timedelta(days=100 * self.runs)))
        for loser, survivor in result.merged.items():
            old = self.known[loser]
            self.known[loser] = KnownId(loser, old.founded_by, old.created_at, survivor)
        self.members = result.members
        return result


def kinds(result: Assignment) -> list[str]:
    return [change.kind for change in result.changes]


def test_a_second_run_on_the_same_state_changes_nothing() -> None:
    world = World("a", "b", "c")
    first = world.run("a b", "c")
    second = world.run("a b", "c")
    assert second.members == first.members
    assert not second.changes
    assert kinds(first) == ["create", "create"]


def test_two_warehouses_built_from_one_state_agree() -> None:
    assert World("a", "b").run("a b").members == World("a", "b").run("a b").members


def test_the_earliest_profile_founds_the_customer() -> None:
    world = World("late", "early")
    world.first_seen = {"late": START + timedelta(days=1), "early": START}
    result = world.run("early late")
    assert list(result.created.values()) == ["early"]


def test_a_new_profile_joins_without_changing_the_id() -> None:
    world = World("a", "b")
    first = world.run("a")
    second = world.run("a b", rules={"b": [("a", "same_email")]})
    assert second.members == {"a": first.members["a"], "b": first.members["a"]}
    assert [(c.kind, c.profile_key, c.rule) for c in second.changes] == [("join", "b", "same_email")]


def test_of_two_merged_customers_the_older_id_lives_on() -> None:
    world = World("new", "old")
    old = world.run("old").members["old"]
    new = world.run("old", "new").members["new"]
    merged = world.run("new old", rules={"new": [("old", "same_email")], "old": [("new", "same_email")]})
    assert set(merged.members.values()) == {old}
    assert merged.merged == {new: old}
    (change,) = merged.changes
    assert (change.kind, change.customer_id, change.other_customer_id, change.rule) == ("merge", old, new, "same_email")


def test_a_split_leaves_the_id_with_the_founder_and_is_logged() -> None:
    world = World("a", "b", "c")
    before = world.run("a b c").members["a"]
    after = world.run("a", "b c")
    assert after.members["a"] == before
    assert after.members["b"] == after.members["c"] != before
    assert [(c.kind, c.customer_id, c.other_customer_id) for c in after.changes] == [
        ("split", before, after.members["b"])
    ]


def test_when_the_founder_is_gone_the_larger_part_keeps_the_id() -> None:
    world = World("a", "b", "c", "d")
    before = world.run("a b c d").members["a"]
    after = world.run("b", "c d")
    assert after.members["c"] == before
    assert after.members["b"] != before


def test_an_id_that_was_merged_away_is_never_given_again() -> None:
    world = World("a", "b")
    first = world.run("a", "b")
    gone = first.members["b"]
    world.run("a b")
    apart = world.run("a", "b")
    assert apart.members["a"] == first.members["a"]
    assert apart.members["b"] not in first.members.values()
    assert world.known[gone].merged_into == first.members["a"]


def test_a_customer_whose_profiles_vanish_is_retired_and_comes_back_under_the_same_id() -> None:
    world = World("a", "b")
    first = world.run("a", "b")
    gone = world.run("a")
    assert kinds(gone) == ["retire"]
    assert world.run("a", "b").members == first.members


@pytest.mark.parametrize("apart", [True, False])
def test_every_profile_has_exactly_one_customer(apart: bool) -> None:
    world = World("a", "b", "c")
    world.run("a b", "c")
    result = world.run("a", "b c") if apart else world.run("a b c")
    assert sorted(result.members) == ["a", "b", "c"]
