"""Decimal sign and order of dates, decided from the data and refused when the data cannot decide.

Imports pyarrow: import this module lazily.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from rapport.errors import PermanentError
from rapport.sources.files import times, values
from rapport.sources.files.mapping import Mapping
from rapport.sources.files.readers import Reader
from rapport.sources.files.relations import COLUMNS
from rapport.sources.files.report import Detected

# One typing mistake in a hundred values does not make a column undecidable.
CLEAR = 100

_DATE = re.compile(r"^(\d{1,2})([-/. ])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
_ISO = re.compile(r"^[12]\d{3}([-/.]?)\d{1,2}\1\d{1,2}(?!\d)")


@dataclass
class DateEvidence:
    """Counts of distinct texts in one column that speak for an order."""

    iso: int = 0
    day_first: int = 0
    month_first: int = 0
    either: int = 0
    none: int = 0
    dots: int = 0

    def add(self, text: str) -> None:
        found = _DATE.match(text)
        if not found:
            if _ISO.match(text):
                self.iso += 1
            else:
                self.none += 1
            return
        first, second = int(found[1]), int(found[3])
        self.dots += found[2] == "."
        if first > 12 >= second:
            self.day_first += 1
        elif second > 12 >= first:
            self.month_first += 1
        elif first != second:
            self.either += 1

    @property
    def is_open(self) -> bool:
        return self.either > 0 and not (self.day_first or self.month_first or self.dots)


@dataclass
class Settings:
    """What a transformation needs to know beside the mapping."""

    decimal: str = "."
    orders: dict[str, times.Order | str] = field(default_factory=dict)
    detected: list[Detected] = field(default_factory=list)


def detect(reader: Reader, mapping: Mapping, places: dict[str, int], file: str) -> Settings:
    """Reads as many batches as it takes to decide. Raises PermanentError when the whole file cannot."""
    columns = {column.name: column.kind for column in COLUMNS[mapping.relation]}
    dates = {
        name: DateEvidence()
        for name in mapping.columns
        if columns[name] in ("time", "date") and not mapping.date_format
    }
    numbers = [name for name in mapping.columns if columns[name] in ("number", "whole")]
    decimals: Counter[str] = Counter()
    seek_decimal = mapping.decimal is None and bool(numbers)
    if dates or seek_decimal:
        for batch in reader.batches():
            of = {name: batch.columns[places[mapping.columns[name]]] for name in (*dates, *numbers)}
            for name, evidence in dates.items():
                _add_dates(evidence, of[name], mapping.nulls)
            if seek_decimal:
                _add_decimals(decimals, (of[name] for name in numbers), mapping.nulls)
            open_decimal = decimals["either"] and not (decimals[","] or decimals["."])
            if not open_decimal and not any(evidence.is_open for evidence in dates.values()):
                break
    found = Settings()
    if seek_decimal:
        found.decimal, how = _decide_decimal(decimals, file)
        found.detected.append(Detected("decimal", found.decimal, how))
    elif mapping.decimal:
        found.decimal = mapping.decimal
        found.detected.append(Detected("decimal", found.decimal, "stated"))
    for name in mapping.columns:
        if columns[name] in ("time", "date"):
            _settle_date(found, name, mapping, dates.get(name), file)
    return found


def _texts(array: pa.Array, nulls: tuple[str, ...]) -> list[str]:
    if not pa.types.is_string(array.type):
        return []
    return list(pc.unique(values.text(array, nulls)).drop_null().to_pylist())


def _add_dates(evidence: DateEvidence, array: pa.Array, nulls: tuple[str, ...]) -> None:
    for text in _texts(array, nulls):
        evidence.add(text)


def _add_decimals(found: Counter[str], arrays: Iterable[pa.Array], nulls: tuple[str, ...]) -> None:
    for array in arrays:
        if not pa.types.is_string(array.type):
            continue
        marked = pc.filter(array, pc.fill_null(pc.match_substring_regex(array, "[.,]"), False))
        found.update(map(decimal_sign, _texts(marked, nulls)))


def decimal_sign(text: str) -> str:
    """Which sign the number must have as its decimal: '.', ',', either, or none when it is no number."""
    digits = re.sub(r"[^\d.,]", "", text)
    signs = re.sub(r"\d", "", digits)
    if not signs or not re.search(r"\d", digits):
        return "none"
    if len(set(signs)) == 2:
        return signs[-1] if signs.count(signs[-1]) == 1 else "none"
    if len(signs) > 1:
        return "," if signs[0] == "." else "."
    head, tail = re.split("[.,]", digits)
    thousands = len(tail) == 3 and 1 <= len(head) <= 3 and head != "0"
    return "either" if thousands else signs


def _decide_decimal(found: Counter[str], file: str) -> tuple[str, str]:
    point, comma = found["."], found[","]
    if not point and not comma:
        if found["either"]:
            raise PermanentError(
                f"{file}: numbers such as 1,234 or 1.234 may mean a thousand or a fraction, and no number in the "
                "file decides it. State decimal: '.' or decimal: ',' in the mapping. Nothing was imported."
            )
        return ".", "no fractions written as text"
    sign, for_it, against = (".", point, comma) if point >= comma else (",", comma, point)
    if against * CLEAR > for_it:
        raise PermanentError(
            f"{file}: {point} numbers are written with a decimal point and {comma} with a decimal comma. "
            "Export it with one sign, or state decimal in the mapping; the others then go to quarantine. "
            "Nothing was imported."
        )
    return sign, f"decided by {for_it} numbers" + (f", against {against}" if against else "")


def _settle_date(found: Settings, name: str, mapping: Mapping, evidence: DateEvidence | None, file: str) -> None:
    if mapping.date_format:
        found.orders[name] = times.reading(mapping.date_format)
        found.detected.append(Detected(f"dates in {name}", mapping.date_format, "stated"))
        return
    order, how = decide_order(evidence or DateEvidence(), f"{file}: {mapping.columns[name]!r}")
    found.orders[name] = order
    found.detected.append(Detected(f"dates in {name}", order, how))


def decide_order(seen: DateEvidence, where: str) -> tuple[times.Order, str]:
    """The order of day, month and year. Raises PermanentError when it cannot be told."""
    split = seen.day_first + seen.month_first + seen.either
    if seen.none > (seen.iso + split) and seen.none > 0:
        raise PermanentError(
            f"{where}: the dates are in no format that can be told. State date_format in the mapping, "
            "for example '%d %b %Y %H:%M'. Nothing was imported."
        )
    if not split:
        return "ymd", "year first" if seen.iso else "no dates written as text"
    most, least = max(seen.day_first, seen.month_first), min(seen.day_first, seen.month_first)
    if least * CLEAR > most:
        raise PermanentError(
            f"{where}: {seen.day_first} dates can only be day/month and {seen.month_first} only month/day. "
            "Export them in one order, or state date_format; the others then go to quarantine. "
            "Nothing was imported."
        )
    if most:
        order: times.Order = "dmy" if seen.day_first > seen.month_first else "mdy"
        return order, f"decided by {most} dates with a day after the 12th" + (f", against {least}" if least else "")
    if seen.dots:
        return "dmy", "dots between day and month"
    raise PermanentError(
        f"{where}: every date reads as day/month and as month/day alike. State date_format: dmy or "
        "date_format: mdy in the mapping. Nothing was imported."
    )
