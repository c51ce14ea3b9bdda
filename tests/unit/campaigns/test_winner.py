"""The rule by which a version wins."""

import pytest

from rapport.campaigns.outcome.winner import choose
from rapport.experiments.samples import Sample, share


@pytest.mark.parametrize(
    ("clicked", "winner", "clear", "said"),
    [
        pytest.param({"a": 300, "b": 400}, "b", True, "clearly above those of a", id="better"),
        pytest.param({"a": 400, "b": 300}, "a", True, "above those of every other version", id="control"),
        pytest.param({"a": 300, "b": 320}, "a", False, "cannot tell yet: about", id="doubtful"),
        pytest.param({"a": 300, "b": 390, "c": 420}, "c", True, "clearly above", id="best-of-two"),
        # Alone b would win; that one of two does by chance is more likely.
        pytest.param({"a": 300, "b": 352, "c": 300}, "a", False, "no version is clearly better", id="shared-error"),
        pytest.param({"a": 2, "b": 30}, "a", False, "no version is clearly better", id="too-few-events"),
        pytest.param({"a": 0, "b": 0}, "a", False, "no version is clearly better", id="nothing-happened"),
    ],
)
def test_a_version_wins_only_beyond_chance(clicked: dict[str, int], winner: str, clear: bool, said: str) -> None:
    found = choose({name: share(10_000, number) for name, number in clicked.items()}, "clicks")
    assert (found.winner, found.clear) == (winner, clear)
    assert said in found.because
    assert all(found.figures[name]["total"] == number for name, number in clicked.items())


def test_the_same_difference_wins_where_nothing_else_is_tried() -> None:
    assert choose({"a": share(10_000, 300), "b": share(10_000, 352)}, "clicks").winner == "b"


def test_a_version_without_people_wins_nothing() -> None:
    found = choose({"a": share(10_000, 300), "b": Sample(0, 0, 0, 0)}, "clicks")
    assert (found.winner, found.clear) == ("a", False)
    assert "nothing to compare" in found.because
