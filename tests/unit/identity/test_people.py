"""People out of edges: how sure each membership is, and what a component of thousands does."""

from datetime import UTC, datetime
from itertools import pairwise

from rapport.identity import people
from rapport.identity.people import LIKENESS, Decision, Edge, Profile, find_people
from rapport.identity.rules import load_rules

RULES = load_rules()
START = datetime(2026, 1, 1, tzinfo=UTC)


def profiles(*keys: str, rank: int = 1, has_email: bool = True) -> dict[str, Profile]:
    return {key: Profile(key, START, rank, has_email) for key in keys}


def likely(a: str, b: str, probability: float = 0.95) -> Edge:
    return Edge(a, b, LIKENESS, False, probability)


def certain(a: str, b: str) -> Edge:
    return Edge(a, b, "same_email", True, 1.0)


def test_the_part_with_the_most_trusted_record_is_what_mail_may_use() -> None:
    known = profiles("a", "b") | profiles("c", rank=4)
    (person,) = find_people(known, [certain("a", "b"), likely("a", "c"), likely("b", "c")], [], RULES)
    assert {key: how.confidence for key, how in person.memberships.items()} == {
        "a": "certain", "b": "certain", "c": "probable",
    }  # fmt: skip
    assert person.memberships["a"].certain_key == person.memberships["b"].certain_key


def test_a_record_that_cannot_be_written_to_never_is_that_part() -> None:
    known = profiles("a", rank=1, has_email=False) | profiles("b", rank=4)
    (person,) = find_people(known, [likely("a", "b")], [], RULES)
    assert person.memberships["b"].confidence == "certain"
    assert person.memberships["a"].confidence == "probable"


def test_a_persons_word_makes_certain_and_stands_before_exact_rules() -> None:
    known = profiles("a", "b", "c")
    found = find_people(known, [certain("a", "b")], [Decision("a", "b", False), Decision("b", "c", True)], RULES)
    assert [person.keys for person in found] == [["a"], ["b", "c"]]
    assert {how.confidence for how in found[1].memberships.values()} == {"certain"}


def test_likeness_never_turns_what_is_certain_into_probable() -> None:
    (person,) = find_people(profiles("a", "b"), [certain("a", "b"), likely("a", "b", 0.72)], [], RULES)
    assert {how.confidence for how in person.memberships.values()} == {"certain"}


def test_a_component_of_thousands_falls_apart_under_a_stricter_rule() -> None:
    keys = [f"p{number:04}" for number in range(people.LARGEST + 200)]
    chain = [likely(a, b, 0.75 if number % 2 else 0.999) for number, (a, b) in enumerate(pairwise(keys))]
    found = find_people(profiles(*keys), chain, [], RULES)
    assert {len(person.keys) for person in found} == {2}
