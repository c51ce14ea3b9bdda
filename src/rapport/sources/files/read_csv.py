"""CSV and TSV, through pyarrow's incremental reader, every field as text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from rapport.errors import PermanentError
from rapport.sources.files.dialect import DELIMITERS, find_delimiter, header_end, read_header
from rapport.sources.files.encoding import find_encoding, open_as_utf8
from rapport.sources.files.mapping import Mapping
from rapport.sources.files.readers import BadRow, Batch
from rapport.sources.files.report import Detected

HEAD_BYTES = 1 << 18
# About 150,000 order lines; the import's memory is a small multiple of it.
BLOCK_BYTES = 16 << 20

WRONG_FIELDS = "the number of fields differs from the header's"


class CsvReader:
    """Raises PermanentError when the text cannot be split into records at all."""

    def __init__(self, path: Path, mapping: Mapping) -> None:
        self._path = path
        self._encoding = find_encoding(path, mapping.encoding)
        with open_as_utf8(path, self._encoding) as file:
            head = file.read(HEAD_BYTES).decode("utf-8", errors="surrogateescape")
        skipped = head.splitlines(keepends=True)[: mapping.skip_lines]
        lines = head[sum(map(len, skipped)) :]
        lines_start = len(lines) - len(lines.lstrip("\r\n"))
        lines = lines[lines_start:]
        self._delimiter = mapping.delimiter or find_delimiter(lines, mapping.headers)
        self.headers = read_header(lines.splitlines(keepends=True), self._delimiter)
        told = head[: len(head) - len(lines) + header_end(lines, self._delimiter)]
        self._data_start = len(told.encode("utf-8", errors="surrogateescape"))
        self.detected = [
            Detected("format", "csv", "file name"),
            Detected("encoding", self._encoding.name, self._encoding.how),
            Detected(
                "delimiter",
                DELIMITERS.get(self._delimiter, self._delimiter),
                "stated" if mapping.delimiter else "fits the header",
            ),
        ]

    def batches(self) -> Iterator[Batch]:
        with open_as_utf8(self._path, self._encoding) as file:
            file.read(self._data_start)
            try:
                yield from self._batches(file)
            except pa.ArrowInvalid as error:
                if "Empty CSV file" not in str(error):
                    raise PermanentError(
                        f"{self._path}: cannot be split into records: {_told(error)}. A quote that is opened "
                        "and never closed does this; so does a wrong delimiter. Nothing was imported."
                    ) from None

    def _batches(self, file: BinaryIO) -> Iterator[Batch]:
        width = len(self.headers)
        names = [str(at) for at in range(width)]
        wrong: list[tuple[int, str]] = []

        def on_wrong(row: Any) -> str:
            wrong.append((row.number, row.text))
            return "skip"

        reader = pa_csv.open_csv(
            _ends_with_newline(file),
            read_options=pa_csv.ReadOptions(column_names=names, use_threads=False, block_size=BLOCK_BYTES),
            parse_options=pa_csv.ParseOptions(
                delimiter=self._delimiter, newlines_in_values=True, invalid_row_handler=on_wrong
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.binary()),
                strings_can_be_null=False,
                null_values=[],
                check_utf8=False,
            ),
        )
        parsed = told = 0
        for batch in reader:
            skipped = np.array([number for number, _ in wrong], dtype=np.int64)
            numbers = _numbers(parsed, batch.num_rows, skipped)
            bad: list[BadRow] = [(number, WRONG_FIELDS, {"line": text}) for number, text in wrong[told:]]
            parsed, told = parsed + batch.num_rows, len(wrong)
            yield self._decoded(batch.columns, numbers, bad)
        if wrong[told:]:
            yield Batch(
                [pa.array([], pa.string()) for _ in names],
                np.array([], dtype=np.int64),
                [(number, WRONG_FIELDS, {"line": text}) for number, text in wrong[told:]],
            )

    def _decoded(
        self, columns: list[pa.Array], numbers: np.ndarray[Any, np.dtype[np.int64]], bad: list[BadRow]
    ) -> Batch:
        """Columns as text; rows with bytes that are no text in this encoding are set aside."""
        try:
            texts = [column.cast(pa.string()) for column in columns]
            broken = None if self._encoding.is_utf8 else _replaced(texts)
        except pa.ArrowInvalid:
            broken = np.zeros(len(numbers), dtype=bool)
            for column in columns:
                broken |= np.fromiter(map(_is_broken, column), dtype=bool, count=len(column))
            texts = []
        if broken is None or not broken.any():
            return Batch(texts, numbers, bad)
        reason = f"bytes that are not {self._encoding.name.removesuffix('-sig')} text"
        for at in np.flatnonzero(broken):
            raw = [column[int(at)].as_py() for column in columns]
            record = {
                name: value.decode("utf-8", errors="backslashreplace")
                for name, value in zip(self.headers, raw, strict=True)
            }
            bad.append((int(numbers[at]), reason, record))
        keep = pa.array(~broken)
        return Batch([column.filter(keep).cast(pa.string()) for column in columns], numbers[~broken], bad)


def _numbers(parsed: int, rows: int, skipped: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Record numbers of the next `rows` well-formed rows: those that were skipped count too."""
    ordinals = np.arange(parsed + 1, parsed + rows + 1, dtype=np.int64)
    before = np.searchsorted(skipped - np.arange(len(skipped)), ordinals, side="right")
    return ordinals + before


def _replaced(texts: list[pa.Array]) -> np.ndarray[Any, Any] | None:
    import pyarrow.compute as pc

    broken = None
    for text in texts:
        found = pc.match_substring(text, "\ufffd").to_numpy(zero_copy_only=False)
        broken = found if broken is None else broken | found
    return broken


def _is_broken(value: Any) -> bool:
    try:
        value.as_py().decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def _told(error: Exception) -> str:
    """The reader's words without the row itself, which may hold personal data."""
    return str(error).splitlines()[0].split(" Row")[0][:120]


class _Ended:
    """pyarrow refuses a single record without a line break at its end; this adds one to any text."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._last = b"\n"
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        if data:
            self._last = data[-1:]
            return data
        if self._last in b"\r\n":
            return b""
        self._last = b"\n"
        return b"\n"

    def close(self) -> None:
        self.closed = True


def _ends_with_newline(file: BinaryIO) -> Any:
    return _Ended(file)
