"""When a rate is too high, and when there is too little to say so."""

import pytest

from rapport.delivery.rates import Figures, Measure, level, wilson_lower


def figures(delivered: int, *, complaints: int = 0, hard: int = 0, blocks: int = 0) -> Figures:
    return Figures(delivered, hard + blocks, complaints, hard, blocks)


@pytest.mark.parametrize(
    ("delivered", "complaints", "reached"),
    [
        (3, 1, None),
        (100, 2, None),
        (100, 3, "stop"),
        (499, 1, None),
        (10_000, 7, None),
        (10_000, 8, "warn"),
        (10_000, 10, "pause"),
        (10_000, 29, "pause"),
        (10_000, 30, "stop"),
        (0, 3, None),
    ],
)
def test_complaints(delivered: int, complaints: int, reached: str | None) -> None:
    assert level("complaints", figures(delivered, complaints=complaints)) == reached


@pytest.mark.parametrize(
    ("delivered", "hard", "reached"),
    [(981, 19, None), (980, 20, "pause"), (950, 50, "stop"), (1, 2, None), (58, 3, None), (7, 3, "stop")],
)
def test_hard_bounces(delivered: int, hard: int, reached: str | None) -> None:
    assert level("hard_bounces", figures(delivered, hard=hard)) == reached


@pytest.mark.parametrize(
    ("delivered", "blocks", "reached"), [(0, 19, None), (0, 20, "pause"), (200, 20, "pause"), (980, 60, None)]
)
def test_blocks(delivered: int, blocks: int, reached: str | None) -> None:
    assert level("blocks", figures(delivered, blocks=blocks)) == reached


@pytest.mark.parametrize("measure", ["complaints", "hard_bounces", "blocks"])
def test_nothing_sent_reaches_nothing(measure: Measure) -> None:
    assert level(measure, figures(0)) is None


def test_the_wilson_bound_is_the_published_one() -> None:
    # 10 of 100, one-sided 95 %: 0.0607 (two-sided 90 %: the same bound).
    assert wilson_lower(10, 100) == pytest.approx(0.0607, abs=5e-4)
    assert wilson_lower(0, 0) == 0.0
    assert wilson_lower(0, 50) == pytest.approx(0.0, abs=1e-12)
