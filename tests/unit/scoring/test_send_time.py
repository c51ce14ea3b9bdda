"""Send hours on simulated people whose true hours are known."""

import numpy as np
import pandas as pd
import pytest

from rapport.errors import DataError
from rapport.scoring import send_time_quality
from rapport.scoring.send_time import HOURS, SendTime, count_hours, explore
from tests.eval.people import People, simulate


@pytest.fixture(scope="module")
def people() -> People:
    return simulate(3_000, seed=4)


@pytest.fixture(scope="module")
def fitted(people: People) -> SendTime:
    return SendTime().fit(people.counts)


def test_the_gain_is_close_to_what_the_truth_allows(people: People, fitted: SendTime) -> None:
    best = people.gain(people.bayes_hours())
    assert people.gain(fitted.hours(people.counts).argmax(axis=1)) >= 0.98 * best


def test_people_with_few_events_fare_no_worse_than_with_the_best_fixed_hour(people: People, fitted: SendTime) -> None:
    hours = fitted.predict(people.counts)["best_send_hour"].to_numpy()
    for events in range(4):
        few = people.counts.sum(axis=1) == events
        assert few.sum() > 50
        assert people.gain(hours, few) >= -1e-9


def test_a_mixture_is_better_than_one_profile_and_than_peoples_own_counts(people: People, fitted: SendTime) -> None:
    mixture = people.gain(fitted.hours(people.counts).argmax(axis=1))
    single = people.gain(SendTime(1).fit(people.counts).hours(people.counts).argmax(axis=1))
    assert mixture > single > people.gain(people.own_mode())


def test_nobodys_events_give_the_profile_of_all(fitted: SendTime) -> None:
    nobody = np.zeros((2, HOURS))
    hours = fitted.hours(nobody)
    assert hours.sum(axis=1) == pytest.approx(1.0)
    assert hours[0] == pytest.approx(fitted.shares @ (fitted.alphas / fitted.alphas.sum(axis=1, keepdims=True)))


def test_many_events_overrule_every_profile(fitted: SendTime) -> None:
    night = np.zeros((1, HOURS))
    night[0, 3] = 500.0
    table = fitted.predict(night)
    assert table["best_send_hour"].tolist() == [3]
    assert table["send_hour_confidence"].iloc[0] > 0.999


def test_confidence_is_the_chance_to_be_right(people: People, fitted: SendTime) -> None:
    """Among people of whom it says 80 %, about 80 % have a best hour that is truly better than the fixed one."""
    table = fitted.predict(people.counts)
    best, rows = table["best_send_hour"].to_numpy(), np.arange(len(table))
    personal = best != fitted.best_fixed_hour
    right = people.truth[rows, best] > people.truth[rows, fitted.best_fixed_hour]
    said = table["send_hour_confidence"].to_numpy()
    for low, high in ((0.5, 0.75), (0.75, 0.9), (0.9, 1.01)):
        some = personal & (said >= low) & (said < high)
        assert right[some].mean() == pytest.approx(said[some].mean(), abs=0.06)


def test_the_same_counts_give_the_same_hours(people: People, fitted: SendTime) -> None:
    again = SendTime().fit(people.counts)
    assert (again.alphas == fitted.alphas).all()


def test_without_any_event_there_is_nothing_to_learn() -> None:
    with pytest.raises(DataError, match="no hour to learn"):
        SendTime().fit(np.zeros((5, HOURS)))


def test_fewer_people_than_profiles_are_no_trouble() -> None:
    counts = np.zeros((2, HOURS))
    counts[0, 8] = counts[1, 20] = 3.0
    assert SendTime().fit(counts).predict(counts)["best_send_hour"].tolist() == [8, 20]


def test_events_count_by_the_weight_of_their_kind() -> None:
    events = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b", "gone", "b"],
            "hour": [8, 8, 20, 1, 23],
            "kind": ["click", "order", "prompt", "click", "unheard_of"],
        }
    )
    counts = count_hours(events, pd.Index(["a", "b", "c"]), {"click": 1.0, "order": 0.5, "prompt": 0.25})
    assert counts[0, 8] == 1.5
    assert counts[1, 20] == 0.25
    assert counts.sum() == 1.75


def test_exploring_takes_its_share_and_another_hour() -> None:
    rng = np.random.default_rng(2)
    best = rng.integers(0, HOURS, 40_000)
    profile = np.r_[np.zeros(6), np.ones(18)] / 18
    draws = rng.integers(0, 2**64, 40_000, dtype=np.uint64)
    tried = explore(best, profile, draws, 0.08)
    chosen = tried >= 0
    assert chosen.mean() == pytest.approx(0.08, abs=0.005)
    assert (tried[chosen] >= 6).all()
    assert (tried[chosen] != best[chosen]).all()
    assert np.bincount(tried[chosen], minlength=HOURS)[6:].min() > 100
    assert (explore(best, profile, draws, 0.08) == tried).all()
    assert (explore(best, profile, draws, 0.0) == -1).all()
    with pytest.raises(ValueError, match="share"):
        explore(best, profile, draws, 0.6)


def as_events(people: People, rng: np.random.Generator, noise: bool) -> pd.DataFrame:
    person, hour = people.counts.nonzero()
    times = people.counts[person, hour].astype(int)
    person, hour = np.repeat(person, times), np.repeat(hour, times)
    clicks = pd.DataFrame({"customer_id": person.astype(str), "hour": hour, "kind": "click"})
    order_hours = rng.integers(0, HOURS, len(clicks)) if noise else clicks["hour"].to_numpy()
    orders = clicks.assign(kind="order", hour=order_hours)
    events = pd.concat([clicks, orders], ignore_index=True)
    return events.assign(at=rng.permutation(len(events)) * 86_400)


@pytest.mark.parametrize("noise", [True, False], ids=["orders-by-chance", "orders-like-clicks"])
def test_what_does_not_tell_the_hour_gets_little_weight(people: People, noise: bool) -> None:
    choice, verdict = send_time_quality.judge(as_events(people, np.random.default_rng(1), noise))
    assert verdict.passed
    assert choice.weights["order"] <= 0.2 if noise else choice.weights["order"] >= 0.5


def test_hours_without_any_person_in_them_are_not_published() -> None:
    rng = np.random.default_rng(6)
    events = pd.DataFrame(
        {
            "customer_id": rng.integers(0, 800, 4_000).astype(str),
            "hour": rng.choice(HOURS, 4_000, p=np.r_[np.zeros(6), np.full(18, 1 / 18)]),
            "kind": "click",
            "at": rng.permutation(4_000) * 86_400,
        }
    )
    _, verdict = send_time_quality.judge(events)
    assert verdict.value is not None
    assert not verdict.passed
