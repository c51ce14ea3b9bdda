"""Expectation suites as JSON files: one a gate, each over one or several tables of a schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rapport.errors import PermanentError
from rapport.settings import Settings


class Check(BaseModel):
    """One Great Expectations expectation by its type name, and the reason it is asked for, in words."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str
    kwargs: dict[str, Any]
    why: str = ""


class TableChecks(BaseModel):
    """Checks of a table; `key` names the column whose values may be shown as examples, never personal data."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str
    key: str
    columns: list[str]
    checks: list[Check] = Field(default_factory=list)


class Suite(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str
    schema_name: str = Field(alias="schema")
    tables: list[TableChecks]

    @property
    def checks_count(self) -> int:
        """Every check, and for each table that its columns are there."""
        return sum(1 + len(table.checks) for table in self.tables)


def load_suite(name: str, settings: Settings, now: datetime) -> Suite:
    """The suite of `expectations/<name>.json`, its time words filled in from `now`.

    Raises PermanentError naming the file when it is missing, is no JSON or has an unknown field.
    """
    path = settings.expectations_dir / f"{name}.json"
    shown = f"expectations/{name}.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        there = ", ".join(sorted(p.stem for p in settings.expectations_dir.glob("*.json"))) or "none"
        raise PermanentError(f"{shown}: there is no such suite; there are: {there}") from None
    except ValueError as error:
        raise PermanentError(f"{shown}: not valid JSON: {error}") from None
    try:
        return Suite.model_validate(_fill(found, _times(now)))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PermanentError(f"{shown}: {where}: {first['msg']}") from None


def _times(now: datetime) -> Mapping[str, str]:
    """Words that a suite may use for times that depend on the run."""
    return {
        "$NOW": now.isoformat(),
        "$TOMORROW": (now + timedelta(days=1)).isoformat(),
        "$DAY_AGO": (now - timedelta(days=1)).isoformat(),
    }


def _fill(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _fill(item, words) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, words) for item in value]
    if isinstance(value, str):
        for word, text in words.items():
            value = value.replace(word, text)
    return value
