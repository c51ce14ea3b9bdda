"""One file under one mapping, opened, checked and ready to be read. Imports pyarrow: import this module lazily."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from rapport.errors import PermanentError
from rapport.sources.files.detect import detect
from rapport.sources.files.dialect import match_headers
from rapport.sources.files.mapping import Mapping
from rapport.sources.files.readers import Reader, open_file
from rapport.sources.files.report import Detected
from rapport.sources.files.transform import Landing, Transformer


@dataclass
class Reading:
    """An opened file. `detected` says how it is read; `notes` is complete once all batches have been read."""

    file: str
    detected: tuple[Detected, ...]
    _reader: Reader | None
    _transformer: Transformer | None

    def batches(self) -> Iterator[Landing]:
        """Rows that can land and rows that cannot; the next batch is made while the caller has this one."""
        if self._reader is None or self._transformer is None:
            return
        batches = map(self._transformer.landing, self._reader.batches())
        with ThreadPoolExecutor(1, thread_name_prefix="read-file") as thread:
            coming: Future[Landing | None] = thread.submit(next, batches, None)
            while (landing := self._result(coming)) is not None:
                coming = thread.submit(next, batches, None)
                yield landing

    def _result(self, coming: Future[Landing | None]) -> Landing | None:
        try:
            return coming.result()
        except pa.ArrowException as error:
            words = str(error).splitlines()[0][:200]
            raise PermanentError(f"{self.file}: cannot be read: {words}. Nothing was imported.") from error

    @property
    def notes(self) -> tuple[str, ...]:
        unknown = self._transformer.unknown_countries if self._transformer else {}
        return tuple(
            f"country {name!r} is not known, left empty in {count:,} rows (add it under countries)"
            for name, count in sorted(unknown.items(), key=lambda item: -item[1])
        )


def open_reading(path: Path, mapping: Mapping, shop_time_zone: str) -> Reading:
    """Opens the file and decides how to read it.

    Raises PermanentError when a mapped column is missing, or a setting can neither be seen nor was stated.
    """
    reader = open_file(path, mapping)
    detected = list(reader.detected)
    if not reader.headers:
        return Reading(path.name, (*detected, Detected("rows", "none", "the file is empty")), None, None)
    places = match_headers(reader.headers, mapping.headers, str(path))
    settings = detect(reader, mapping, places, str(path))
    detected += settings.detected
    zone = mapping.time_zone or shop_time_zone
    detected.append(Detected("time zone", zone, "stated" if mapping.time_zone else "the shop's"))
    if isinstance(mapping.currency, str):
        detected.append(Detected("currency", mapping.currency, "stated"))
    return Reading(path.name, tuple(detected), reader, Transformer(mapping, settings, places, reader.headers, zone))
