"""People whose best hour is known: simulated readers of mail, and the best that anybody could know of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rapport.scoring.send_time import HOURS, SendTime

# Kinds of people: share, how alike they are (sum of the Dirichlet), and humps of their day as (hour, width, height).
KINDS: tuple[tuple[float, float, tuple[tuple[float, float, float], ...]], ...] = (
    (0.18, 14.0, ((7.0, 1.2, 1.0), (18.0, 2.0, 0.4))),
    (0.20, 12.0, ((12.5, 1.3, 1.0), (20.0, 2.0, 0.3))),
    (0.30, 16.0, ((20.0, 1.8, 1.0),)),
    (0.14, 10.0, ((22.5, 1.3, 1.0), (8.0, 1.5, 0.2))),
    (0.18, 20.0, ((15.0, 5.0, 1.0),)),
)
BACKGROUND = 0.02
EVENTS_MEAN, EVENTS_SHAPE = 5.0, 0.8


@dataclass(frozen=True)
class People:
    """`truth` is each person's chance to react by hour, up to a factor; `counts` what they did so far."""

    truth: NDArray[np.float64]
    counts: NDArray[np.float64]
    shares: NDArray[np.float64]
    alphas: NDArray[np.float64]

    @property
    def fixed_hour(self) -> int:
        """The best single hour for all, known to nobody but the maker."""
        return int(self.truth.mean(axis=0).argmax())

    def gain(self, hours: NDArray[np.int64], some: NDArray[np.bool_] | slice = slice(None)) -> float:
        """Reactions at these hours against the best single hour, less one."""
        reached = self.truth[np.arange(len(self.truth)), hours][some].mean()
        return float(reached / self.truth[:, self.fixed_hour][some].mean() - 1.0)

    def bayes_hours(self) -> NDArray[np.int64]:
        """What one would choose who knew the kinds of people and how they are spread: nobody can do better."""
        knowing = SendTime(len(self.shares))
        knowing.shares, knowing.alphas = self.shares, self.alphas
        return np.asarray(knowing.hours(self.counts).argmax(axis=1))

    def own_mode(self) -> NDArray[np.int64]:
        """Everybody's own most frequent hour; the fixed hour for people without events."""
        return np.where(self.counts.sum(axis=1) > 0, self.counts.argmax(axis=1), self.fixed_hour)


def simulate(count: int, seed: int) -> People:
    """`count` people of five kinds; most have few events (negative binomial, mean 5)."""
    rng = np.random.default_rng(seed)
    shares = np.array([share for share, _, _ in KINDS])
    means = np.array([_day(humps) for _, _, humps in KINDS])
    alphas = means * np.array([size for _, size, _ in KINDS])[:, None]
    kind = rng.choice(len(KINDS), count, p=shares)
    truth = np.array([rng.dirichlet(alphas[k]) for k in kind])
    events = rng.negative_binomial(EVENTS_SHAPE, EVENTS_SHAPE / (EVENTS_SHAPE + EVENTS_MEAN), count)
    counts = np.array([rng.multinomial(n, hours) for n, hours in zip(events, truth, strict=True)])
    return People(truth, counts.astype(float), shares, alphas)


def thompson_gain(people: People, sends: int, open_rate: float, seed: int) -> float:
    """The control that ought to lose: a flat Thompson sampler over 24 hours for each person, from nothing."""
    rng = np.random.default_rng(seed)
    rows = np.arange(len(people.truth))
    won, lost = np.ones_like(people.truth), np.ones_like(people.truth)
    opened = 0.0
    chance = people.truth * open_rate / people.truth[:, people.fixed_hour].mean()
    for _ in range(sends):
        hour = rng.beta(won, lost).argmax(axis=1)
        hit = rng.random(len(rows)) < np.minimum(chance[rows, hour], 1.0)
        opened += float(np.minimum(chance[rows, hour], 1.0).mean())
        won[rows, hour] += hit
        lost[rows, hour] += ~hit
    return opened / sends / float(np.minimum(chance[:, people.fixed_hour], 1.0).mean()) - 1.0


def _day(humps: tuple[tuple[float, float, float], ...]) -> NDArray[np.float64]:
    hour = np.arange(HOURS)
    day = np.full(HOURS, BACKGROUND)
    for centre, width, height in humps:
        away = np.abs((hour - centre + 12) % HOURS - 12)
        day += height * np.exp(-(away**2) / (2 * width**2))
    return day / day.sum()
