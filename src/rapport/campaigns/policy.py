"""The shop's own rules for all campaigns: `campaigns/policy.yml`. Without the file the defaults hold."""

from pathlib import Path

from pydantic import Field, ValidationError

from rapport.campaigns.approving.rules import ApprovalRules, GateRules
from rapport.campaigns.folder import yamlfile
from rapport.campaigns.folder.model import Mailing
from rapport.campaigns.folder.parts import Part, Slug, Span
from rapport.campaigns.folder.problems import CampaignError, Problem
from rapport.campaigns.planning import timing
from rapport.settings import Settings

FILE = "policy.yml"


class ShopCap(Part):
    """At most `max` messages in any `days` days to one address, over all campaigns or those of one topic."""

    max: int = Field(ge=1, le=1000)
    days: int = Field(ge=1, le=366)
    topic: Slug | None = None


class Policy(Part):
    """What the shop's people have agreed on."""

    caps: list[ShopCap] = Field(default_factory=list, max_length=20, description="How much mail one person may get.")
    quiet_hours: Span | None = Field(
        default=None, description="When no campaign's mail goes out, in the reader's zone."
    )
    holdout_percent: int = Field(
        default=0, ge=0, le=50, description="Share of all people who get no campaign at all, for comparison."
    )

    approval: ApprovalRules = Field(default=ApprovalRules(), description="Who must say yes before anything is planned.")
    gates: GateRules = Field(default=GateRules(), description="What is unusual enough that a person must look.")


def load_policy(settings: Settings) -> Policy:
    """The policy in force. Raises CampaignError with file, line and remedy of every problem; so nothing is planned."""
    path: Path = settings.campaigns_dir / FILE
    if not path.exists():
        return Policy()
    document = yamlfile.read(path.read_text(encoding="utf-8"), FILE)
    problems = [
        Problem(FILE, line, ".".join(map(str, place)), "stands twice; keep one") for place, line in document.repeated
    ]
    try:
        policy = Policy.model_validate(document.data)
    except ValidationError as error:
        for fault in error.errors():
            place = fault["loc"]
            told = fault["msg"].removeprefix("Value error, ")
            problems.append(Problem(FILE, document.line(place), ".".join(map(str, place)), told))
        raise CampaignError(problems) from None
    if problems:
        raise CampaignError(problems)
    return policy


def disagreements(campaign: Mailing, policy: Policy) -> list[Problem]:
    """What a folder states and the shop's policy does not let come true."""
    where = f"{campaign.name}/campaign.yml"
    problems = []
    if getattr(campaign, "approval", "required") == "automatic" and not policy.approval.automatic:
        told = f"{FILE} does not allow `automatic`, so people are asked all the same; take it out, or allow it there"
        problems.append(Problem(where, None, "approval", told))
    window = getattr(campaign, "window", None)
    if window is not None and not timing.has_opening(window, policy.quiet_hours):
        told = f"lies wholly within the quiet_hours of {FILE}, so nothing could ever leave; widen one of them"
        problems.append(Problem(where, None, "window", told))
    return problems
