"""Columns of dates and times to instants in UTC. Imports pyarrow: import this module lazily.

A local time that a change of clocks repeats is the earlier of its two instants; one that it skips is the
instant of the change.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rapport.sources.files.values import Parsed, by_value

Order = Literal["ymd", "dmy", "mdy"]

INSTANT = pa.timestamp("us", "UTC")
LOCAL = pa.timestamp("us")
# Two-digit years from here on are of the last century, as in POSIX.
PIVOT = 69

_TIME = (
    r"(?:(?:[T\s,]+)(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)?"
    r"\s*(?P<p>[AaPp]\.?[Mm]\.?)?)?\s*(?P<z>Z|UTC|GMT|[+-]\d{2}:?\d{2})?$"
)
_DAY = {
    "ymd": r"^(?P<y>[12]\d{3})[-/.]?(?P<m>\d{1,2})[-/.]?(?P<d>\d{1,2})",
    "dmy": r"^(?P<d>\d{1,2})[-/. ](?P<m>\d{1,2})[-/. ](?P<y>[12]\d{3}|\d{2})",
    "mdy": r"^(?P<m>\d{1,2})[-/. ](?P<d>\d{1,2})[-/. ](?P<y>[12]\d{3}|\d{2})",
}
_NUMERIC = {"d": "d", "m": "m", "Y": "y", "y": "y"}


def reading(date_format: str) -> Order | str:
    """`iso`, `dmy`, ... and strptime formats of numbers alone as an order of parts; others as they are."""
    if date_format in ("iso", "ymd"):
        return "ymd"
    if date_format in ("dmy", "mdy"):
        return date_format
    letters = re.findall(r"%-?(.)", date_format)
    order = "".join(_NUMERIC[letter] for letter in letters if letter in _NUMERIC)
    four_digits_first = order != "ymd" or "Y" in letters
    if order in ("ymd", "dmy", "mdy") and set(letters) <= set("dmYyHMSfpIzTF") and four_digits_first:
        return order
    return date_format


def instant(array: pa.Array, order: Order | str, zone: str) -> Parsed:
    """Instants in UTC. Times without an offset are local times of `zone`."""
    kind = array.type
    if pa.types.is_timestamp(kind):
        if kind.tz:
            return array.cast(INSTANT, safe=False), None
        return _in_zone(array.cast(LOCAL, safe=False), zone), None
    if pa.types.is_date(kind):
        return _in_zone(array.cast(LOCAL), zone), None
    return _texts(array, order, zone)


def day(array: pa.Array, order: Order | str) -> Parsed:
    """Calendar dates; a time of day beside them is left out."""
    if pa.types.is_timestamp(array.type) or pa.types.is_date(array.type):
        return array.cast(LOCAL, safe=False).cast(pa.date32(), safe=False), None
    values, bad = _texts(array, order, None)
    return values.cast(pa.date32(), safe=False), bad


def _texts(array: pa.Array, order: Order | str, zone: str | None) -> Parsed:
    if not pa.types.is_string(array.type):
        array = array.cast(pa.string())
    if order not in _DAY:
        return _formatted(array, order, zone)
    coded = array.dictionary_encode()
    values, bad = _distinct(coded.dictionary, order, zone)
    found = values.take(coded.indices)
    return found, None if bad is None else pc.fill_null(bad.take(coded.indices), False)


def _distinct(texts: pa.Array, order: str, zone: str | None) -> Parsed:
    if order == "ymd":
        try:
            local = texts.cast(LOCAL)
        except pa.ArrowInvalid:
            local = None  # some hold an offset, or are no times
        if local is not None and _of_our_age(local):
            return _in_zone(local, zone), None
    parts = _parts(texts, order)
    local = _calendar(parts)
    offset = _field(parts, "z")
    has_offset = pc.fill_null(pc.not_equal(offset, ""), False)
    bad = pc.and_(pc.is_valid(texts), pc.is_null(local))
    if zone is None:
        values = local
    elif pc.any(has_offset).as_py():
        away = pc.subtract(local, _minutes(offset)).cast(LOCAL)
        values = pc.if_else(has_offset, pc.assume_timezone(away, "UTC"), _in_zone(local, zone))
    else:
        values = _in_zone(local, zone)
    return values, bad if pc.any(bad).as_py() else None


def _of_our_age(local: pa.Array) -> bool:
    """Years outside are typing mistakes; the slow way finds which rows they are in."""
    years = pc.min_max(pc.year(local)).as_py()
    return years["min"] is None or (years["min"] >= 1000 and years["max"] < 3000)


def _parts(texts: pa.Array, order: str) -> pa.Array:
    """Named parts of each text; a year of four digits in front is read as such whatever the order."""
    parts = pc.extract_regex(texts, _DAY[order] + _TIME)
    if order == "ymd":
        return parts
    iso = pc.extract_regex(texts, _DAY["ymd"] + _TIME)
    names = ("y", "m", "d", "H", "M", "S", "f", "p", "z")
    return pa.StructArray.from_arrays(
        [pc.coalesce(_field(parts, name), _field(iso, name)) for name in names], names=list(names)
    )


def _field(parts: pa.Array, name: str) -> pa.Array:
    return pc.struct_field(parts, name)


def _calendar(parts: pa.Array) -> pa.Array:
    """Local times; null where the parts make none, such as 30 February or 25:00."""
    year, meridiem = _field(parts, "y"), _field(parts, "p")
    short = pc.equal(pc.utf8_length(year), 2)
    century = pc.if_else(pc.less(pc.if_else(short, year, "00").cast(pa.int32()), PIVOT), "20", "19")
    year = pc.if_else(short, pc.binary_join_element_wise(century, year, ""), year)
    hour = _two(_field(parts, "H"))
    if pc.any(pc.not_equal(meridiem, "")).as_py():
        hour = _clock_of_24(hour, meridiem)
    fraction = pc.utf8_rpad(pc.utf8_slice_codeunits(_field(parts, "f"), 0, 6), 6, "0")
    days = pc.binary_join_element_wise(year, _two(_field(parts, "m")), _two(_field(parts, "d")), "-")
    clock = pc.binary_join_element_wise(hour, _two(_field(parts, "M")), _two(_field(parts, "S")), ":")
    texts = pc.binary_join_element_wise(days, pc.binary_join_element_wise(clock, fraction, "."), "T")
    try:
        return texts.cast(LOCAL)
    except pa.ArrowInvalid:
        return by_value(texts, datetime.fromisoformat, LOCAL)[0]


def _two(array: pa.Array) -> pa.Array:
    return pc.utf8_lpad(array, 2, "0")


def _clock_of_24(hour: pa.Array, meridiem: pa.Array) -> pa.Array:
    number = hour.cast(pa.int32())
    twelve = pc.equal(number, 12)
    after = pc.starts_with(meridiem, "p", ignore_case=True)
    turned = pc.add(pc.if_else(twelve, 0, number), pc.if_else(after, 12, 0))
    # 13:00 PM becomes 25:00, which is refused with the other impossible times.
    said = pc.not_equal(meridiem, "")
    return _two(pc.if_else(said, turned, number).cast(pa.string()))


def _minutes(offset: pa.Array) -> pa.Array:
    """Offsets such as +0200 as durations; Z, UTC and nothing are zero."""
    coded = offset.dictionary_encode()
    minutes = []
    for text in coded.dictionary.to_pylist():
        digits = text[1:].replace(":", "") if text[:1] in ("+", "-") else "0000"
        size = int(digits[:2]) * 60 + int(digits[2:])
        minutes.append(-size if text[:1] == "-" else size)
    micros = np.array(minutes, dtype="int64") * 60_000_000
    return pa.array(micros, pa.duration("us")).take(coded.indices)


def _in_zone(local: pa.Array, zone: str | None) -> pa.Array:
    if zone is None:
        return local
    return pc.assume_timezone(local, zone, ambiguous="earliest", nonexistent="latest").cast(INSTANT)


def _formatted(array: pa.Array, date_format: str, zone: str | None) -> Parsed:
    """A format with names of months or the like, through Python, once for each distinct text."""
    parse = _parser(date_format)
    if zone is None:
        values, bad = by_value(array, lambda text: parse(text).replace(tzinfo=None), LOCAL)
        return values, bad
    aware, bad = by_value(array, lambda text: _utc(parse(text)), INSTANT)
    local, _ = by_value(array, lambda text: _naive(parse(text)), LOCAL)
    return pc.coalesce(aware, _in_zone(local, zone)), bad


def _parser(date_format: str) -> Callable[[str], datetime]:
    return lambda text: datetime.strptime(text, date_format)  # noqa: DTZ007 (the zone is applied to the column)


def _utc(value: datetime) -> datetime | None:
    return value.astimezone(UTC) if value.tzinfo else None


def _naive(value: datetime) -> datetime | None:
    return None if value.tzinfo else value
