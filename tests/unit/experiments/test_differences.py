"""Differences against other people's implementations, and the lot's own check."""

import numpy as np
import pytest
from scipy import stats

from rapport.experiments.differences import adjusted_means, means, mismatch, shares, wilson
from rapport.experiments.samples import Sample, sample, share

RNG = np.random.default_rng(20_081)
SPENT = RNG.lognormal(3, 1.2, 4_000) * (RNG.random(4_000) < 0.3)


def test_the_interval_of_means_is_that_of_welch() -> None:
    treated, control = SPENT[:1_500] * 1.3, SPENT[1_500:]
    ours = means(sample(treated), sample(control))
    theirs = stats.ttest_ind(treated, control, equal_var=False).confidence_interval(0.95)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), rel=1e-9)
    assert ours.estimate == pytest.approx(treated.mean() - control.mean())


def test_few_sums_say_what_all_values_say() -> None:
    made = sample(SPENT, SPENT[::-1])
    assert made.variance == pytest.approx(SPENT.var(ddof=1))
    assert made.covariance == pytest.approx(np.cov(SPENT, SPENT[::-1])[0, 1])
    assert made.events == np.count_nonzero(SPENT)


@pytest.mark.parametrize(
    ("treated", "control", "low", "high"),
    [
        # Newcombe's own examples (a) and (g), method 10.
        pytest.param((56, 70), (48, 80), 0.0524, 0.3339, id="a"),
        pytest.param((10, 10), (0, 10), 0.6075, 1.0, id="g"),
    ],
)
def test_the_interval_of_shares_is_newcombes(
    treated: tuple[int, int], control: tuple[int, int], low: float, high: float
) -> None:
    ours = shares(share(treated[1], treated[0]), share(control[1], control[0]))
    assert (ours.low, ours.high) == pytest.approx((low, high), abs=5e-5)


def test_a_share_of_none_has_an_interval_too() -> None:
    low, high = wilson(share(50, 0))
    assert low == pytest.approx(0)
    assert high == pytest.approx(0.0714, abs=1e-4)


def test_the_past_narrows_the_interval_and_moves_nothing_on_the_whole() -> None:
    errors, plain_widths, widths = [], [], []
    for _ in range(400):
        before = RNG.gamma(2, 10, 2_000)
        after = 0.5 * before + RNG.gamma(2, 10, 2_000)
        after[:1_000] += 2.0
        treated, control = sample(after[:1_000], before[:1_000]), sample(after[1_000:], before[1_000:])
        adjusted, plain = adjusted_means(treated, control), means(treated, control)
        errors.append(adjusted.estimate - 2.0)
        widths.append(adjusted.variance)
        plain_widths.append(plain.variance)
    # Correlation squared is 0.25 / 1.25: so much of the variance goes.
    assert np.mean(widths) / np.mean(plain_widths) == pytest.approx(0.8, abs=0.01)
    assert abs(np.mean(errors)) < 4 * np.std(errors) / 20
    assert np.std(errors) ** 2 == pytest.approx(np.mean(widths), rel=0.25)


def test_a_past_that_nobody_has_changes_nothing() -> None:
    treated, control = sample(SPENT[:2_000]), sample(SPENT[2_000:])
    assert adjusted_means(treated, control) == means(treated, control)


@pytest.mark.parametrize("group", [Sample(0, 0, 0, 0), Sample(1, 5, 25, 1), share(10, 0)], ids=["none", "one", "equal"])
def test_what_cannot_be_known_has_an_endless_interval(group: Sample) -> None:
    found = means(group, share(10, 0))
    assert not found.is_clear
    assert found.high == float("inf")


def test_a_split_that_the_lot_would_not_make_is_noticed() -> None:
    wanted = {"a": 45.0, "b": 45.0, "holdout": 10.0}
    assert mismatch({"a": 4_510, "b": 4_480, "holdout": 1_010}, wanted) > 0.5
    assert mismatch({"a": 4_800, "b": 4_190, "holdout": 1_010}, wanted) < 1e-6
    assert mismatch({"a": 51, "b": 49}, {"a": 50, "b": 50}) == pytest.approx(stats.binomtest(51, 100).pvalue, abs=0.1)
    assert mismatch({"a": 0, "b": 0}, {"a": 50, "b": 50}) == 1.0
    with pytest.raises(ValueError, match="not those of the lot"):
        mismatch({"a": 1}, wanted)
