"""What a load did, in numbers fit for a log, an XCom or a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class TableReport:
    """Rows of one table. `landed` counts records merged; one read again in the overlap counts again."""

    read: int
    landed: int
    quarantined: int


@dataclass(frozen=True)
class LoadReport:
    """One load of one source; `cursors` tells by table how far it has read."""

    load_id: UUID
    source: str
    tables: Mapping[str, TableReport]
    cursors: Mapping[str, str]

    @property
    def rows_read(self) -> int:
        return sum(table.read for table in self.tables.values())

    @property
    def rows_landed(self) -> int:
        return sum(table.landed for table in self.tables.values())

    @property
    def rows_quarantined(self) -> int:
        return sum(table.quarantined for table in self.tables.values())

    def detail(self) -> dict[str, Any]:
        """For `landing.load.detail`."""
        return {
            "tables": {name: asdict(table) for name, table in self.tables.items()},
            "cursors": dict(self.cursors),
        }
