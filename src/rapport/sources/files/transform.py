"""One batch of a file to rows of `raw_files.<relation>` and rows for quarantine. Imports pyarrow: import lazily."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rapport.sources.files import times, values
from rapport.sources.files.detect import Settings
from rapport.sources.files.lines import is_cancellation, kinds_of_lines
from rapport.sources.files.mapping import CurrencyColumn, Mapping
from rapport.sources.files.ordinals import Ordinals
from rapport.sources.files.readers import BadRow, Batch
from rapport.sources.files.relations import COLUMNS, MADE, Column

READ_AS = {
    "number": "is not a number",
    "whole": "is not a whole number",
    "time": "is not a date or time of the expected format",
    "date": "is not a date of the expected format",
    "boolean": "is neither yes nor no (see consent_words in the mapping)",
}
DIGITS = {"line_no": 9, "inventory": 18, "points": 9, "points_expiring": 9}
NUL = "holds a zero byte, which Postgres cannot store"
CURRENCY = "is not a currency code of three letters"


@dataclass
class Landing:
    """Rows that can land, columns as `landing_columns` says, and those that cannot with their reason."""

    table: pa.Table
    bad: list[BadRow]


@dataclass
class _Faults:
    """Masks of bad values under their reasons."""

    masks: list[tuple[str, np.ndarray[Any, Any]]] = field(default_factory=list)

    def add(self, reason: str, mask: pa.Array | None) -> None:
        if mask is not None:
            found = mask.to_numpy(zero_copy_only=False)
            if found.any():
                self.masks.append((reason, found))


def landing_columns(mapping: Mapping) -> tuple[str, ...]:
    """Names of the table's columns, in order: record number, ours, and those that rules make."""
    names = (column.name for column in COLUMNS[mapping.relation])
    return ("record_no", *names, *MADE[mapping.relation])


class Transformer:
    """Keeps what goes on from batch to batch: lines counted within orders, countries not known."""

    def __init__(
        self, mapping: Mapping, settings: Settings, places: dict[str, int], headers: list[str], zone: str
    ) -> None:
        self._mapping = mapping
        self._settings = settings
        self._places = places
        self._names = _distinct(headers)
        self._zone = zone
        self._ordinals = Ordinals()
        self.unknown_countries: Counter[str] = Counter()

    def landing(self, batch: Batch) -> Landing:
        """Rows of the batch that can land, and the others."""
        faults = _Faults()
        columns: dict[str, pa.Array] = {"record_no": pa.array(batch.numbers)}
        for column in COLUMNS[self._mapping.relation]:
            columns[column.name] = self._column(column, batch, faults)
        if self._mapping.relation == "order_lines":
            self._complete_lines(columns, batch)
        table = pa.table({name: columns[name] for name in landing_columns(self._mapping)})
        if not faults.masks:
            return Landing(table, batch.bad)
        bad = np.logical_or.reduce([mask for _, mask in faults.masks])
        return Landing(table.filter(pa.array(~bad)), batch.bad + self._set_aside(batch, bad, faults))

    def _column(self, column: Column, batch: Batch, faults: _Faults) -> pa.Array:
        header = self._header(column.name)
        if header is None:
            return self._constant(column.name, batch.rows)
        raw = batch.columns[self._places[header]]
        array, bad = self._read(column, raw)
        faults.add(f"{column.name} {READ_AS.get(column.kind, '')}", bad)
        if column.required:
            missing = pc.is_null(array)
            faults.add(f"{column.name} is empty", missing if bad is None else pc.and_not(missing, bad))
        if column.name == "currency_code":
            array = pc.utf8_upper(array)
            faults.add(f"{column.name} {CURRENCY}", _not_matching(array, "^[A-Z]{3}$"))
        if pa.types.is_string(array.type):
            faults.add(f"{column.name} {NUL}", pc.fill_null(pc.match_substring(array, "\0"), False))
        return array

    def _header(self, name: str) -> str | None:
        currency = self._mapping.currency
        if name == "currency_code" and isinstance(currency, CurrencyColumn):
            return currency.column
        return self._mapping.columns.get(name)

    def _constant(self, name: str, rows: int) -> pa.Array:
        if name == "currency_code" and isinstance(self._mapping.currency, str):
            return pa.repeat(self._mapping.currency, rows)
        if name == "discount":
            return pa.repeat("0", rows)
        return pa.nulls(rows, pa.string())

    def _read(self, column: Column, raw: pa.Array) -> values.Parsed:
        mapping, name = self._mapping, column.name
        if pa.types.is_string(raw.type):
            raw = values.text(raw, mapping.nulls)
        if column.kind == "number":
            array, bad = values.number(raw, self._settings.decimal)
            return (pc.fill_null(array, "0"), bad) if name == "discount" else (array, bad)
        if column.kind == "whole":
            return values.whole(raw, self._settings.decimal, DIGITS[name])
        if column.kind == "time":
            return times.instant(raw, self._settings.orders[name], self._zone)
        if column.kind == "date":
            return times.day(raw, self._settings.orders[name])
        if column.kind == "boolean":
            words = mapping.consent_words
            return values.boolean(raw, words.granted, words.refused)
        text = values.text(raw, mapping.nulls)
        if column.kind == "id":
            return values.identifier(text), None
        return (self._country(text), None) if column.kind == "country" else (text, None)

    def _country(self, text: pa.Array) -> pa.Array:
        codes, unknown = values.country(text, self._mapping.countries, self._mapping.language)
        for name in unknown:
            self.unknown_countries[name] += pc.sum(pc.equal(text, name)).as_py() or 0
        return codes

    def _complete_lines(self, columns: dict[str, pa.Array], batch: Batch) -> None:
        mapping = self._mapping
        if "line_no" not in mapping.columns:
            # Rows for quarantine count too: once mended, they take the number that was kept for them.
            columns["line_no"] = self._ordinals.number(columns["order_id"])
        rule = mapping.rules.cancellation
        told = values.text(batch.columns[self._places[rule.column]]) if rule else None
        columns["is_cancellation"] = is_cancellation(rule, told, batch.rows)
        columns["line_kind"] = kinds_of_lines(mapping, columns)

    def _set_aside(self, batch: Batch, bad: np.ndarray[Any, Any], faults: _Faults) -> list[BadRow]:
        at = np.flatnonzero(bad)
        chosen = pa.array(at)
        kept = [column.take(chosen).to_pylist() for column in batch.columns]
        reasons = [(reason, mask[at]) for reason, mask in faults.masks]
        rows: list[BadRow] = []
        for row, number in enumerate(batch.numbers[at].tolist()):
            why = "; ".join(reason for reason, mask in reasons if mask[row])
            record = {name: column[row] for name, column in zip(self._names, kept, strict=True)}
            rows.append((number, why, record))
        return rows


def _distinct(names: Iterable[str]) -> list[str]:
    found: list[str] = []
    for at, name in enumerate(names):
        found.append(name if name and name not in found else f"{name or 'column'} {at + 1}")
    return found


def _not_matching(array: pa.Array, pattern: str) -> pa.Array:
    return pc.fill_null(pc.invert(pc.match_substring_regex(array, pattern)), False)
