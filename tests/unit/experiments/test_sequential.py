"""Peeking finds nothing where nothing is, and the stated end still finds what is there."""

import numpy as np
import pytest
from scipy import stats

from rapport.experiments import sequential
from rapport.experiments.differences import means
from rapport.experiments.samples import sample, share
from rapport.experiments.sequential import EARLY, LEAST_EVENTS, TUNED_FOR_EVENTS, look
from rapport.experiments.sizes import people_needed, people_still_needed


def errors_of_peeking(rng: np.random.Generator, runs: int, looks: int, ended: bool) -> float:
    """Share of experiments without an effect in which some look found one."""
    found = 0
    for _ in range(runs):
        counts = rng.binomial(500, 0.05, size=(looks, 2)).cumsum(axis=0)
        found += any(
            look(share(500 * n, int(b)), share(500 * n, int(a)), ended=ended and n == looks).is_clear
            for n, (a, b) in enumerate(counts, 1)
        )
    return found / runs


def test_looking_often_errs_no_more_often_than_allowed() -> None:
    # Twenty looks and the end: 5 % allowed, and three standard errors of 1,500 runs are 1.7 points.
    assert errors_of_peeking(np.random.default_rng(7), 1_500, 20, ended=True) < 0.05 + 0.017


def test_the_same_looks_with_ordinary_intervals_err_far_more_often() -> None:
    rng = np.random.default_rng(7)
    found = 0
    for _ in range(500):
        counts = rng.binomial(500, 0.05, size=(20, 2)).cumsum(axis=0)
        found += any(
            means(share(500 * n, int(b)), share(500 * n, int(a))).is_clear for n, (a, b) in enumerate(counts, 1)
        )
    assert found / 500 > 0.15


def test_the_sequence_is_narrowest_where_it_is_tuned(monkeypatch: pytest.MonkeyPatch) -> None:
    def errors_wide(tuned: int) -> float:
        monkeypatch.setattr(sequential, "TUNED_FOR_EVENTS", tuned)
        half = TUNED_FOR_EVENTS // 2
        found = look(share(100_000, half), share(100_000, half), ended=False)
        return float((found.high - found.estimate) / found.variance**0.5)

    widths = {tuned: errors_wide(tuned) for tuned in (100, 300, 800, TUNED_FOR_EVENTS, 1_250, 3_000, 10_000)}
    assert min(widths, key=widths.__getitem__) in (800, TUNED_FOR_EVENTS, 1_250)
    # Never narrower than one look with the same chance of error.
    assert widths[TUNED_FOR_EVENTS] > stats.norm.ppf(1 - EARLY / 2)


def test_the_end_is_narrower_than_a_look_before_it() -> None:
    treated, control = share(10_000, 480), share(10_000, 400)
    early, final = look(treated, control, ended=False), look(treated, control, ended=True)
    assert not early.is_clear
    assert final.is_clear
    assert early.low < final.low < final.estimate == early.estimate


def test_several_variants_share_the_allowed_error() -> None:
    treated, control = share(10_000, 460), share(10_000, 400)
    one, three = (look(treated, control, ended=True, comparisons=number) for number in (1, 3))
    assert one.is_clear
    assert not three.is_clear


def test_the_past_is_allowed_for_in_every_look() -> None:
    rng = np.random.default_rng(3)
    before = rng.gamma(2, 10, 2_000)
    after = before + rng.normal(0, 1, 2_000)
    treated, control = sample(after[:1_000] + 0.5, before[:1_000]), sample(after[1_000:], before[1_000:])
    assert look(treated, control, ended=True).is_clear
    assert look(treated, control, ended=False).is_clear
    plain, seen = means(treated, control), look(treated, control, ended=True)
    assert seen.high - seen.low < (plain.high - plain.low) / 5


def test_a_handful_of_events_says_nothing() -> None:
    few = look(share(10_000, LEAST_EVENTS - 1), share(10_000, 0), ended=True)
    assert not few.is_clear
    assert look(share(10_000, LEAST_EVENTS), share(10_000, 0), ended=True).is_clear


@pytest.mark.parametrize(("rate", "lift"), [(0.04, 0.2), (0.1, 0.1)])
def test_the_number_of_people_finds_the_effect_as_often_as_promised(rate: float, lift: float) -> None:
    other = rate * (1 + lift)
    n = people_needed(rate * lift, other * (1 - other), rate * (1 - rate))
    rng = np.random.default_rng(11)
    counts = rng.binomial(n, [rate, other], size=(2_000, 2))
    found = np.mean([look(share(n, int(b)), share(n, int(a)), ended=True).is_clear for a, b in counts])
    assert found == pytest.approx(0.8, abs=0.03)


def test_how_many_more_people_leads_to_that_number() -> None:
    treated, control = share(1_000, 48), share(1_000, 40)
    more = people_still_needed(means(treated, control), 2_000)
    assert more is not None
    whole = people_needed(0.008, treated.variance, control.variance)
    assert more == pytest.approx(2 * whole - 2_000, rel=0.001)
    assert people_still_needed(means(share(50_000, 4_800), share(50_000, 4_000)), 100_000) == 0
    assert people_still_needed(means(control, control), 2_000) is None, "no number finds a difference of nought"
    assert people_still_needed(means(share(100, 0), share(100, 0)), 200) is None
    with pytest.raises(ValueError, match="nought"):
        people_needed(0, 1, 1)
