"""The shape of `campaign.yml`. A field that is not named here is refused."""

import re
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
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
    RootModel,
    Tag,
    model_validator,
)

_DURATION = re.compile(r"^(\d+)\s*(m|h|d)$")
# The kind, and the only topic, of the mail that asks for a confirmation.
CONFIRMATION = "confirmation"
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


def _not_reserved(value: str) -> str:
    if value == CONFIRMATION:
        raise ValueError("belongs to the mail that asks for a confirmation; choose another topic")
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


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, arbitrary_types_allowed=False)


class Span(_Part):
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


class Schedule(_Part):
    """When occurrences begin: `cron` for a recurring campaign, `at` for a broadcast."""

    cron: Cron | None = None
    at: datetime | None = Field(default=None, description="Local date and time, such as 2027-03-01T09:00.")
    time_zone: Zone | None = Field(default=None, description="IANA name; the shop's own zone when left out.")

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.cron is None) == (self.at is None):
            raise ValueError("give either cron (recurring) or at (broadcast)")
        if self.at is not None and self.at.tzinfo is not None:
            raise ValueError("write `at` as local time without an offset and name the zone in time_zone")
        return self


class FrequencyCap(_Part):
    """At most `max` messages in any `days` days to one address, counted over all campaigns of the topic."""

    max: int = Field(ge=1, le=1000)
    days: int = Field(ge=1, le=366)


class Utm(_Part):
    """Marks the shop's link, so that orders can be traced back. `campaign` is the campaign's name when left out."""

    source: UtmValue = "rapport"
    medium: UtmValue = "email"
    campaign: UtmValue | None = None
    content: UtmValue | None = None


class Mailing(_Part):
    """What every campaign's folder states, whoever it goes to."""

    name: Slug = Field(description="The folder's name.")
    title: Line
    owner: Line = Field(description="Who answers for it: a team or an address.")
    topic: str
    kind: str
    policy: str
    priority: int = Field(default=50, ge=0, le=100, description="Larger goes first when the rate is limited.")
    rate_per_hour: int | None = Field(
        default=None,
        ge=1,
        le=10_000_000,
        description="At most so many messages an hour; as fast as allowed if not given.",
    )
    from_name: Line | None = None
    reply_to: Address | None = None
    language: Language = Field(default="en", description="Language of body.mjml and body.txt.")
    subject: Text = Field(description="One text, or one per language.")
    preheader: Text | None = None
    utm: Utm = Utm()
    folder: Path = Field(default=Path(), exclude=True, repr=False)

    def subject_for(self, language: str) -> str | None:
        return _for_language(self.subject, language, self.language)

    def preheader_for(self, language: str) -> str | None:
        return _for_language(self.preheader, language, self.language)


class Campaign(Mailing):
    """One campaign that goes to a segment on its own calendar."""

    topic: Annotated[Slug, AfterValidator(_not_reserved)] = Field(
        description="What people agree to and cancel by, such as marketing."
    )
    kind: Literal["recurring", "broadcast"]
    policy: Literal["at_most_once", "at_least_once"] = "at_most_once"
    segment: Slug = Field(description="A file in dbt_project/models/segments, without .sql.")
    schedule: Schedule
    window: Span | None = Field(default=None, description="When it may arrive, in the recipient's own time.")
    quiet_hours: Span | None = Field(default=None, description="When nothing goes out; messages wait.")
    expires_after: Duration = Field(default=timedelta(hours=36), description="From the slot on, such as 36h.")
    frequency_cap: FrequencyCap | None = None
    repeat_after_days: int | None = Field(
        default=None, ge=1, le=3660, description="The same person gets this campaign again only after so many days."
    )
    canary_wait: Duration = Field(
        default=timedelta(minutes=30),
        description="A large occurrence sends 1 % (at least 500) first and the rest after this time, if nothing is "
        "wrong; 0m: all at once.",
    )
    holdout_percent: int = Field(default=0, ge=0, le=90, description="Share that deliberately gets nothing.")

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if (self.kind == "recurring") != (self.schedule.cron is not None):
            raise ValueError("a recurring campaign has schedule.cron, a broadcast has schedule.at")
        if not timedelta(minutes=15) <= self.expires_after <= timedelta(days=14):
            raise ValueError("expires_after must lie between 15m and 14d")
        return self


class Confirmation(Mailing):
    """The mail that asks whoever wants mail to confirm it from the mailbox. It answers a request, so it has no segment,
    no calendar, no cap and no holdout. There is one in a shop: its name keys what was sent."""

    name: Literal["confirm_opt_in"] = Field(description="The folder's name.")
    topic: Literal["confirmation"]
    kind: Literal["confirmation"]
    policy: Literal["at_least_once"] = "at_least_once"
    priority: int = Field(default=100, ge=0, le=100, description="Larger goes first when the rate is limited.")


def _for_language(text: str | dict[str, str] | None, language: str, default: str) -> str | None:
    if isinstance(text, dict):
        return text.get(language)
    return text if language == default else None


class _Either(RootModel[Annotated[Campaign | Confirmation, Field(discriminator="kind")]]):
    """A `campaign.yml` of any kind."""


def json_schema() -> dict[str, object]:
    """JSON schema of `campaign.yml`, for editors."""
    schema = _Either.model_json_schema(by_alias=True)
    for kind in (Campaign, Confirmation):
        schema["$defs"][kind.__name__]["properties"].pop("folder", None)
    return schema
