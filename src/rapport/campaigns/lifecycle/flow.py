"""Campaigns of kind `flow`: steps that follow something that happened to one person, until it no longer matters."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from rapport.campaigns.audience.conditions import check_condition
from rapport.campaigns.folder.model import Campaign, FrequencyCap, Mailing, Schedule, not_reserved
from rapport.campaigns.folder.parts import Duration, Part, Slug, Span, Text
from rapport.campaigns.lifecycle.surveys import Survey
from rapport.campaigns.lifecycle.triggers import Trigger
from rapport.campaigns.offers.coupons import Coupon
from rapport.campaigns.outcome.variants import BODY, CONTROL, BodyStem, Experiment, Version, of_experiment

T = TypeVar("T")
FLOW = "flow"
# What ends a run beside a condition over the audience.
EVENTS = ("ordered", "clicked", "answered")
# Triggers stand in the audience's build for trigger_days; a step beyond that would find none.
LONGEST_WAIT = timedelta(days=50)

StepName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
Expression = Annotated[str, AfterValidator(check_condition)]
Conditions = Annotated[
    list[Annotated[str, AfterValidator(lambda value: value if value in EVENTS else check_condition(value))]],
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value, json_schema_input_type=str),
]


def _no_winner(_: object) -> None:
    raise ValueError("is not for a flow: people come to a step one by one, so nobody waits for it; read the results")


class StepExperiment(Experiment):
    """Versions of one step. Steps whose experiments have one name and the same shares give a person one variant."""

    winner: Annotated[None, BeforeValidator(_no_winner)] = None


class Step(Part):
    """One mail of a flow. `wait` is counted from what happened, not from the step before."""

    name: StepName
    wait: Duration = Field(description="From what happened on, such as 4h; 0m: at once.")
    subject: Text
    preheader: Text | None = None
    body: BodyStem = Field(default=BODY, description="body_second for the files body_second.mjml and body_second.txt.")
    only_if: Expression | None = Field(default=None, description="Who gets this step; a condition over the audience.")
    window: Span | None = Field(default=None, description="When it may arrive, in the recipient's own time.")
    expires_after: Duration | None = Field(default=None, description="It is left out when later than so long.")
    experiment: StepExperiment | None = Field(
        default=None, description="Several versions of this step, compared with each other."
    )


class Flow(Mailing):
    """Mails that follow a trigger. Each step goes through the planner as any campaign's mail does."""

    kind: Literal["flow"]
    topic: Annotated[Slug, AfterValidator(not_reserved)] = Field(
        description="What people agree to and cancel by, such as marketing."
    )
    policy: Literal["at_most_once", "at_least_once"] = "at_most_once"
    subject: Text = Field(default="", exclude=True, description="Of each step.")
    trigger: Trigger = Field(description="What sets it off; see docs/flows.md.")
    enter_if: Expression | None = Field(default=None, description="Who comes in; a condition over the audience.")
    exit_if: Conditions = Field(
        default_factory=list, description="Who leaves: ordered, clicked, answered, or a condition over the audience."
    )
    reenter_after: Duration = Field(
        default=timedelta(days=30), description="The same person comes in again only after so long."
    )
    hold_while_ticket_open: bool = Field(
        default=True, description="Nothing goes to a person whose complaint is still open."
    )
    approval: Literal["required", "automatic"] = Field(
        default="required", description="Whether a person must approve each new version."
    )
    survey: Survey | None = Field(default=None, description="nps or csat: the mails print survey_url.")
    window: Span | None = Field(default=None, description="When it may arrive, in the recipient's own time.")
    quiet_hours: Span | None = Field(default=None, description="When nothing goes out; messages wait.")
    expires_after: Duration = Field(
        default=timedelta(hours=48), description="Later than so long after its wait a step is left out."
    )
    frequency_cap: FrequencyCap | None = None
    holdout_percent: int = Field(default=0, ge=0, le=90, description="Share that deliberately gets nothing.")
    coupon: Coupon | None = None
    steps: list[Step] = Field(min_length=1, max_length=12)

    @model_validator(mode="after")
    def _agree(self) -> Self:
        stray = {"subject", "preheader"} & self.model_fields_set
        if stray:
            raise ValueError(f"{' and '.join(sorted(stray))} belongs to the steps; write it there")
        names = [step.name for step in self.steps]
        if len(set(names)) < len(names):
            raise ValueError("two steps have one name; name each its own")
        waits = [step.wait for step in self.steps]
        if any(later <= earlier for earlier, later in pairwise(waits)):
            raise ValueError("waits are counted from the trigger, so each step must wait longer than the one before")
        if waits[-1] > LONGEST_WAIT:
            raise ValueError(f"a step may wait {LONGEST_WAIT.days}d at most")
        if not all(timedelta(hours=1) <= self.expiry(step) <= timedelta(days=14) for step in self.steps):
            raise ValueError("expires_after must lie between 1h and 14d")
        return self

    def expiry(self, step: Step) -> timedelta:
        """How long after its wait a step may still go out."""
        return step.expires_after or self.expires_after

    def mailing(self, step: Step) -> Mailing:
        """The flow as one step states it, for whoever compiles its words."""
        return self.model_copy(update={"subject": step.subject, "preheader": step.preheader})

    def planned_as(self, step: Step) -> Campaign:
        """One step as the planner sees it: a campaign whose people are given. It has no segment and no calendar."""
        stated = {name: getattr(self, name) for name in Mailing.model_fields if name not in ("subject", "preheader")}
        return Campaign.model_construct(
            **stated | {"kind": "recurring"},
            subject=step.subject,
            preheader=step.preheader,
            segment=FLOW,
            schedule=Schedule.model_construct(cron="0 0 * * *"),
            window=step.window or self.window,
            quiet_hours=self.quiet_hours,
            expires_after=self.expiry(step),
            frequency_cap=self.frequency_cap,
            holdout_percent=self.holdout_percent,
            experiment=step.experiment,
            canary_wait=timedelta(),
        )


def events(conditions: Sequence[str]) -> list[str]:
    """Those of the conditions that are events."""
    return [condition for condition in conditions if condition in EVENTS]


def expressions(conditions: Sequence[str]) -> list[str]:
    """Those of the conditions that look at the audience."""
    return [condition for condition in conditions if condition not in EVENTS]


def steps(flow: Flow) -> list[Version]:
    """Each version of each step to compile, steps in their order and the control of a step first."""
    found = []
    for number, step in enumerate(flow.steps):
        block = f"steps.{number}"
        places = dict.fromkeys(("subject", "preheader"), block)
        plain = Version(CONTROL, step.body, flow.mailing(step), places, step=step.name)
        found += of_experiment(plain, step.experiment, block)
    return found


def by_step(flow: Flow, made: Mapping[str, Sequence[T]]) -> dict[str, list[T]]:
    """What was made of each version, by the name of the step, in the order of `steps`."""
    found: dict[str, list[T]] = {step.name: [] for step in flow.steps}
    for version in steps(flow):
        found[version.step] += made[version.name]
    return found
