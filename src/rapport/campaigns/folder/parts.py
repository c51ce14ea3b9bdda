"""What the blocks of `campaign.yml` are made of: texts, times, zones, durations."""

import re
from datetime import time, timedelta
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import croniter
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
    model_validator,
)

_DURATION = re.compile(r"^(\d+)\s*(m|h|d)$")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def _duration(value: object) -> object:
    if isinstance(value, str):
        match = _DURATION.match(value.strip())
        if not match:
            raise ValueError("write a number and a unit: 90m, 36h or 2d")
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    return value


def _in_minutes(value: timedelta) -> str:
    return f"{int(value.total_seconds() // 60)}m"


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{value!r} is no time zone; write its IANA name, such as Europe/London") from None
    return value


def _cron(value: str) -> str:
    if len(value.split()) != 5 or not croniter.is_valid(value):
        raise ValueError(
            f"{value!r} is no cron expression; five fields: minute hour day month weekday, such as '0 6 * * *'"
        )
    return value


def _one_line(value: str) -> str:
    if any(ord(ch) < 32 for ch in value):
        raise ValueError("must be one line: a line break in a header could add headers of its own")
    return value


def _address(value: str) -> str:
    if not re.fullmatch(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+", value):
        raise ValueError(f"{value!r} is no e-mail address")
    return value


Duration = Annotated[
    timedelta, BeforeValidator(_duration, json_schema_input_type=str), PlainSerializer(_in_minutes, return_type=str)
]
Zone = Annotated[str, AfterValidator(_zone)]
Cron = Annotated[str, AfterValidator(_cron)]
Line = Annotated[str, AfterValidator(_one_line), Field(min_length=1, max_length=300)]
Address = Annotated[str, AfterValidator(_address)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
# What may stand in a template literal and in a URL without being escaped in either.
UtmValue = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.~-]{1,100}$")]
# pydantic puts these tags into an error's location; definition.py takes them out again.
TEXT_TAGS = ("one text", "per language")
Text = Annotated[
    Annotated[Line, Tag(TEXT_TAGS[0])] | Annotated[dict[Language, Line], Tag(TEXT_TAGS[1])],
    Discriminator(lambda value: TEXT_TAGS[isinstance(value, dict)]),
]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,62}$")]


class Part(BaseModel):
    """A block of `campaign.yml`. A field that is not named in it is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, arbitrary_types_allowed=False)


class Span(Part):
    """From one local time to another. `to` before `from` crosses midnight."""

    from_: time = Field(alias="from", description="Local time, such as 09:00.")
    to: time = Field(description="Local time, such as 20:00.")

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.from_ == self.to:
            raise ValueError("`from` and `to` are the same time; leave the whole block out for all day")
        if self.from_.tzinfo or self.to.tzinfo:
            raise ValueError("write local times without an offset, such as 09:00")
        return self
