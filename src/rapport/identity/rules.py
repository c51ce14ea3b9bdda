"""`rules.yml`: the rules, lists and thresholds of identity resolution, checked when they are read."""

import hashlib
from functools import cache
from importlib.resources import files
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

DIFFERENT = "different"
"""The level of a comparison that none of its levels fits."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ExactRule(_Strict):
    """A rule of `intermediate.int_edges`. `fan_out_limit` counts the profiles that share the value."""

    is_on: bool
    # dbt makes no pairs of what more than 20 share (int_identifiers).
    fan_out_limit: int = Field(ge=2, le=20)
    confidence: Literal["certain", "probable"]


class Switch(_Strict):
    is_on: bool


class Conflicts(_Strict):
    different_birth_dates: Switch
    different_store_accounts: Switch


class Level(_Strict):
    """One step of agreement: an SQL condition over `<column>_l` and `<column>_r`, and the column whose rare values
    count for more."""

    when: str
    rare: str | None = None


class Comparison(_Strict):
    columns: list[str]
    levels: dict[str, Level]


class Veto(_Strict):
    """A pair at one of `levels` of `field` does not count, unless another field is at one of the levels named."""

    field: str
    levels: list[str]
    unless: dict[str, list[str]]


class Likeness(_Strict):
    """What Splink is given. `accept`, `mean`, `review` and `keep` are probabilities."""

    min_profiles: int = Field(ge=2)
    accept: float = Field(gt=0, lt=1)
    mean: float = Field(gt=0, lt=1)
    review: float = Field(gt=0, lt=1)
    keep: float = Field(gt=0, lt=1)
    retrain_growth: float = Field(gt=1)
    train_profiles: int = Field(ge=2)
    train_pairs: int = Field(ge=1)
    block_limit: int = Field(ge=2)
    max_pairs: int = Field(ge=1)
    blocks: dict[str, str]
    train_on: list[list[str]]
    compare: dict[str, Comparison]
    vetoes: list[Veto]

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if not self.keep <= self.review <= self.accept:
            raise ValueError("keep <= review <= accept does not hold")
        for veto in self.vetoes:
            for field, levels in ((veto.field, veto.levels), *veto.unless.items()):
                known = {*self.compare[field].levels, DIFFERENT} if field in self.compare else set()
                if not set(levels) <= known:
                    raise ValueError(f"a veto names levels that {field} does not have: {sorted(set(levels) - known)}")
        return self


class Rules(_Strict):
    """The whole file."""

    exact: dict[str, ExactRule]
    shared_mailboxes: list[str]
    relay_domains: list[str]
    conflicts: Conflicts
    likeness: Likeness

    def version(self) -> str:
        """Changes whenever anything in the file does, comments left out."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


@cache
def load_rules() -> Rules:
    """The rules that ship. Raises pydantic's ValidationError naming the line that does not fit."""
    return Rules.model_validate(yaml.safe_load((files("rapport.identity") / "rules.yml").read_text(encoding="utf-8")))
