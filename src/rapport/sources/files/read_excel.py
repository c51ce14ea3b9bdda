"""Excel and OpenDocument sheets, through calamine. A sheet has at most a million rows and is held whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rapport.errors import PermanentError
from rapport.sources.files.mapping import Mapping
from rapport.sources.files.readers import BATCH_ROWS, Batch, as_text, column_of
from rapport.sources.files.report import Detected


class ExcelReader:
    """Raises PermanentError when the file or its sheet cannot be read."""

    def __init__(self, path: Path, mapping: Mapping) -> None:
        self._decimal = mapping.decimal
        rows, sheet = _sheet(path, mapping.sheet)
        rows = rows[mapping.skip_lines :]
        self.headers = [(as_text(cell, None) or "").strip() for cell in rows[0]] if rows else []
        self._rows = rows[1:]
        how = "stated" if mapping.sheet else "the first"
        self.detected = [Detected("format", "excel", "first bytes"), Detected("sheet", sheet, how)]

    def batches(self) -> Iterator[Batch]:
        for first in range(0, len(self._rows), BATCH_ROWS):
            part = self._rows[first : first + BATCH_ROWS]
            filled = [at for at, row in enumerate(part) if any(cell != "" for cell in row)]
            columns = [
                column_of([_cell(part[at][column]) for at in filled], self._decimal)
                for column in range(len(self.headers))
            ]
            yield Batch(columns, np.array(filled, dtype=np.int64) + first + 1)


def _cell(value: Any) -> Any:
    return None if value == "" else value


def _sheet(path: Path, name: str | None) -> tuple[list[list[Any]], str]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(str(path))
    except (CalamineError, OSError) as error:
        raise PermanentError(f"{path}: cannot be read as Excel: {error}") from None
    names = list(book.sheet_names)
    if not names or (name and name not in names):
        raise PermanentError(f"{path}: there is no sheet {name!r}; there are {', '.join(names) or 'none'}")
    name = name or str(names[0])
    try:
        return list(book.get_sheet_by_name(name).to_python(skip_empty_area=True)), name
    except CalamineError as error:
        raise PermanentError(f"{path}: sheet {name!r} cannot be read: {error}") from None
