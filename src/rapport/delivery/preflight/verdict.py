"""What one check says, and what a run of them comes to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rapport.errors import RapportError

Level = Literal["green", "yellow", "red", "skipped"]


class CannotTell(RapportError):
    """A name server or a host gave no answer, so nothing is known. It counts as red: in doubt nothing is sent."""


@dataclass(frozen=True)
class Verdict:
    """`found` and `todo` are for the operator, without keys and personal data. A skipped check did not look."""

    check: str
    level: Level
    found: str
    todo: str = ""


@dataclass(frozen=True)
class PreflightReport:
    """One run. `ran_at` is the injected clock's time, in UTC."""

    ran_at: datetime
    verdicts: tuple[Verdict, ...]

    @property
    def passed(self) -> bool:
        """Whether mail may leave: no check is red."""
        return not self.red

    @property
    def red(self) -> tuple[Verdict, ...]:
        return tuple(verdict for verdict in self.verdicts if verdict.level == "red")
