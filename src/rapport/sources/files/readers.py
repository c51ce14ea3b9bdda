"""Opens a file of any supported kind as batches of columns. Imports pyarrow: import this module lazily."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from rapport.errors import PermanentError
from rapport.sources.files.mapping import Mapping
from rapport.sources.files.report import Detected

BATCH_ROWS = 150_000

BadRow = tuple[int, str, dict[str, Any]]
"""Number of the record in the file, from 1 and without the header; why it cannot be read; as it came."""


@dataclass
class Batch:
    """Rows of a file: one array a header, strings or the file's own types; `numbers` of the records."""

    columns: list[pa.Array]
    numbers: np.ndarray[Any, np.dtype[np.int64]]
    bad: list[BadRow] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return len(self.numbers)


class Reader(Protocol):
    """An opened file. `batches` starts from the top at every call."""

    headers: list[str]
    detected: list[Detected]

    def batches(self) -> Iterator[Batch]: ...


def open_file(path: Path, mapping: Mapping) -> Reader:
    """The reader that the file's first bytes and its name ask for.

    Raises PermanentError when the file is not there or of no supported kind.
    """
    if not path.is_file():
        raise PermanentError(f"{path}: no such file")
    kind = _kind(path)
    if kind == "parquet":
        from rapport.sources.files.read_parquet import ParquetReader

        return ParquetReader(path)
    if kind == "excel":
        from rapport.sources.files.read_excel import ExcelReader

        return ExcelReader(path, mapping)
    if kind == "jsonl":
        from rapport.sources.files.read_jsonl import JsonlReader

        return JsonlReader(path, mapping)
    from rapport.sources.files.read_csv import CsvReader

    return CsvReader(path, mapping)


MAGIC = {b"PAR1": "parquet", b"PK\x03\x04": "excel", b"\xd0\xcf\x11\xe0": "excel"}
SUFFIXES = {
    **dict.fromkeys((".csv", ".tsv", ".tab", ".txt"), "csv"),
    **dict.fromkeys((".jsonl", ".ndjson"), "jsonl"),
    **dict.fromkeys((".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"), "excel"),
    ".parquet": "parquet",
}


def _kind(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4)
    kind = MAGIC.get(start) or SUFFIXES.get(path.suffix.lower())
    if kind is None:
        known = ", ".join(SUFFIXES)
        raise PermanentError(f"{path}: cannot tell what kind of file this is; name it with one of {known}")
    if kind in ("parquet", "excel") and start not in MAGIC:
        raise PermanentError(f"{path}: is not a {kind} file, in spite of its name, or it is cut short")
    return kind


def column_of(values: list[Any], decimal: str | None) -> pa.Array:
    """An array from cells of a sheet or JSON values: typed where all are of one kind, text where mixed.

    Numbers among text are written with the stated decimal sign, so that both are read alike.
    """
    try:
        array = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        array = None
    if array is not None and not pa.types.is_nested(array.type):
        return array.cast(pa.string()) if pa.types.is_null(array.type) else array
    return pa.array([as_text(value, decimal) for value in values], pa.string())


def as_text(value: Any, decimal: str | None) -> str | None:
    """One cell as text; None stays None."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        text = str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        return text.replace(".", decimal or ".")
    if isinstance(value, dict | list):
        import orjson

        return orjson.dumps(value).decode()
    return str(value)
