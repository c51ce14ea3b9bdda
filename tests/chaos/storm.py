"""The supervisor in a storm: processes are killed, frozen and started again while others go on."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.process import BaseProcess

from tests.chaos.house import House, kill
from tests.chaos.schedule import Strike

Spawn = Callable[[], BaseProcess]
# A process that has just been forked has done nothing yet that a kill could harm.
WORTH_KILLING_SECONDS = 0.3
RESTART_SECONDS = 0.1
TICK_SECONDS = 0.02


class Crew:
    """Processes of one kind that are started again whenever they end."""

    def __init__(self, spawn: Spawn, number: int) -> None:
        self._spawn = spawn
        self._members = [spawn() for _ in range(number)]
        self._begun = [time.monotonic()] * number
        self._frozen: dict[int, float] = {}
        self.ended_by_themselves = 0

    def kill(self, slot: int) -> bool:
        """Kills one that is at work, the one at `slot` if it is; False when there is none."""
        at = self._at_work(slot)
        return at is not None and kill(self._members[at])

    def freeze(self, slot: int, seconds: float) -> bool:
        at = self._at_work(slot)
        if at is None or not _signal(self._members[at], signal.SIGSTOP):
            return False
        self._frozen[at] = time.monotonic() + seconds
        return True

    def tend(self) -> None:
        """Thaws who has been frozen long enough and replaces the dead."""
        now = time.monotonic()
        for at in [at for at, until in self._frozen.items() if until <= now]:
            _signal(self._members[at], signal.SIGCONT)
            del self._frozen[at]
        for at, member in enumerate(self._members):
            if member.is_alive():
                continue
            self.ended_by_themselves += member.exitcode != -signal.SIGKILL
            if now - self._begun[at] > RESTART_SECONDS:
                self._members[at], self._begun[at] = self._spawn(), now

    def dismiss(self) -> None:
        for member in self._members:
            kill(member)

    def _at_work(self, slot: int) -> int | None:
        now = time.monotonic()
        for step in range(len(self._members)):
            at = (slot + step) % len(self._members)
            old = now - self._begun[at] > WORTH_KILLING_SECONDS
            if old and at not in self._frozen and self._members[at].is_alive():
                return at
        return None


def _signal(member: BaseProcess, number: int) -> bool:
    """Whether there was somebody to get it: a process may have ended by itself a moment ago."""
    try:
        os.kill(member.pid or 0, number)
    except ProcessLookupError:
        return False
    return True


class Storm:
    """Lets strikes come down at their time. One that finds nobody to strike waits for its turn."""

    def __init__(self, house: House, dispatchers: Crew, strikes: list[Strike]) -> None:
        self.house, self.crews = house, [dispatchers]
        self._due = list(strikes)
        self._begun = time.monotonic()
        self.injected: Counter[str] = Counter()
        self.actions: dict[str, Callable[[Strike], bool]] = {
            "kill dispatcher": lambda strike: dispatchers.kill(strike.slot),
            "freeze dispatcher": lambda strike: dispatchers.freeze(strike.slot, strike.seconds),
            "crash Postgres": self._crash_postgres,
            "kill provider": self._kill_provider,
            "kill gateway": self._kill_gateway,
        }

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._begun

    @property
    def is_over(self) -> bool:
        return not self._due

    def tick(self) -> None:
        """What is due now; then a moment's sleep."""
        for strike in [strike for strike in self._due if strike.at <= self.elapsed]:
            if self.actions[strike.kind](strike):
                self.injected[strike.kind] += 1
                self._due.remove(strike)
        for crew in self.crews:
            crew.tend()
        time.sleep(TICK_SECONDS)

    def _crash_postgres(self, _: Strike) -> bool:
        self.house.postgres.crash()
        return True

    def _kill_provider(self, _: Strike) -> bool:
        struck = kill(self.house.provider)
        self.house.start_provider()
        return struck

    def _kill_gateway(self, _: Strike) -> bool:
        struck = kill(self.house.gateway)
        self.house.start_gateway()
        return struck
