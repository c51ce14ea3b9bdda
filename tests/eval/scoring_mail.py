"""Send time where the truth is known: simulated people of several kinds, and the sandbox's own readers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rapport.scoring.send_time import HOURS, SendTime, count_hours
from rapport.scoring.send_time_quality import judge
from tests.eval.figures import Figure
from tests.eval.people import People, simulate, thompson_gain

SEED = 7
PEOPLE = 8_000
FEW = 2
GOAL = 0.98
_DAY, _HOUR = 86_400.0, 3_600.0
_ORIGIN = 20_000 * _DAY
_AWAKE = range(6, 23)
_PROMPT_SECONDS = 3 * _HOUR


def simulated() -> Iterator[Figure]:
    """Gain in reactions over the best single hour for all."""
    people = simulate(PEOPLE, SEED)
    fitted = SendTime().fit(people.counts)
    hours = fitted.predict(people.counts)["best_send_hour"].to_numpy()
    bound, gain = people.gain(people.bayes_hours()), people.gain(hours)
    yield Figure("send time, simulated: gain", gain, "Bayes bound", bound, gain >= GOAL * bound)
    single = SendTime(1).fit(people.counts).hours(people.counts).argmax(axis=1)
    yield Figure("  the same", gain, "one Dirichlet", people.gain(single))
    yield Figure("  the same", gain, "mode of own events", people.gain(people.own_mode()))
    yield Figure("  the same", gain, "flat Thompson, 30 sends", thompson_gain(people, 30, 0.3, SEED))
    few = people.counts.sum(axis=1) <= FEW
    yield few_events(people, hours, few, "send time, simulated")


def few_events(people: People, hours: NDArray[np.int64], few: NDArray[np.bool_], name: str) -> Figure:
    """One plus the gain of people with few events, beside the fixed hour's one."""
    value = 1.0 + people.gain(hours, few)
    return Figure(f"{name}: people with {FEW} events or fewer", value, "best fixed hour", 1.0, value >= 1.0)


@dataclass(frozen=True)
class Readers:
    """What the sandbox's behaviour does, by Monte Carlo, each by preferred hour: the chance of the hour of a reading
    (`read`; first of those that come hours after arrival, then of prompt ones), and for each hour of arrival the chance
    that a mail is read within the hour (`soon`)."""

    read: NDArray[np.float64]
    soon: NDArray[np.float64]


def sandbox(people: int = PEOPLE, draws: int = 500) -> Iterator[Figure]:
    """The sandbox's readers: who has which preferred hour is its kept truth, learnt from when they read so far."""
    from rapport.sandbox.people import _HOURS

    draw, rng = random.Random(SEED), np.random.default_rng(SEED)
    readers = _readers(draw, draws)
    preferred = np.array(draw.choices(range(HOURS), _HOURS, k=people))
    events = _events(draw, rng, preferred)
    customers = pd.Index([str(number) for number in range(people)])
    choice, verdict = judge(events)
    counts = count_hours(events, customers, choice.weights)
    hours = SendTime(choice.profiles).fit(counts).predict(counts)["best_send_hour"].to_numpy()
    belief = _bayes(events, customers, readers, np.array(_HOURS, dtype=float) / sum(_HOURS))
    few = np.bincount(events["customer_id"].astype(int), minlength=people) <= FEW
    for name, chance in (("hours of reading", readers.read.sum(axis=1)), ("read within the hour", readers.soon)):
        truth = People(chance[preferred], counts, np.ones(1), np.ones((1, HOURS)))
        gain, bound = truth.gain(hours), truth.gain((belief @ chance).argmax(axis=1))
        # What the score foretells is the first; the second also asks how a reader answers to an arrival.
        reached = gain >= GOAL * bound if chance is not readers.soon else None
        yield Figure(f"send time, sandbox, {name}: gain", gain, "Bayes bound", bound, reached)
        yield few_events(truth, hours, few, f"send time, sandbox, {name}")
    assert verdict.value is not None
    assert verdict.baseline_value is not None
    yield Figure("  log chance of the hour", verdict.value, verdict.baseline, verdict.baseline_value, verdict.passed)


def _readers(draw: random.Random, draws: int) -> Readers:
    soon, read = np.zeros((HOURS, HOURS)), np.zeros((HOURS, 2, HOURS))
    for preferred in range(HOURS):
        for arrival in range(HOURS):
            for _ in range(draws):
                waited, hour = _reading(draw, preferred, arrival)
                soon[preferred, arrival] += (waited <= _HOUR) / draws
                if arrival in _AWAKE:
                    read[preferred, int(waited < _PROMPT_SECONDS), hour] += 1.0 / draws / len(_AWAKE)
    return Readers(read + 1e-5, soon)


def _events(draw: random.Random, rng: np.random.Generator, preferred: NDArray[np.int64]) -> pd.DataFrame:
    rows = []
    for number, count in enumerate(rng.negative_binomial(0.8, 0.8 / 5.8, len(preferred))):
        for at in range(count):
            waited, hour = _reading(draw, int(preferred[number]), draw.choice(_AWAKE))
            kind = "prompt" if waited < _PROMPT_SECONDS else "open"
            rows.append((str(number), hour, kind, int(at * 2 * _DAY)))
    return pd.DataFrame(rows, columns=["customer_id", "hour", "kind", "at"])


def _reading(draw: random.Random, preferred: int, arrival: int) -> tuple[float, int]:
    """Seconds until a mail is read that arrives just after the hour `arrival`, and the hour in which it is read."""
    from rapport.sandbox.behaviour import reading_time

    arrived = _ORIGIN + arrival * _HOUR + draw.uniform(30.0, 600.0)
    read = reading_time(arrived, {"time_zone": "UTC", "preferred_hour": preferred}, draw)
    return read - arrived, int(read % _DAY // _HOUR)


def _bayes(
    events: pd.DataFrame, customers: pd.Index[str], readers: Readers, prior: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Chance of each preferred hour for whoever knew how the sandbox makes its readers behave, from the same events."""
    log_chance = np.tile(np.log(prior + 1e-12), (len(customers), 1))
    chance = np.log(readers.read[:, (events["kind"] == "prompt").to_numpy().astype(int), events["hour"].to_numpy()])
    np.add.at(log_chance, customers.get_indexer(events["customer_id"]), chance.T)
    belief = np.exp(log_chance - log_chance.max(axis=1, keepdims=True))
    return np.asarray(belief / belief.sum(axis=1, keepdims=True))
