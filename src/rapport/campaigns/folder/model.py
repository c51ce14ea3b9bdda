"""The shape of `campaign.yml`. A field that is not named here is refused."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from rapport.campaigns.audience.conditions import check_condition
from rapport.campaigns.folder.parts import (
    TEXT_TAGS,
    Address,
    Cron,
    Duration,
    Language,
    Line,
    Part,
    Slug,
    Span,
    Text,
    UtmValue,
    Zone,
)
from rapport.campaigns.offers.coupons import Coupon
from rapport.campaigns.outcome.variants import Experiment

__all__ = [
    "CONFIRMATION",
    "TEXT_TAGS",
    "Campaign",
    "Confirmation",
    "FrequencyCap",
    "Mailing",
    "Schedule",
    "Span",
    "Utm",
    "not_reserved",
]

# The kind, and the only topic, of the mail that asks for a confirmation.
CONFIRMATION = "confirmation"


def not_reserved(value: str) -> str:
    if value == CONFIRMATION:
        raise ValueError("belongs to the mail that asks for a confirmation; choose another topic")
    return value


class Schedule(Part):
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


class FrequencyCap(Part):
    """At most `max` messages in any `days` days to one address, counted over all campaigns of the topic."""

    max: int = Field(ge=1, le=1000)
    days: int = Field(ge=1, le=366)


class SendTime(Part):
    """When within the open hours a mail leaves: spread over them, or at the hour in which each reader answers best."""

    by: Literal["spread", "score"] = "spread"
    exploring_percent: int = Field(
        default=10, ge=0, le=100, description="By score, so many still get a random hour, or nothing new is learnt."
    )


class Utm(Part):
    """Marks the shop's link, so that orders can be traced back. `campaign` is the campaign's name when left out."""

    source: UtmValue = "rapport"
    medium: UtmValue = "email"
    campaign: UtmValue | None = None
    content: UtmValue | None = None


class Mailing(Part):
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

    topic: Annotated[Slug, AfterValidator(not_reserved)] = Field(
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
    filter: Annotated[str, AfterValidator(check_condition)] | None = Field(
        default=None, description="Whom of the segment: a condition over the audience, such as revenue > 100."
    )
    exclude_segments: list[Slug] = Field(default_factory=list, max_length=50, description="Who is left out.")
    limit: int | None = Field(default=None, ge=1, description="At most so many messages, drawn by lot.")
    sample_percent: float | None = Field(
        default=None, gt=0, le=100, description="Only this share of the readers, the same people each time."
    )
    send_time: SendTime = SendTime()
    value: float | None = Field(
        default=None,
        ge=0,
        le=1_000_000,
        description="Expected worth of one message, in any unit that all campaigns share: where a cap leaves room for "
        "one, the more valuable goes; priority breaks ties.",
    )
    coupon: Coupon | None = None
    experiment: Experiment | None = Field(default=None, description="Several versions, compared with each other.")
    approval: Literal["required", "automatic"] = Field(
        default="required",
        description="Whether people must approve it; automatic only where policy.yml allows it.",
    )

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
