"""When people buy: each persona's rhythm over the history, shop seasons, and people's own evenings."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from rapport.sandbox.people import Person
from rapport.sandbox.times import DAY, HOUR

# How much is sold in each month, January first, against the highest.
SEASON = (0.62, 0.50, 0.55, 0.58, 0.60, 0.52, 0.48, 0.50, 0.58, 0.68, 0.95, 1.00)
_HOURS = (1, 1, 0, 0, 0, 1, 2, 4, 6, 7, 8, 8, 9, 8, 7, 7, 7, 8, 10, 12, 13, 11, 7, 3)

# Persona: fewest and most orders, and between how many days ago the first and the last of them lie.
RHYTHM: dict[str, tuple[int, int, int, int]] = {
    "champion": (7, 18, 520, 2),
    "loyal": (4, 9, 520, 25),
    "new": (1, 3, 45, 1),
    "one_time": (1, 1, 540, 2),
    "lapsed": (2, 6, 540, 190),
    "bargain_hunter": (2, 6, 530, 10),
    "browser": (0, 0, 540, 2),
}


def order_times(rng: random.Random, person: Person, until: int, days: int) -> list[int]:
    """Epoch seconds of a person's orders, oldest first, all within `days` before `until`."""
    fewest, most, oldest, newest = RHYTHM[person.persona]
    oldest = min(oldest, days)
    newest = min(newest, max(oldest - 1, 0))
    season = {"bargain_hunter": 2.5}.get(person.persona, 1.0)
    times = []
    for _ in range(rng.randint(fewest, most)):
        ago = _seasonal_day(rng, until, oldest, newest, season)
        at = local_moment(rng, person, until - ago * DAY)
        times.append(min(at, until - 60))
    return sorted(times)


def _seasonal_day(rng: random.Random, until: int, oldest: int, newest: int, power: float) -> int:
    for _ in range(8):
        ago = rng.randint(newest, oldest)
        month = datetime.fromtimestamp(until - ago * DAY, UTC).month
        if rng.random() < SEASON[month - 1] ** power:
            return ago
    return ago


def local_moment(rng: random.Random, person: Person, day: int) -> int:
    """Epoch seconds at an hour people shop at, on the person's own day of `day` (epoch seconds)."""
    hour = rng.choices(range(24), _HOURS)[0]
    local = datetime.fromtimestamp(day, ZoneInfo(person.time_zone))
    at = local.replace(hour=hour, minute=0, second=0, microsecond=0)
    return int(at.timestamp()) + rng.randrange(HOUR)
