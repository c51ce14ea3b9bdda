"""What is said of a comparison: who is better, that it is not known yet, or that the lot is broken."""

from datetime import UTC, datetime
from typing import Any

import pytest

from rapport.campaigns.outcome.results import Results, compare, split
from rapport.campaigns.outcome.results_text import more, versions, warnings

AT = datetime(2027, 3, 1, 6, tzinfo=UTC)
LOT = {
    "holdout_percent": 10,
    "experiment": {"variants": {"a": {"share": 50}, "b": {"share": 50}}, "winner": {"test_percent": 40}},
}


def arm(name: str, people: int, clicked: int = 0, revenue: float = 0.0, **more: Any) -> dict[str, Any]:
    return {
        "arm": name,
        "is_in_test": True,
        "people_count": people,
        "clicked_count": clicked,
        "buyers_count": clicked,
        "capped_revenue": revenue,
        "capped_squares": revenue * 20,
        "before_revenue": None,
        "before_squares": None,
        "before_products": None,
        **more,
    }


def results(arms: list[dict[str, Any]], *, is_complete: bool = True, mismatch: float | None = None) -> Results:
    found = compare(arms, ended=is_complete)
    planned = [{"planned": row["people_count"]} for row in arms]
    return Results("spring", "k", "words", "GBP", AT, AT, AT, is_complete, planned, [], found, mismatch)


CLEAR = [arm("a", 10_000, 300, 3_000.0), arm("b", 10_000, 400, 3_100.0)]


def test_the_better_version_is_named_and_a_doubtful_one_is_not() -> None:
    clicks, revenue = versions(results(CLEAR))
    assert clicks.startswith("b against a, clicks: +1.00 points [0.4")
    assert clicks.endswith("]: b is better")
    assert "+0.01 GBP a person" in revenue
    assert "cannot tell yet: about " in revenue
    worse, _ = versions(results([arm("a", 10_000, 400, 1.0), arm("b", 10_000, 300, 1.0)]))
    assert worse.endswith("]: a is better")


def test_before_the_end_the_same_figures_are_not_enough() -> None:
    arms = [arm("a", 10_000, 300), arm("b", 10_000, 360)]
    at_the_end, _ = versions(results(arms))
    clicks, _ = versions(results(arms, is_complete=False))
    assert at_the_end.endswith("b is better")
    assert clicks.startswith("b against a, clicks: +0.60 points [-0.")
    assert "cannot tell yet" in clicks


def test_who_waited_for_the_winner_and_who_was_held_out_are_not_compared() -> None:
    extra = [arm("b", 50_000, 9_000, is_in_test=False), arm("holdout", 5_000)]
    assert compare(CLEAR + extra, ended=True) == compare(CLEAR, ended=True)
    assert compare(CLEAR[1:], ended=True) == []


def test_the_split_is_held_against_the_shares_that_were_stated() -> None:
    whole = [arm("holdout", 1_000), arm("a", 1_800), arm("b", 1_800), arm("b", 5_400, is_in_test=False)]
    assert split(whole, LOT) == pytest.approx(1)
    assert split([*whole, arm("global_holdout", 700)], LOT) == pytest.approx(1)
    skewed = split([*whole[:2], arm("b", 1_500), whole[3]], LOT)
    assert skewed is not None
    assert skewed < 0.001
    (said,) = warnings(results(CLEAR, mismatch=skewed))
    assert "Do not believe these comparisons" in said
    assert not list(warnings(results(CLEAR, mismatch=0.4)))
    assert split([*whole, arm("c", 5)], LOT) is None, "the lot drew nobody for it"


@pytest.mark.parametrize(
    ("people", "said"),
    [
        pytest.param(None, "cannot tell yet", id="nothing-known"),
        pytest.param(38_412, "about 40,000 more people", id="some"),
        pytest.param(3, "about 100 more people", id="few"),
        pytest.param(5_000_000, "take them as equal", id="too-many"),
    ],
)
def test_how_many_more_people_is_said_in_round_numbers(people: int | None, said: str) -> None:
    assert said in more(people, 20_000)
