"""Send time: in which hour of their own day a person is most likely to react, learnt from all that they do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import betainc, gammaln, logsumexp, psi

from rapport.errors import DataError
from rapport.scoring.history import Floats, Integers

HOURS = 24
PROFILES = 6
# More people than this teach the profiles nothing new; everybody is scored all the same.
LEARN_FROM = 30_000
_ITERATIONS = 150
_BLOCK = 100_000
_STEP = 1e-3
_SMALLEST = 1e-3


@dataclass(frozen=True)
class _Cells:
    """Counts of many people as the few different pairs of hour and number of events that occur at all.

    `held` says (sparse, people by pairs) who has which; `totals` are the different sums of a person's events.
    """

    hour: Integers
    events: Floats
    held: Any  # scipy ships no types
    totals: Floats
    total_place: Integers

    @classmethod
    def of(cls, counts: Floats) -> _Cells:
        person, hour = counts.nonzero()
        values, value_place = np.unique(counts[person, hour], return_inverse=True)
        pairs, place = np.unique(hour * len(values) + value_place, return_inverse=True)
        held = csr_matrix((np.ones(len(person)), (person, place)), shape=(len(counts), len(pairs)))
        totals, total_place = np.unique(counts.sum(axis=1), return_inverse=True)
        if not len(pairs):
            return cls(pairs, np.zeros(0), held, totals, total_place)
        return cls(pairs // len(values), values[pairs % len(values)], held, totals, total_place)


class SendTime:
    """A mixture of Dirichlet profiles over the hours of the day, by expectation maximisation.

    Each profile is a kind of people (early, lunch, evening, ...) with its own spread: a person's hours are drawn to
    those of people like them, the more the fewer events they have (empirical Bayes; the count model is the
    Dirichlet-multinomial of Mosimann, Biometrika 49, 1962, with Minka's fixed point for its maximum). Events are
    counts by hour and may be weighted.
    """

    version: ClassVar[str] = "dirichlet_mixture"

    def __init__(self, profiles: int = PROFILES, seed: int = 7) -> None:
        self.profiles = profiles
        self.seed = seed
        self.shares: Floats = np.full(profiles, 1.0 / profiles)
        self.alphas: Floats = np.ones((profiles, HOURS))
        self.best_fixed_hour = 0

    def fit(self, counts: Floats) -> Self:
        """`counts` hold one row a person, 24 columns. Raises DataError when there is no event at all."""
        known = counts[counts.sum(axis=1) > 0]
        if not len(known):
            raise DataError("send_time: nobody has ever clicked, ordered or visited, so there is no hour to learn.")
        rng = np.random.default_rng(self.seed)
        if len(known) > LEARN_FROM:
            known = known[rng.choice(len(known), LEARN_FROM, replace=False)]
        self.best_fixed_hour = int(_even(known).argmax())
        self._start(known, rng)
        cells = _Cells.of(known)
        for _ in range(_ITERATIONS):
            belongs = self._belongs(cells)
            self.shares = np.maximum(belongs.mean(axis=0), 1e-6)
            self.shares /= self.shares.sum()
            before = self.alphas
            self.alphas = _fixed_point(before, belongs, cells)
            if np.abs(self.alphas - before).max() < _STEP * before.max():
                break
        return self

    def memberships(self, counts: Floats) -> Floats:
        """Chance of each person (row) to be of each profile."""
        return self._belongs(_Cells.of(counts))

    def _belongs(self, cells: _Cells) -> Floats:
        alpha, size = self.alphas[:, cells.hour], self.alphas.sum(axis=1)[:, None]
        by_cell = gammaln(alpha + cells.events) - gammaln(alpha)
        by_total = gammaln(size) - gammaln(size + cells.totals)
        log_share = cells.held @ by_cell.T + by_total.T[cells.total_place] + np.log(self.shares)
        return np.asarray(np.exp(log_share - logsumexp(log_share, axis=1, keepdims=True)))

    def hours(self, counts: Floats) -> Floats:
        """Expected share of each hour for each person: their profiles and their own events, weighed."""
        belongs = self.memberships(counts)
        sizes = self.alphas.sum(axis=1) + counts.sum(axis=1, keepdims=True)
        weight = belongs / sizes
        return np.asarray(weight @ self.alphas + counts * weight.sum(axis=1, keepdims=True))

    def predict(self, counts: Floats) -> pd.DataFrame:
        """One row a person: best_send_hour in their own time zone, and send_hour_confidence, the chance that it is
        truly better than the best hour for all (where it is that hour: than the next best)."""
        blocks = [self._predict(counts[start : start + _BLOCK]) for start in range(0, max(len(counts), 1), _BLOCK)]
        return pd.concat(blocks, ignore_index=True)

    def _predict(self, counts: Floats) -> pd.DataFrame:
        hours = self.hours(counts)
        order = np.argsort(-hours, axis=1, kind="stable")
        best = order[:, 0]
        rival = np.where(best == self.best_fixed_hour, order[:, 1], self.best_fixed_hour)
        return pd.DataFrame({"best_send_hour": best, "send_hour_confidence": self._confidence(counts, best, rival)})

    def _confidence(self, counts: Floats, best: Integers, rival: Integers) -> Floats:
        """Of two entries of a Dirichlet the share of one is beta distributed."""
        rows = np.arange(len(counts))
        own, other = counts[rows, best], counts[rows, rival]
        chances = [betainc(alpha[rival] + other, alpha[best] + own, 0.5) for alpha in self.alphas]
        return np.asarray((self.memberships(counts) * np.array(chances).T).sum(axis=1))

    def _start(self, known: Floats, rng: np.random.Generator) -> None:
        """Profiles around the means of groups of people with many events, grown by k-means over smoothed hours."""
        everybody = _even(known)
        smooth = known + np.roll(known, 1, axis=1) / 2 + np.roll(known, -1, axis=1) / 2 + 2.0 * everybody
        shape = smooth / smooth.sum(axis=1, keepdims=True)
        most = np.argsort(-known.sum(axis=1), kind="stable")[: max(self.profiles, len(known) // 2)]
        centres = _spread_out(shape[most], self.profiles, rng)
        for _ in range(10):
            nearest = ((shape[most, None, :] - centres[None]) ** 2).sum(axis=2).argmin(axis=1)
            for k in range(self.profiles):
                if (nearest == k).any():
                    centres[k] = shape[most][nearest == k].mean(axis=0)
        self.alphas = np.maximum(10.0 * centres, _SMALLEST)
        self.shares = np.full(self.profiles, 1.0 / self.profiles)


def count_hours(events: pd.DataFrame, customers: pd.Index[str], weights: dict[str, float]) -> Floats:
    """Counts for `SendTime` from events (customer_id, hour, kind), each by the weight of its kind."""
    place = customers.get_indexer(pd.Index(events["customer_id"]))
    weight = events["kind"].map(weights).fillna(0.0).to_numpy(dtype=float)
    kept = (place >= 0) & (weight > 0)
    cell = place[kept] * HOURS + events["hour"].to_numpy(dtype=np.int64)[kept]
    return np.bincount(cell, weight[kept], len(customers) * HOURS).reshape(-1, HOURS)


def explore(best: Integers, profile: Floats, draws: NDArray[np.uint64], share: float) -> Integers:
    """The hour to try instead of `best`, or -1 for most: `share` of people get another, by its chance in `profile`.

    `draws` are whole numbers from 0 to 2**64 - 1, one a person, from a keyed hash of the caller's: the same key gives
    the same choice, and nobody without the key can foretell it. Raises ValueError for a share above a half.
    """
    if not 0.0 <= share <= 0.5:
        raise ValueError(f"an exploration share of {share} would leave most people without their best hour")
    # Two independent uniform numbers from the upper and the lower half.
    who = (draws >> np.uint64(32)).astype(float) / 2.0**32
    which = (draws & np.uint64(0xFFFFFFFF)).astype(float) / 2.0**32
    chance = np.broadcast_to(profile, (len(best), HOURS)).copy()
    chance[np.arange(len(best)), best] = 0.0
    steps = np.cumsum(chance, axis=1)
    hour = (which[:, None] * steps[:, -1:] >= steps).sum(axis=1)
    return np.where((who < share) & (steps[:, -1] > 0), np.minimum(hour, HOURS - 1), -1)


def _even(counts: Floats) -> Floats:
    """Share of each hour with every person of equal weight, so that a few busy ones do not set everybody's hour."""
    shares = counts / counts.sum(axis=1, keepdims=True)
    return np.asarray(shares.mean(axis=0))


def _fixed_point(alphas: Floats, belongs: Floats, cells: _Cells) -> Floats:
    """One step of Minka, Estimating a Dirichlet distribution (2000), equation 55, for each profile."""
    alpha, size = alphas[:, cells.hour], alphas.sum(axis=1)[:, None]
    weight = np.asarray(cells.held.T @ belongs).T
    gain = (weight * (psi(alpha + cells.events) - psi(alpha))) @ (cells.hour[:, None] == np.arange(HOURS))
    people = np.array([np.bincount(cells.total_place, share, len(cells.totals)) for share in belongs.T])
    spent = (people * (psi(size + cells.totals) - psi(size))).sum(axis=1, keepdims=True)
    return np.asarray(np.maximum(alphas * gain / np.maximum(spent, 1e-12), _SMALLEST))


def _spread_out(points: Floats, count: int, rng: np.random.Generator) -> Floats:
    """First centres far from each other (k-means++)."""
    chosen = [points[rng.integers(len(points))]]
    for _ in range(count - 1):
        far = np.min([((points - centre) ** 2).sum(axis=1) for centre in chosen], axis=0)
        chance = far / far.sum() if far.sum() > 0 else None
        chosen.append(points[rng.choice(len(points), p=chance)])
    return np.array(chosen)
