"""Forecasts of one evenly spaced series with a short season: each takes the series and gives `horizon` values."""

from __future__ import annotations

import numpy as np

from rapport.scoring.history import Floats

# Weights of level, trend and season, and the damping; those of trend and season are shares of what the level leaves.
_LEVEL, _TREND, _SEASON, _DAMPING = np.meshgrid(
    [0.01, 0.02, 0.04, 0.07, 0.1, 0.15, 0.2, 0.3, 0.45, 0.6],
    [0.0, 0.05, 0.15, 0.3],
    [0.0, 0.03, 0.1, 0.2],
    [0.8, 0.9, 0.95, 0.98],
)
_GRID = tuple(part.ravel() for part in (_LEVEL, _LEVEL * _TREND, (1.0 - _LEVEL) * _SEASON, _DAMPING))


def seasonal_naive(y: Floats, season: int, horizon: int) -> Floats:
    """What was one season ago."""
    last = y[-season:] if len(y) >= season else np.full(season, y.mean())
    return np.resize(last, horizon)


def theta(y: Floats, season: int, horizon: int) -> Floats:
    """Theta: Assimakopoulos, Nikolopoulos, IJF 16 (4), 2000, as exponential smoothing with half the trend (Hyndman,
    Billah, IJF 19 (2), 2003), the season taken out before and put back after."""
    factors = seasonal_factors(y, season)
    flat = y - np.resize(factors, len(y))
    slope = np.polyfit(np.arange(len(flat)), flat, 1)[0] if len(flat) > 2 else 0.0
    alpha, level = _smooth(flat)
    ahead = np.arange(horizon)
    drift = slope / 2.0 * (ahead + (1.0 - (1.0 - alpha) ** len(flat)) / alpha)
    return level + drift + _next_season(factors, len(y), horizon)


def damped_ets(y: Floats, season: int, horizon: int) -> Floats:
    """Additive damped trend and season (Gardner, McKenzie, Management Science 31 (10), 1985), least squared errors.

    All weights of a grid run side by side, which takes less time than a search and cannot end in a corner.
    """
    if len(y) < 3 * season:
        return theta(y, season, horizon)  # too short to tell trend from season
    alpha, beta, gamma, phi = _GRID
    level, trend = np.full(alpha.shape, y[:season].mean()), np.zeros(alpha.shape)
    seasonal = np.repeat(seasonal_factors(y, season)[:, None], len(alpha), axis=1)
    squared = np.zeros(alpha.shape)
    for i, value in enumerate(y):
        damped = phi * trend
        base = level + damped
        error = value - base - seasonal[i % season]
        squared += error * error
        level = base + alpha * error
        trend = damped + beta * error
        seasonal[i % season] += gamma * error
    # Weights by likelihood: where many fit about as well, their mean is steadier than the one that comes first.
    share = (squared / max(float(squared.min()), 1e-300)) ** (-len(y) / 2.0) if squared.min() > 0 else squared == 0
    share = share / share.sum()
    steps = np.cumsum(phi ** np.arange(1, horizon + 1)[:, None], axis=0)
    return np.asarray((level + trend * steps) @ share + _next_season(seasonal @ share, len(y), horizon))


def seasonal_factors(y: Floats, season: int) -> Floats:
    """Additive: the mean of each place in the season against the running mean around it, summing to zero.

    The places are counted from the first value. Means are drawn to zero by the part of their spread that chance alone
    would give (James, Stein 1961), so that a shop without a weekly rhythm is not given one. None below two seasons.
    """
    if season < 2 or len(y) < 2 * season:
        return np.zeros(season)
    kernel = np.ones(season) / season
    if season % 2 == 0:
        kernel = np.convolve(kernel, [0.5, 0.5])
    middle = len(kernel) // 2
    running = np.convolve(y, kernel, mode="valid")
    against = y[middle : middle + len(running)] - running
    place = (np.arange(len(against)) + middle) % season
    counts = np.maximum(np.bincount(place, minlength=season), 1)
    factors = np.bincount(place, against, season) / counts
    factors -= factors.mean()
    by_chance = float(((against - factors[place]) ** 2).mean() / counts.mean())
    spread = float((factors**2).sum() / (season - 1))
    return np.asarray(factors * max(0.0, 1.0 - by_chance / spread) if spread > 0 else factors)


def _next_season(factors: Floats, length: int, horizon: int) -> Floats:
    return factors[(length + np.arange(horizon)) % len(factors)]


def _smooth(y: Floats) -> tuple[float, float]:
    """Simple exponential smoothing: the weight with the least squared one-step error, and the last level."""
    candidates = np.array([0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8])
    level = np.full(len(candidates), y[: min(7, len(y))].mean())
    squared = np.zeros(len(candidates))
    for value in y:
        error = value - level
        squared += error**2
        level = level + candidates * error
    best = int(squared.argmin())
    return float(candidates[best]), float(level[best])
