"""Rate limits as the vendors keep them, in real seconds: what a client may ask has nothing to do with demo time."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable

Timer = Callable[[], float]


class LeakyBucket:
    """Points that come back at `restore` a second up to `maximum`."""

    def __init__(self, maximum: float, restore: float, timer: Timer = time.monotonic) -> None:
        self.maximum = maximum
        self.restore = restore
        self._timer = timer
        self._level = maximum
        self._since = timer()
        self._lock = threading.Lock()

    def available(self) -> float:
        with self._lock:
            return self._refill()

    def take(self, points: float) -> bool:
        """Use up `points`, or leave the bucket as it is and answer False when it holds fewer."""
        with self._lock:
            if self._refill() < points:
                return False
            self._level -= points
            return True

    def give_back(self, points: float) -> None:
        """Return what was taken in advance and not used."""
        with self._lock:
            self._level = min(self.maximum, self._refill() + points)

    def _refill(self) -> float:
        now = self._timer()
        self._level = min(self.maximum, self._level + (now - self._since) * self.restore)
        self._since = now
        return self._level


class PerMinute:
    """At most `limit` calls in any sixty seconds."""

    def __init__(self, limit: int, timer: Timer = time.monotonic) -> None:
        self._limit = limit
        self._timer = timer
        self._calls: deque[float] = deque()

    def wait(self) -> int:
        """Note a call and answer 0; or, when there were too many, the whole seconds until the next one may come."""
        now = self._timer()
        while self._calls and self._calls[0] <= now - 60:
            self._calls.popleft()
        if len(self._calls) >= self._limit:
            return max(1, math.ceil(self._calls[0] + 60 - now))
        self._calls.append(now)
        return 0
