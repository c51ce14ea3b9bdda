"""For each person of the segment one decision: planned, or the first reason why not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rapport.campaigns import content, timing
from rapport.campaigns.calendar import Occurrence
from rapport.campaigns.model import Campaign
from rapport.errors import DataError
from rapport.keys import keyed_fraction, recipient_key
from rapport.settings import Settings

# In the order of the waterfall.
REFUSALS = (
    "no_address",
    "suppressed",
    "no_consent",
    "duplicate_address",
    "capped",
    "holdout",
    "no_window",
    "missing_field",
)
OUTCOMES = (*REFUSALS, "planned")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Candidate:
    """A row of the audience; `key` is None when its address is none."""

    customer_id: str
    address: str
    key: str | None
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Decision:
    """What happens to one person. The last four stand only with outcome `planned`. `reason` holds no personal data."""

    customer_id: str
    key: str | None
    outcome: str
    reason: str
    address: str = ""
    due: timing.Due | None = None
    template_version: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Decider:
    """Decides for one occurrence. Remembers which addresses are taken, so use one instance a plan."""

    campaign: Campaign
    occurrence: Occurrence
    templates: Sequence[content.Template]
    settings: Settings
    now: datetime
    _taken: set[str] = field(default_factory=set)
    _links: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        base = self.settings.gateway_url
        self._links = content.standard_links(self.settings, f"{base}/u/sample", f"{base}/p/sample")

    def candidate(self, row: Row) -> Candidate:
        address = str(row["email"] or "").strip()
        try:
            key = recipient_key(self.settings, address)
        except DataError:
            key = None
        return Candidate(row["customer_id"], address, key, row["fields"])

    def decide(self, candidates: Sequence[Candidate], standing: Mapping[str, Row]) -> Decision:
        """One person's decision from all their addresses, the best one first: the first that can be planned is."""
        refusals = []
        for candidate in candidates:
            decision = self._one(candidate, standing)
            if decision.outcome == "planned":
                return decision
            refusals.append(decision)
        # The refusal that came furthest says most about what stood in the way.
        return max(refusals, key=lambda refusal: OUTCOMES.index(refusal.outcome))

    def _one(self, candidate: Candidate, standing: Mapping[str, Row]) -> Decision:
        key = candidate.key
        if key is None:
            return Decision(candidate.customer_id, None, "no_address", "there is no usable e-mail address")
        refusal = self._refusal(candidate, key, standing[key])
        if refusal:
            return Decision(candidate.customer_id, key, *refusal)
        due = self._due(candidate, key)
        if due is None:
            until = f"{self.occurrence.expires_at:%Y-%m-%d %H:%M} UTC"
            return Decision(
                candidate.customer_id, key, "no_window", f"no open time is left in the recipient's day before {until}"
            )
        template = content.choose(self.templates, candidate.fields.get("language"))
        context = {name: candidate.fields.get(name) for name in sorted(template.fields)}
        try:
            content.render(template, context, self._links)
        except content.ContentError as error:
            return Decision(candidate.customer_id, key, "missing_field", str(error))
        self._taken.add(key)
        return Decision(
            candidate.customer_id,
            key,
            "planned",
            f"due in zone {candidate.fields.get('time_zone') or self.settings.shop_time_zone}",
            candidate.address.lower(),
            due,
            template.template_version,
            context,
        )

    def _refusal(self, candidate: Candidate, key: str, standing: Row) -> tuple[str, str] | None:
        if standing["suppressed_by"]:
            return "suppressed", f"the address is suppressed: {standing['suppressed_by']}"
        if not standing["granted"]:
            told = "refused or withdrawn" if standing["asked"] else "never given, and unknown means no"
            return "no_consent", f"consent to {self.campaign.topic} was {told}"
        if key in self._taken:
            return "duplicate_address", "another person of this occurrence has the same address"
        capped = self._capped(standing)
        if capped:
            return "capped", capped
        share = self.campaign.holdout_percent
        if share and keyed_fraction(self.settings, "holdout", self.campaign.name, key) * 100 < share:
            return "holdout", f"in the {share} % who get nothing, for comparison"
        return None

    def _capped(self, standing: Row) -> str | None:
        cap, repeat = self.campaign.frequency_cap, self.campaign.repeat_after_days
        if cap and standing["in_cap_days"] >= cap.max:
            return f"had {standing['in_cap_days']} messages on {self.campaign.topic} in {cap.days} days (cap {cap.max})"
        if repeat and standing["in_repeat_days"]:
            return f"had this campaign within the last {repeat} days"
        return None

    def _due(self, candidate: Candidate, key: str) -> timing.Due | None:
        zone = timing.zone_or(candidate.fields.get("time_zone"), self.settings.shop_time_zone)
        fraction = keyed_fraction(self.settings, "spread", self.campaign.name, self.occurrence.key, key)
        earliest = max(self.occurrence.at, self.now)
        campaign = self.campaign
        return timing.due(fraction, zone, campaign.window, campaign.quiet_hours, earliest, self.occurrence.expires_at)
