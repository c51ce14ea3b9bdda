"""Experiments whose truth is known: how often something is found where nothing is, and how often what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import ceil

import numpy as np
from numpy.typing import NDArray

from rapport.experiments.differences import Difference, adjusted_means, means
from rapport.experiments.samples import Sample, sample
from rapport.experiments.sequential import look
from tests.eval.figures import Figure
from tests.eval.scoring_shop import RETAIL, UNTIL, retail

SEED = 20_261
RUNS = 4_000
LOOKS = 20
RATE = 0.04
LIFT = 0.2
# So many people in each group let one look at the end find the lift in 79 % of runs by the normal law, as in the lab's.
PEOPLE = 10_000
NAIVE_ERRORS, SEQUENCE_ERRORS = 0.24, 0.009
FIXED_POWER, SEQUENCE_POWER = 0.785, 0.456
ALLOWED_ERRORS, WANTED_POWER = 0.05, 0.75
# Four standard errors of a share near 5 % among RUNS.
LUCK = 4 * (0.05 * 0.95 / RUNS) ** 0.5

Sums = NDArray[np.float64]
Look = Callable[[Sample, Sample, bool], Difference]


def peeking() -> Iterator[Figure]:
    """A rate, looked at after every twentieth of the people."""
    rng = np.random.default_rng(SEED)
    print(
        f"{RUNS:,} runs, {PEOPLE:,} people a group, {RATE:.0%} of whom order, {LOOKS} looks, an effect of +{LIFT:.0%}"
    )
    nothing, there = _orders(rng, RATE), _orders(rng, RATE * (1 + LIFT))
    errors = _found(nothing, _sequential)
    power = _found(there, _sequential)
    yield Figure("A/A found, ordinary intervals at 20 looks", _found(nothing, _ordinary), "the same, lab", NAIVE_ERRORS)
    yield Figure("A/A found, our looks at 20 looks", errors, "allowed", ALLOWED_ERRORS, errors <= ALLOWED_ERRORS + LUCK)
    yield Figure("A/A found, our looks at 20 looks", errors, "mSPRT, lab", SEQUENCE_ERRORS)
    at_once = _found(nothing, _sequential, from_the_start=True)
    name = "A/A found, all people from the start, orders come in"
    yield Figure(name, at_once, "allowed", ALLOWED_ERRORS, at_once <= ALLOWED_ERRORS + LUCK)
    yield Figure("+20 % found, our looks at 20 looks", power, "wanted", WANTED_POWER, power >= WANTED_POWER)
    yield Figure("+20 % found, our looks at 20 looks", power, "mSPRT, lab", SEQUENCE_POWER, power > SEQUENCE_POWER)
    one = _found(there, lambda b, a, ended: means(b, a) if ended else _endless())
    yield Figure("+20 % found, one look at the end", one, "the same, lab", FIXED_POWER)
    early = _found(there, lambda b, a, ended: _endless() if ended else look(b, a, ended=False))
    yield Figure("+20 % found before the end", early, "mSPRT, lab", SEQUENCE_POWER)


def heavy_tails() -> Iterator[Figure]:
    """Money of which one order in a hundred is fifteen times the middle one."""
    rng = np.random.default_rng(SEED)
    sums = _money(rng, 1_000)
    errors = _found(sums, _sequential)
    print(f"money: 1,000 runs, {PEOPLE:,} people a group, log-normal orders with sigma 1.2")
    yield Figure("A/A in money found, 20 looks", errors, "allowed", ALLOWED_ERRORS, errors <= ALLOWED_ERRORS + 2 * LUCK)


def cuped() -> Iterator[Figure]:
    """What a real shop's past takes out of the variance: half a year before a day, and three months after it."""
    import pandas as pd

    if not RETAIL.is_file():
        print(f"skipped: the real shop's data is not here ({RETAIL.name}; set RAPPORT_SHARED_DATA)")
        return
    lines = retail().dropna(subset=["customer_id"])
    cut = UNTIL - pd.Timedelta(days=90)
    is_after = lines["day"] > cut
    is_before = ~is_after & (lines["day"] > cut - pd.Timedelta(days=180))
    known = lines.loc[~is_after, "customer_id"].unique()
    past, after = (
        lines[side].groupby("customer_id")["revenue"].sum().reindex(known, fill_value=0.0)
        for side in (is_before, is_after)
    )
    # The few wholesale buyers would decide alone; results cap a person's money in the same way.
    past, after = past.clip(0, past.quantile(0.99)), after.clip(0, after.quantile(0.99))
    lot = np.random.default_rng(SEED).random(len(known)) < 0.5
    groups = [sample(after[side].to_numpy(), past[side].to_numpy()) for side in (lot, ~lot)]
    kept = adjusted_means(groups[0], groups[1]).variance / means(groups[0], groups[1]).variance
    print(f"CUPED on {len(known):,} customers of the real shop, 99 % caps")
    yield Figure("variance taken out by the past", 1 - kept, "at least, of 10 to 30 %", 0.1, kept <= 0.9)


def _sequential(treated: Sample, control: Sample, ended: bool) -> Difference:
    return look(treated, control, ended=ended)


def _ordinary(treated: Sample, control: Sample, ended: bool) -> Difference:
    return means(treated, control)


def _endless() -> Difference:
    return Difference(0.0, float("-inf"), float("inf"), float("nan"))


def _orders(rng: np.random.Generator, rate: float) -> Sums:
    """Sum, squares and events by run, look and group: control first."""
    steps = rng.binomial(PEOPLE // LOOKS, [RATE, rate], size=(RUNS, LOOKS, 2)).cumsum(axis=1).astype(float)
    return np.stack([steps, steps, steps], axis=-1)


def _money(rng: np.random.Generator, runs: int) -> Sums:
    batch = ceil(PEOPLE / LOOKS)
    made = np.empty((runs, LOOKS, 2, 3))
    for run in range(runs):
        spent = rng.lognormal(3.5, 1.2, (LOOKS, 2, batch)) * (rng.random((LOOKS, 2, batch)) < RATE)
        made[run] = np.stack([spent.sum(-1), (spent**2).sum(-1), (spent > 0).sum(-1)], axis=-1).cumsum(axis=0)
    return made


def _found(sums: Sums, judge: Look, *, from_the_start: bool = False) -> float:
    """Share of runs in which some look found a difference. Either people come in between looks, or what they do."""
    return float(np.mean([_some_look_finds(run, judge, from_the_start) for run in sums]))


def _some_look_finds(run: Sums, judge: Look, from_the_start: bool) -> bool:
    for number, groups in enumerate(run, 1):
        people = PEOPLE if from_the_start else number * PEOPLE // LOOKS
        control, treated = (Sample(people, total, squares, int(events)) for total, squares, events in groups)
        if judge(treated, control, number == LOOKS).is_clear:
            return True
    return False
