"""Columns of text or typed values to columns that Postgres takes, with a mask of what cannot be read.

Every function gives (values, bad): `bad` is true where a value stands that cannot be read, and None when
there is none. Empty text is no value, not a bad one. Imports pyarrow: import this module lazily.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

Parsed = tuple[pa.Array, pa.Array | None]

PLAIN_NUMBER = r"^[+-]?[0-9]{1,14}(\.[0-9]+)?$"
# With a thousands sign, spaces already taken out; an exponent of one digit still fits numeric(18, 4).
NUMBER = r"^[+-]?([0-9]{1,14}|[0-9]{1,3}(,[0-9]{3}){1,4})?(\.[0-9]*)?$"
SCIENTIFIC = r"^[+-]?[0-9](\.[0-9]+)?[eE][+-]?[0-9]$"
NOISE = "[\\s\u00a0\u202f\u2009'’€£$¥₹₽₺\u200e\u200f\u061c]|kr\\.?|CHF|EUR|USD|GBP"
LARGEST = 1e14


def text(array: pa.Array, nulls: tuple[str, ...] = ()) -> pa.Array:
    """Text without surrounding blanks; '' and the stated words for nothing become null."""
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_nan(array), None, array)
    if not pa.types.is_string(array.type):
        array = array.cast(pa.string())
    array = pc.utf8_trim_whitespace(array)
    empty = pc.equal(array, "")
    if nulls:
        empty = pc.or_(empty, pc.is_in(array, value_set=pa.array(nulls)))
    return pc.if_else(empty, pa.scalar(None, pa.string()), array) if _any(empty) else array


def identifier(array: pa.Array) -> pa.Array:
    """Ids as text; 13085.0, which spreadsheets make of 13085, is 13085 again."""
    if _any(pc.ends_with(array, ".0")):
        return pc.replace_substring_regex(array, r"^([0-9]+)\.0$", r"\1")
    return array


def number(array: pa.Array, decimal: str) -> Parsed:
    """Numbers as text in Postgres' spelling, at most 14 digits before the decimal sign."""
    if pa.types.is_floating(array.type):
        filled = pc.if_else(pc.is_nan(array), None, array)
        return filled.cast(pa.string()), _mask(pc.greater_equal(pc.abs(filled), LARGEST))
    if not pa.types.is_string(array.type):
        array = array.cast(pa.string())
    if decimal == ".":
        plain = pc.match_substring_regex(array, PLAIN_NUMBER)
        if pc.all(plain).as_py() is not False:
            return array, None
    return _loose_number(array, decimal)


def _loose_number(array: pa.Array, decimal: str) -> Parsed:
    clean = pc.replace_substring_regex(array, NOISE, "")
    clean = pc.replace_substring(clean, "\u2212", "-")
    clean = pc.replace_substring_regex(clean, r"^\((.+)\)$", r"-\1")
    clean = pc.replace_substring_regex(clean, r"^([0-9.,]+)-$", r"-\1")
    if decimal == ",":
        clean = pc.replace_substring(clean, ".", "\x01")
        clean = pc.replace_substring(clean, ",", ".")
        clean = pc.replace_substring(clean, "\x01", ",")
    good = pc.and_(pc.match_substring_regex(clean, NUMBER), pc.match_substring_regex(clean, "[0-9]"))
    good = pc.or_(good, pc.match_substring_regex(clean, SCIENTIFIC))
    values = pc.replace_substring(clean, ",", "")
    return pc.if_else(good, values, pa.scalar(None, pa.string())), _mask(pc.invert(good))


def whole(array: pa.Array, decimal: str, digits: int) -> Parsed:
    """Whole numbers of at most `digits` digits, as text."""
    values, bad = number(array, decimal)
    values = pc.replace_substring_regex(values, r"\.0*$", "")
    good = pc.match_substring_regex(values, rf"^[+-]?[0-9]{{1,{digits}}}$")
    wrong = _mask(pc.invert(good))
    values = pc.if_else(good, values, pa.scalar(None, pa.string()))
    return values, either(bad, wrong)


def by_value(array: pa.Array, read: Callable[[str], Any], kind: pa.DataType) -> Parsed:
    """Each distinct text through `read`, which raises ValueError for what it cannot read."""
    coded = array.dictionary_encode()
    values: list[Any] = []
    wrong: list[bool] = []
    for item in coded.dictionary.to_pylist():
        try:
            values.append(read(item))
            wrong.append(False)
        except ValueError:
            values.append(None)
            wrong.append(True)
    bad = pa.array(wrong, pa.bool_()).take(coded.indices) if any(wrong) else None
    return pa.array(values, kind).take(coded.indices), _mask(bad)


GRANTED = frozenset(
    {"true", "t", "yes", "y", "1", "x", "on", "subscribed", "opted_in", "opt-in"}
    | {"ja", "j", "oui", "si", "sí", "sim", "da", "はい"}
)
REFUSED = frozenset(
    {"false", "f", "no", "n", "0", "off", "unsubscribed", "not_subscribed", "opted_out", "opt-out"}
    | {"nein", "non", "não", "nej", "いいえ"}
)


def boolean(array: pa.Array, granted: tuple[str, ...] = (), refused: tuple[str, ...] = ()) -> Parsed:
    """Words for yes and no; a word that is neither is bad, never guessed."""
    if pa.types.is_boolean(array.type):
        return array, None
    yes = GRANTED | {word.casefold() for word in granted}
    no = (REFUSED | {word.casefold() for word in refused}) - {word.casefold() for word in granted}
    yes = yes - {word.casefold() for word in refused}

    def read(word: str) -> bool:
        if word.casefold() in yes:
            return True
        if word.casefold() in no:
            return False
        raise ValueError(word)

    return by_value(array, read, pa.bool_())


def country(array: pa.Array, names: Mapping[str, str | None], language: str) -> tuple[pa.Array, list[str]]:
    """ISO 3166 codes, and the names that stand for none; those become null and are told, not refused."""
    from babel import Locale

    known: dict[str, str | None] = {"uk": "GB", "u.k.": "GB", "usa": "US", "u.s.a.": "US"}
    for territory, name in Locale.parse(language).territories.items():
        if len(territory) == 2 and territory.isalpha():
            known |= {territory.casefold(): territory, name.casefold(): territory}
    known |= {name.casefold(): code for name, code in names.items()}
    coded = array.dictionary_encode()
    found = coded.dictionary.to_pylist()
    codes = pa.array([known.get(name.casefold()) for name in found], pa.string())
    unknown = [name for name in found if name.casefold() not in known]
    return codes.take(coded.indices), unknown


def either(left: pa.Array | None, right: pa.Array | None) -> pa.Array | None:
    """True where one of two masks is."""
    if left is None or right is None:
        return right if left is None else left
    return pc.or_(left, right)


def _mask(bad: pa.Array | None) -> pa.Array | None:
    """None when nothing is bad; nulls are no values and therefore not bad."""
    if bad is None or not _any(bad):
        return None
    return pc.fill_null(bad, False)


def _any(mask: pa.Array) -> bool:
    return bool(pc.any(mask).as_py())
