"""Fault switches of the simulated mail provider: what goes wrong with a request, and how often."""

import random
import threading
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

FaultKind = Literal[
    "rate_limited",  # 429 with Retry-After, not accepted
    "error_before",  # 500, not accepted
    "error_after",  # 500 although accepted
    "hang",  # no answer for `seconds`, then the connection closes, not accepted
    "hang_after",  # accepted, no answer for `seconds`, then the connection closes
    "drop_before",  # connection closed without an answer, not accepted
    "drop_after",  # accepted, then the connection closes without an answer
    "accept_late",  # accepted only after `seconds`, when the caller has given up
    "half_read",  # connection closes with the request's body unread, not accepted
]
KINDS: tuple[str, ...] = get_args(FaultKind)


@dataclass
class Fault:
    """One switch: the next `count` requests, or each request with probability `rate`."""

    kind: FaultKind
    count: int = 0
    rate: float = 0.0
    seconds: float = 12.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind!r}; known: {', '.join(KINDS)}")
        if not 0 <= self.rate <= 1 or self.count < 0 or self.seconds < 0:
            raise ValueError("rate lies in 0..1; count and seconds are not negative")


@dataclass
class Faults:
    """All switches. Counted faults come first, in order; then one seeded draw decides among the rates."""

    faults: list[Fault] = field(default_factory=list)
    seed: int = 1

    def __post_init__(self) -> None:
        self._random = random.Random(f"mail faults {self.seed}")
        self._lock = threading.Lock()

    def next(self) -> Fault | None:
        """The fault the request at hand meets, or None."""
        with self._lock:
            return self._choose()

    def _choose(self) -> Fault | None:
        for fault in self.faults:
            if fault.count > 0:
                fault.count -= 1
                return fault
        rated = [fault for fault in self.faults if fault.rate > 0]
        if not rated:
            return None
        draw = self._random.random()
        for fault in rated:
            if draw < fault.rate:
                return fault
            draw -= fault.rate
        return None

    def replace(self, faults: list[Fault], seed: int | None = None) -> None:
        """Sets the switches anew; a seed also restarts the draws."""
        with self._lock:
            self.faults = faults
            if seed is not None:
                self.seed = seed
                self._random = random.Random(f"mail faults {seed}")

    def state(self) -> dict[str, Any]:
        """The switches as JSON."""
        with self._lock:
            return {"faults": [vars(fault) for fault in self.faults], "seed": self.seed}
