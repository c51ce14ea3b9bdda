"""Parquet files: typed columns, in batches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rapport.errors import PermanentError
from rapport.sources.files.readers import BATCH_ROWS, Batch
from rapport.sources.files.report import Detected


class ParquetReader:
    """Raises PermanentError when the file is not whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.detected = [Detected("format", "parquet", "first bytes")]
        try:
            self.headers: list[str] = list(pq.read_schema(path).names)
        except pa.ArrowInvalid as error:
            raise PermanentError(f"{path}: cannot be read as Parquet: {error}") from None

    def batches(self) -> Iterator[Batch]:
        first = 1
        with pq.ParquetFile(self._path) as file:
            try:
                for batch in file.iter_batches(batch_size=BATCH_ROWS):
                    columns = [_plain(column) for column in batch.columns]
                    yield Batch(columns, np.arange(first, first + batch.num_rows, dtype=np.int64))
                    first += batch.num_rows
            except (pa.ArrowInvalid, OSError) as error:
                raise PermanentError(f"{self._path}: cannot be read as Parquet: {error}") from None


def _plain(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    text = pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_null(kind)
    return column.cast(pa.string()) if text or pa.types.is_binary(kind) else column
