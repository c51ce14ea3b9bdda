"""The provider's rate limit: a fixed window of real seconds, told in the X-RateLimit headers."""

import math
import time
from collections.abc import Callable


class RateLimit:
    """At most `requests` per window of `seconds`."""

    def __init__(self, requests: int, seconds: float, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self.set(requests, seconds)

    def set(self, requests: int, seconds: float) -> None:
        self.requests, self.seconds = requests, seconds
        self._window, self._used = -1, 0

    def take(self) -> tuple[bool, dict[str, str]]:
        """Whether one more request fits, and the headers to answer with."""
        window = int(self._now() // self.seconds)
        if window != self._window:
            self._window, self._used = window, 0
        fits = self._used < self.requests
        self._used += fits
        return fits, self.headers()

    def headers(self) -> dict[str, str]:
        """Limit, what is left, and the epoch second at which the window ends."""
        return {
            "X-RateLimit-Limit": str(self.requests),
            "X-RateLimit-Remaining": str(max(self.requests - self._used, 0)),
            "X-RateLimit-Reset": str(math.ceil((self._window + 1) * self.seconds)),
        }

    def refusal_headers(self) -> dict[str, str]:
        """Headers of a 429: nothing left, and the whole seconds to wait."""
        wait = max(math.ceil((int(self._now() // self.seconds) + 1) * self.seconds - self._now()), 1)
        return self.headers() | {"X-RateLimit-Remaining": "0", "Retry-After": str(wait)}
