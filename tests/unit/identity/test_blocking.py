"""Which pairs are compared: what is too common makes none, and however many there are, their number stays bounded."""

from typing import Any

import pyarrow as pa
import pytest

from rapport.identity import blocking
from rapport.identity.blocking import PEOPLE, Records
from rapport.identity.rules import Likeness, load_rules


def people(*rows: dict[str, str]) -> pa.Table:
    """Keys are p0000, p0001 and so on; the same order as the numbers that pairs are made of."""
    given = [dict.fromkeys(PEOPLE) | row | {"profile_key": f"p{number:04}"} for number, row in enumerate(rows)]
    return pa.Table.from_pylist(given, pa.schema([(name, pa.string()) for name in ("profile_key", *PEOPLE)]))


def rules(**changes: Any) -> Likeness:
    return load_rules().likeness.model_copy(update=changes)


def pairs(records: Records) -> list[tuple[int, int]]:
    """Numbered from 1, each as often as it would be compared."""
    return sorted(
        pair for _ in records.parts() for pair in records.run("select join_key_l, join_key_r from pairs")
    )  # fmt: skip


TWINS = [{"first_name": f"Ada{n}", "last_name": f"Lovelace{n}", "email": f"ada{n}@example.com"} for n in range(20)]
GUEST = {"first_name": "A", "last_name": "Person", "address": "1 Row", "zip": "Z1", "city": "City"}


def test_two_records_that_share_several_blocks_are_compared_once() -> None:
    assert pairs(
        Records(people(TWINS[0], TWINS[1], TWINS[0]), rules(blocks={"last": "last_name", "email": "email"}))
    ) == [(1, 3)]


def test_a_placeholder_of_thousands_makes_no_pairs_and_is_counted_as_left_out() -> None:
    records = Records(people(*TWINS, *TWINS, *[GUEST] * 5000), rules())
    assert {(a, b) for a, b in pairs(records) if a <= 20} >= {(n, n + 20) for n in range(1, 21)}
    assert not [pair for pair in pairs(records) if max(pair) > 40]
    assert records.bounds.left_out["names"] == {"values": 1, "profiles": 5000}
    assert records.bounds.block_limit == 80


def test_of_too_many_pairs_those_of_the_largest_blocks_are_left_out() -> None:
    crowd = [{"last_name": f"Large{n % 2}"} for n in range(40)] + [{"last_name": f"Small{n % 10}"} for n in range(20)]
    by_name = {"blocks": {"last": "last_name"}}
    assert Records(people(*crowd), rules(**by_name)).pairs == 2 * 190 + 10
    records = Records(people(*crowd), rules(**by_name, max_pairs=100))
    assert records.pairs == len(pairs(records)) == 10
    assert 2 <= records.bounds.block_limit < 20
    assert records.bounds.left_out == {"last": {"values": 2, "profiles": 40}}


def test_bounds_given_hold_whatever_the_records_say() -> None:
    bounds = blocking.Bounds(2, {})
    records = Records(people(*[TWINS[0]] * 3, *[TWINS[1]] * 2), rules(), bounds)
    assert pairs(records) == [(4, 5)]


def test_only_pairs_in_which_a_changed_profile_stands_are_made() -> None:
    changed = pa.table({"profile_key": ["p0021"]})
    records = Records(people(*TWINS, *TWINS), rules(blocks={"last": "last_name"}), changed=changed)
    assert pairs(records) == [(2, 22)]


def test_parts_hold_each_pair_once(monkeypatch: pytest.MonkeyPatch) -> None:
    family = [{"last_name": "Lovelace"}] * 12
    whole = pairs(Records(people(*family), rules()))
    monkeypatch.setattr(blocking, "PAIRS_AT_ONCE", 7)
    records = Records(people(*family), rules())
    assert sum(records.parts()) == pytest.approx(1)
    assert pairs(records) == whole
    assert len(whole) == 66


def test_lessons_are_bounded_and_leave_out_what_is_common() -> None:
    crowd = people(*TWINS, *TWINS, *[GUEST] * 300)
    records = Records(crowd, rules(train_on=[["first_name", "last_name"], ["email"]]))
    assert len(records.lessons()) == 2
    assert records.run("select count(*) from taught") == [(40,)]
    records = Records(crowd, rules(train_on=[["first_name", "last_name"]], train_pairs=5))
    records.lessons()
    assert records.run("select count(*) from taught") == [(10,)]


def test_a_lesson_in_which_nobody_agrees_is_none() -> None:
    rows = [row | {"zip": f"{number}"} for number, row in enumerate([*TWINS, *TWINS])]
    records = Records(people(*rows), rules(train_on=[["zip"], ["email"]]))
    assert records.lessons() == ["l.email = r.email and l.lesson_1 = r.lesson_1"]


def test_within_a_group_all_pairs_are_made_whether_they_share_a_block_or_not() -> None:
    records = Records(people({"last_name": "a"}, {"first_name": "b"}, {"city": "c"}, {"zip": "d"}), rules())
    groups = pa.table({"profile_key": ["p0000", "p0001", "p0003"], "group_number": [0, 0, 0]})
    found = [
        pair for _ in records.parts_within(groups) for pair in records.run("select * exclude match_key from pairs")
    ]
    assert sorted(found) == [(1, 2), (1, 4), (2, 4)]
