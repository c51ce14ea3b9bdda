"""What came of an import, for people and for `landing.load`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class Detected:
    """A setting as it was used. `how` says whether it was stated or what in the file decided it."""

    setting: str
    value: str
    how: str


@dataclass(frozen=True)
class ImportReport:
    """One file. rows_read = rows_landed + rows_superseded + rows_quarantined.

    `rows_landed` stand in the table after the import, `rows_changed` of them are new or differ from before.
    `rows_superseded` were followed by another row with the same key in the same file.
    """

    file: str
    feed: str
    relation: str
    load_id: UUID
    already_imported: bool = False
    rows_read: int = 0
    rows_landed: int = 0
    rows_changed: int = 0
    rows_superseded: int = 0
    rows_quarantined: int = 0
    quarantined_by_reason: dict[str, int] = field(default_factory=dict)
    detected: tuple[Detected, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def rows_per_second(self) -> float:
        return self.rows_read / self.seconds if self.seconds else 0.0

    def detail(self) -> dict[str, Any]:
        """The report as JSON values, for the detail of the load."""
        return {**asdict(self), "load_id": str(self.load_id)}

    def lines(self) -> list[str]:
        """The report in plain words, a line each."""
        title = f"{self.file} -> raw_files.{self.relation} (feed {self.feed})"
        if self.already_imported:
            return [title, f"already imported as load {self.load_id}; nothing changed"]
        lines = [
            title,
            f"read {self.rows_read:,} rows, landed {self.rows_landed:,} ({self.rows_changed:,} new or changed), "
            f"quarantined {self.rows_quarantined:,}, in {self.seconds:.1f} s ({self.rows_per_second:,.0f} rows/s)",
        ]
        if self.rows_superseded:
            lines.append(f"superseded {self.rows_superseded:,}: a later row of the file has the same key")
        worst = sorted(self.quarantined_by_reason.items(), key=lambda item: -item[1])
        lines += [f"quarantined {count:,}: {reason}" for reason, count in worst]
        lines += [f"{item.setting}: {item.value} ({item.how})" for item in self.detected]
        return [*lines, *self.notes]
