"""JSON Lines: one object a line."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from rapport.sources.files.encoding import find_encoding, open_as_utf8
from rapport.sources.files.mapping import Mapping
from rapport.sources.files.readers import BATCH_ROWS, BadRow, Batch, column_of
from rapport.sources.files.report import Detected

HEADER_ROWS = 10_000


class JsonlReader:
    """Headers are the keys of the first records; `a.b` reaches into an object."""

    def __init__(self, path: Path, mapping: Mapping) -> None:
        self._path = path
        self._decimal = mapping.decimal
        self._skip = mapping.skip_lines
        self._encoding = find_encoding(path, mapping.encoding)
        self.detected = [
            Detected("format", "jsonl", "file name"),
            Detected("encoding", self._encoding.name, self._encoding.how),
        ]
        self.headers = self._find_headers(mapping.headers)

    def batches(self) -> Iterator[Batch]:
        records: list[dict[str, Any]] = []
        numbers: list[int] = []
        bad: list[BadRow] = []
        for number, line in self._lines():
            record = _object(line)
            if record is None:
                text = line.decode("utf-8", errors="replace").rstrip("\r\n")
                bad.append((number, "not a JSON object in one line", {"line": text}))
            else:
                records.append(record)
                numbers.append(number)
            if len(records) + len(bad) >= BATCH_ROWS:
                yield self._batch(records, numbers, bad)
                records, numbers, bad = [], [], []
        if records or bad:
            yield self._batch(records, numbers, bad)

    def _batch(self, records: list[dict[str, Any]], numbers: list[int], bad: list[BadRow]) -> Batch:
        columns = [column_of([_reach(record, header) for record in records], self._decimal) for header in self.headers]
        return Batch(columns, np.array(numbers, dtype=np.int64), bad)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        number = 0
        with open_as_utf8(self._path, self._encoding) as file:
            for line in islice(file, self._skip, None):
                if line.strip():
                    number += 1
                    yield number, line

    def _find_headers(self, wanted: tuple[str, ...]) -> list[str]:
        """Keys may be left out of records, so a header counts as there when any early record has it."""
        found: dict[str, None] = {}
        seen = False
        for _, line in islice(self._lines(), HEADER_ROWS):
            seen = True
            record = _object(line)
            if record is not None:
                found.update(dict.fromkeys(record))
                found.update((name, None) for name in wanted if name not in found and _has(record, name))
        return list(found) if seen else list(wanted)


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return record if isinstance(record, dict) else None


def _has(record: dict[str, Any], name: str) -> bool:
    if name in record:
        return True
    first, dot, rest = name.partition(".")
    inner = record.get(first)
    return bool(dot) and isinstance(inner, dict) and _has(inner, rest)


def _reach(record: dict[str, Any], name: str) -> Any:
    if name in record or "." not in name:
        return record.get(name)
    first, _, rest = name.partition(".")
    inner = record.get(first)
    return _reach(inner, rest) if isinstance(inner, dict) else None
