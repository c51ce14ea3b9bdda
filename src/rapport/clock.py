"""The injected clock. Business time (due, consent, as_of) comes from here; leases and timeouts never do."""

import json
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from rapport.settings import Settings


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware, in UTC."""
        ...


def elapsed_seconds() -> float:
    """Real seconds since some moment in the past, those included that the machine slept through: a deadline must not
    stand still with it. Only Linux tells them apart."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True)
class FixedClock:
    at: datetime

    def now(self) -> datetime:
        return self.at


class DemoClock:
    """A clock in a file, shared by processes, that runs `pace` times as fast as the real one."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> datetime:
        state = self._read()
        elapsed = datetime.now(UTC) - datetime.fromisoformat(state["real"])
        return datetime.fromisoformat(state["demo"]) + elapsed * float(state["pace"])

    @property
    def pace(self) -> float:
        return float(self._read()["pace"])

    def set(self, demo: datetime, pace: float) -> None:
        """From now on `demo` is the time and `pace` demo seconds pass in a real one; 0 stands still."""
        state = {
            "real": datetime.now(UTC).isoformat(),
            "demo": demo.astimezone(UTC).isoformat(),
            "pace": str(pace),
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(state))
        part.replace(self._path)

    def set_pace(self, pace: float) -> None:
        self.set(self.now(), pace)

    def _read(self) -> dict[str, str]:
        return dict(json.loads(self._path.read_text()))


def get_clock(settings: Settings) -> Clock:
    return DemoClock(settings.clock_file) if settings.clock_file else SystemClock()
