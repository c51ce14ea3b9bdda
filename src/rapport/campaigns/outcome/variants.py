"""Experiments: several versions of one mail drawn by lot, and who waits until one of them has won.

An assignment depends on names and the installation's key only, so it is the same whoever asks and whenever.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from rapport.campaigns.folder.parts import Duration, Part, Slug, Span, Text
from rapport.keys import keyed_fraction
from rapport.settings import Settings

if TYPE_CHECKING:
    from rapport.campaigns.folder.model import Campaign, Mailing
    from rapport.campaigns.mail.content import Template

# What is sent where nothing else was decided, and what every comparison is made with.
CONTROL = "a"
BODY = "body"
# The other arms of an occurrence: held out of this campaign, or of all.
HELD_OUT = ("holdout", "global_holdout")
# Between the decision and the first mail that obeys it, so that a decision which is minutes late still reaches all.
DECISION_MARGIN = timedelta(minutes=15)


def _no_arm(value: str) -> str:
    if value in HELD_OUT:
        raise ValueError("means those who are held out; choose another name")
    return value


VariantName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$"), AfterValidator(_no_arm)]
BodyStem = Annotated[str, Field(pattern=r"^body(_[a-z0-9_]{1,30})?$")]


class Variant(Part):
    """One version. What it does not state is as in the rest of the file."""

    share: int = Field(ge=1, le=99, description="Per cent of those who take part; all shares sum to 100.")
    subject: Text | None = None
    preheader: Text | None = None
    body: BodyStem | None = Field(default=None, description="body_b for the files body_b.mjml and body_b.txt.")
    window: Span | None = Field(default=None, description="When it may arrive, in the recipient's own time.")
    offer: Slug | None = Field(default=None, description="The coupon this version hands out, by its name.")


class Winner(Part):
    """A part of the readers tries the variants; the rest gets the one that did better, or 'a' if none clearly did."""

    by: Literal["revenue", "clicks"] = Field(description="Never by opens: mail proxies open for people who did not.")
    test_percent: int = Field(ge=1, le=90, description="Share of readers who try the variants.")
    after: Duration = Field(description="From the slot to the decision, such as 4h.")


class Experiment(Part):
    """Versions of one campaign. Under one `name` and with the same shares a person keeps theirs in every occurrence."""

    name: Slug = Field(description="Another name draws the lots anew.")
    variants: dict[VariantName, Variant] = Field(min_length=2, max_length=10)
    winner: Winner | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if CONTROL not in self.variants:
            raise ValueError(f"needs a variant {CONTROL!r}: the one the others are compared with")
        total = sum(variant.share for variant in self.variants.values())
        if total != 100:
            raise ValueError(f"the shares of the variants sum to {total}, not to 100")
        return self


@dataclass(frozen=True)
class Version:
    """A campaign as one variant states it: `mailing` holds the variant's words, `stem` names its bodies.

    `step` is empty but in a flow. `places`: by field of the words, the block of campaign.yml that states it.
    """

    variant: str
    stem: str
    mailing: "Mailing"
    places: Mapping[str, str] = field(default_factory=dict)
    offer: str | None = None
    step: str = ""

    @property
    def name(self) -> str:
        """What tells it from the other versions of the campaign."""
        return version_name(self.step, self.variant)

    def place(self, field: str) -> str:
        """Where campaign.yml states a field of this version."""
        return ".".join(filter(None, (self.places.get(field), field)))


def version_name(step: str, variant: str) -> str:
    """Of a campaign the variant, of a flow the step, and `step/variant` for all but the control."""
    if not step:
        return variant
    return step if variant == CONTROL else f"{step}/{variant}"


def versions(campaign: "Mailing") -> list[Version]:
    """The control first, then by name; without an experiment the campaign itself is all there is."""
    return of_experiment(Version(CONTROL, BODY, campaign), getattr(campaign, "experiment", None))


def of_experiment(plain: Version, experiment: Experiment | None, within: str = "") -> list[Version]:
    """What an experiment makes of one mail. `within`: the block of campaign.yml that holds the experiment."""
    if experiment is None:
        return [plain]
    found = []
    for name in names(experiment):
        variant = experiment.variants[name]
        stated = variant.model_dump(include={"subject", "preheader"}, exclude_none=True)
        block = ".".join(filter(None, (within, f"experiment.variants.{name}")))
        found.append(
            replace(
                plain,
                variant=name,
                stem=variant.body or plain.stem,
                mailing=plain.mailing.model_copy(update=stated),
                places={**plain.places, **dict.fromkeys(stated, block)},
                offer=variant.offer,
            )
        )
    return found


def names(experiment: Experiment) -> list[str]:
    """The control first, then by name, so that the order in the file assigns nobody anew."""
    return sorted(experiment.variants, key=lambda name: (name != CONTROL, name))


def assign(settings: Settings, campaign: "Campaign", recipient_key: str) -> str:
    """The variant of one recipient, in every occurrence of the experiment; 'a' without an experiment."""
    experiment = campaign.experiment
    if experiment is None:
        return CONTROL
    place = 100 * keyed_fraction(settings, "variant", campaign.name, experiment.name, recipient_key)
    order = names(experiment)
    for name in order:
        place -= experiment.variants[name].share
        if place < 0:
            return name
    return order[-1]


def awaits_winner(settings: Settings, campaign: "Campaign", recipient_key: str) -> bool:
    """Whether a recipient takes no part in the test, and so is planned as 'a' until the winner is known."""
    experiment = campaign.experiment
    if experiment is None or experiment.winner is None:
        return False
    place = 100 * keyed_fraction(settings, "winner", campaign.name, experiment.name, recipient_key)
    return place >= experiment.winner.test_percent


def window(campaign: "Campaign", variant: str) -> Span | None:
    """When the mail of a variant may arrive, in the recipient's own time."""
    stated = campaign.experiment.variants[variant].window if campaign.experiment else None
    return stated or campaign.window


def decision_at(campaign: "Campaign", slot_at: datetime) -> datetime | None:
    """When an occurrence that began at `slot_at` is decided; None where nothing is to decide."""
    experiment = campaign.experiment
    return slot_at + experiment.winner.after if experiment and experiment.winner else None


def rest_leaves_at(campaign: "Campaign", slot_at: datetime) -> datetime | None:
    """Before this moment nobody of those who wait for the winner may be due."""
    decided = decision_at(campaign, slot_at)
    return decided + DECISION_MARGIN if decided else None


def lot(campaign: "Campaign", templates: "Sequence[Template]") -> dict[str, Any]:
    """What an occurrence is drawn by, as ops.occurrence.lot keeps it."""
    stated = campaign.model_dump(mode="json", by_alias=True, include={"holdout_percent", "experiment"})
    versions: dict[str, dict[str, str]] = {}
    for template in templates:
        versions.setdefault(template.variant, {})[template.language] = template.template_version
    return stated | {"templates": versions}
