"""A mapping file: which of a shop's headers is which of our columns, and what cannot be seen in the data."""

from __future__ import annotations

import codecs
import re
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from rapport.sources.files.relations import COLUMNS, KEYS, Relation

DATE_WORDS = ("iso", "ymd", "dmy", "mdy")

Header = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Pattern(_Strict):
    """A regular expression (RE2), for codes that are not one word."""

    regex: str

    @field_validator("regex")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"{value!r} is not a regular expression: {error}") from error
        return value


Code = Annotated[str, Field(coerce_numbers_to_str=True)] | Pattern


class Cancellation(_Strict):
    """Which lines belong to a cancellation or credit note: by prefix, or by value, of one of their columns."""

    column: Header
    prefix: str | None = None
    values: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.prefix) == bool(self.values):
            raise ValueError("give either prefix or values")
        return self


class Rules(_Strict):
    """Facts about lines that the export tells in its own way."""

    cancellation: Cancellation | None = None
    stock_movements: Literal["zero_price_without_customer"] | None = None


class CurrencyColumn(_Strict):
    column: Header


Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | CurrencyColumn


class ConsentWords(_Strict):
    """Further words for a consent given and refused, beside the usual ones."""

    granted: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


class Mapping(_Strict):
    """How to read one relation of one feed. Settings left out are detected and reported."""

    feed: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
    relation: Relation
    file: str | None = None
    columns: dict[str, Header]
    encoding: str | None = None
    delimiter: str | None = None
    skip_lines: Annotated[int, Field(ge=0)] = 0
    sheet: str | None = None
    decimal: Literal[".", ","] | None = None
    date_format: str | None = None
    time_zone: str | None = None
    currency: Currency | None = None
    nulls: tuple[str, ...] = ()
    language: str = "en"
    countries: dict[str, Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None] = {}
    consent_words: ConsentWords = ConsentWords()
    rules: Rules = Rules()
    line_kinds: dict[Literal["postage", "fee", "adjustment"], tuple[Code, ...]] = {}
    max_bad_share: Annotated[float, Field(ge=0, le=1)] = 0.5

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str | None) -> str | None:
        try:
            return codecs.lookup(value).name if value else None
        except LookupError:
            raise ValueError(f"{value!r} is no encoding; examples: utf-8, utf-16, cp1252, shift_jis") from None

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, value: str | None) -> str | None:
        value = "\t" if value in ("tab", "\\t") else value
        if value is not None and (len(value) != 1 or not value.isascii() or value in '"\r\n'):
            raise ValueError("a delimiter is one character, or the word tab")
        return value

    @field_validator("date_format")
    @classmethod
    def _date_format(cls, value: str | None) -> str | None:
        if value is not None and value not in DATE_WORDS and "%" not in value:
            raise ValueError(f"{value!r} is neither one of {', '.join(DATE_WORDS)} nor a format such as %d.%m.%Y %H:%M")
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        try:
            return ZoneInfo(value).key if value else None
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{value!r} is no time zone; example: Europe/London") from None

    @model_validator(mode="after")
    def _columns_fit(self) -> Self:
        known = {column.name: column for column in COLUMNS[self.relation]}
        for name in self.columns:
            if name not in known:
                raise ValueError(f"columns.{name}: {self.relation} has no such column; it has {', '.join(known)}")
        if self.currency is not None and "currency_code" in self.columns:
            raise ValueError("give the currency once: as currency or as columns.currency_code")
        given = set(self.columns) | ({"currency_code"} if self.currency is not None else set())
        keys = set(KEYS[self.relation]) - {"line_no"}
        for name in known:
            if name not in given and (known[name].required or name in keys):
                hint = " (or currency: GBP)" if name == "currency_code" else ""
                raise ValueError(f"columns.{name} is missing: say which header holds it{hint}")
        self._rules_fit()
        return self

    def _rules_fit(self) -> None:
        if self.relation != "order_lines":
            for name in ("rules", "line_kinds"):
                if name in self.model_fields_set:
                    raise ValueError(f"{name} belongs to order_lines, not to {self.relation}")
        elif self.line_kinds and not self.columns.keys() & {"sku", "product_id"}:
            raise ValueError("line_kinds looks at sku or product_id: map one of them under columns")

    @property
    def headers(self) -> tuple[str, ...]:
        """Every header that the mapping speaks of, each once."""
        found = list(self.columns.values())
        if isinstance(self.currency, CurrencyColumn):
            found.append(self.currency.column)
        if self.rules.cancellation:
            found.append(self.rules.cancellation.column)
        return tuple(dict.fromkeys(found))
