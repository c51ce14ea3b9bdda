"""Raw tables as declared columns, and the reading of one record into such a table or into quarantine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

Type = Literal["text", "bigint", "bool", "decimal", "json", "timestamp"]
Record = Mapping[str, Any]
Sink = Callable[[str, list[tuple[int, str, Record]]], None]
"""Takes a table's name and (record number, reason, record) of what could not be read."""

FLUSH_AT = 500
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
BIGINT = 2**63


class Unreadable(ValueError):
    """A record that does not fit its table; the message names the column, never the value."""


@dataclass(frozen=True)
class Table:
    """A raw table with key `id`. Of two versions of a record in one load, the greater `version` is kept."""

    name: str
    columns: Mapping[str, Type]
    required: frozenset[str]
    version: str

    def hints(self) -> dict[str, dict[str, Any]]:
        """Columns as dlt wants them declared."""
        return {name: self._hint(name, kind) for name, kind in self.columns.items()}

    def _hint(self, name: str, kind: Type) -> dict[str, Any]:
        hint: dict[str, Any] = {"name": name, "data_type": kind, "nullable": name not in self.required}
        if kind == "decimal":
            hint |= {"precision": 18, "scale": 4}
        if name == "id":
            hint["primary_key"] = True
        if name == self.version:
            hint["dedup_sort"] = "desc"
        return hint

    def read(self, values: Record) -> dict[str, Any]:
        """A row with exactly the declared columns. Raises Unreadable naming the first column that does not fit."""
        row: dict[str, Any] = {}
        for name, kind in self.columns.items():
            value = values.get(name)
            if value is None or (value == "" and (kind != "text" or name in self.required)):
                if name in self.required:
                    raise Unreadable(f"{name} is missing")
                row[name] = None
                continue
            try:
                row[name] = READERS[kind](value)
            except (ValueError, TypeError, InvalidOperation, OverflowError):
                raise Unreadable(f"{name} is not a readable {WORDS[kind]}") from None
        return row


def _text(value: Any) -> str:
    if isinstance(value, (dict, list, bool)):
        raise TypeError
    # Postgres holds no NUL in text.
    return str(value).replace("\x00", "")


def _bigint(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise TypeError
    number = int(value)
    if not -BIGINT <= number < BIGINT:
        raise OverflowError
    return number


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _decimal(value: Any) -> Decimal:
    number = Decimal(str(value))
    if not number.is_finite() or abs(number) >= 10**14:
        raise ValueError
    return number.quantize(Decimal("0.0001"))


def _json(value: Any) -> Any:
    if not isinstance(value, (dict, list)):
        raise TypeError
    return value


def moment(value: Any) -> datetime:
    """An aware UTC time from ISO 8601 text. Raises ValueError for what has no zone or lies beyond 2199."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(at, datetime) or at.tzinfo is None:
        raise ValueError("no time with a zone")
    at = at.astimezone(UTC)
    if at >= LATEST:
        raise ValueError("too far ahead")
    return at


READERS: Mapping[Type, Callable[[Any], Any]] = {
    "text": _text,
    "bigint": _bigint,
    "bool": _bool,
    "decimal": _decimal,
    "json": _json,
    "timestamp": moment,
}
WORDS: Mapping[Type, str] = {
    "text": "text",
    "bigint": "whole number",
    "bool": "true or false",
    "decimal": "amount",
    "json": "list or object",
    "timestamp": "time with a zone",
}


@dataclass
class Intake:
    """What one load read, by table. Bad records go to `sink` in batches; call `flush` at the end."""

    sink: Sink
    read: Counter[str] = field(default_factory=Counter)
    bad: Counter[str] = field(default_factory=Counter)
    _waiting: dict[str, list[tuple[int, str, Record]]] = field(default_factory=dict)

    def rows(self, table: Table, records: Iterable[Any], shape: Callable[[Record], Record]) -> Iterator[dict[str, Any]]:
        """Readable records of a page as rows of `table`; the others are put aside with their reason."""
        for record in records:
            self.read[table.name] += 1
            try:
                if not isinstance(record, Mapping):
                    raise Unreadable("the record is not an object")
                row = table.read(shape(record))
            except Unreadable as error:
                self._put_aside(table.name, str(error), record)
            except (TypeError, AttributeError, KeyError, ValueError, IndexError):
                self._put_aside(table.name, "a nested part has another shape than the API states", record)
            else:
                yield row

    def flush(self) -> None:
        for table, waiting in self._waiting.items():
            if waiting:
                self.sink(table, waiting)
        self._waiting.clear()

    def _put_aside(self, table: str, reason: str, record: Any) -> None:
        self.bad[table] += 1
        waiting = self._waiting.setdefault(table, [])
        waiting.append((self.read[table], reason, record if isinstance(record, Mapping) else {"record": record}))
        if len(waiting) >= FLUSH_AT:
            self.sink(table, list(waiting))
            waiting.clear()


def dig(record: Any, *path: str) -> Any:
    """The value at a path of nested objects; None where a step is missing or null."""
    for step in path:
        if record is None:
            return None
        record = record.get(step)
    return record
