"""Whether people have allowed what is about to be planned. In doubt they have not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from rapport.campaigns.approving.unusual import Finding, findings
from rapport.campaigns.folder.model import Campaign, Mailing
from rapport.campaigns.lifecycle.flow import Flow
from rapport.campaigns.mail.content import Template
from rapport.campaigns.mail.samples import SampleReport, render_samples
from rapport.campaigns.offers.coupons import shortage
from rapport.campaigns.planning.calendar import Occurrence
from rapport.campaigns.planning.record import version_of
from rapport.campaigns.policy import Policy, load_policy
from rapport.db import Connection, load_queries
from rapport.errors import GateFailed
from rapport.settings import Settings

SQL = load_queries("rapport.campaigns.approving", "approval.sql")
# What an approval of a version alone is asked for: a campaign that is not tied to one occurrence has no other key.
ANY_OCCURRENCE = "*"


@dataclass(frozen=True)
class Question:
    """What people must allow before an occurrence may be planned. `audience`: messages; `people_needed`: 1 or 2."""

    campaign_id: str
    version: str
    occurrence_key: str
    covers: str
    reasons: tuple[Finding, ...]
    audience: int
    people_needed: int

    def __str__(self) -> str:
        why = "; ".join(reason.told for reason in self.reasons)
        who = "two people" if self.people_needed > 1 else "a person"
        return f"{self.campaign_id} {self.occurrence_key} waits for {who} to approve it: {why}"


class ApprovalNeeded(GateFailed):
    """Nothing was planned, because people have not said yes."""

    def __init__(self, question: Question) -> None:
        super().__init__(
            f"{question}. Nothing was planned. Look at it and decide: `rapport campaign approve "
            f"{question.campaign_id}`, or answer its DAG's question in Airflow"
        )
        self.question = question


class ApprovalRefused(GateFailed):
    """Nothing was planned, because somebody said no."""


def require_approval(
    conn: Connection,
    campaign: Campaign,
    occurrence: Occurrence,
    templates: Sequence[Template],
    waterfall: Mapping[str, int],
    settings: Settings,
    now: datetime,
) -> None:
    """Asked by the planner with what it is about to commit.

    Raises ApprovalNeeded or ApprovalRefused, and GateFailed when a sample of the mail came out wrong or there are fewer
    codes than mails.
    """
    require_samples(conn, campaign, settings)
    require_coupons(conn, campaign, templates, waterfall["planned"], now)
    asked = question(conn, campaign, occurrence, templates, waterfall, load_policy(settings))
    if asked:
        raise ApprovalNeeded(asked)


def require_approved_version(
    conn: Connection, campaign: Mailing, templates: Sequence[Template], settings: Settings
) -> None:
    """As require_approval, for what goes to people one by one and so has no volume to compare."""
    asked = version_question(conn, campaign, templates, load_policy(settings))
    if asked:
        raise ApprovalNeeded(asked)


def version_question(
    conn: Connection,
    campaign: Mailing,
    templates: Sequence[Template],
    policy: Policy,
    *,
    after_refusal: bool = False,
) -> Question | None:
    """As question, for what goes to people one by one."""
    if _automatic(campaign, policy):
        return None
    version = version_of(campaign, templates)
    answered = _answered(conn, campaign.name, version, ANY_OCCURRENCE, after_refusal)
    if _standing(answered, 1):
        return None
    return Question(campaign.name, version, ANY_OCCURRENCE, "version", (_NEW,), 0, 1)


def require_samples(conn: Connection, campaign: Campaign | Flow, settings: Settings) -> SampleReport:
    """Renders the mail for real readers and nasty ones. Raises GateFailed naming what is wrong."""
    report = render_samples(campaign, conn, settings)
    if report.faults:
        raise GateFailed(
            f"{campaign.name}: samples of the mail are wrong, so nothing was planned: {'; '.join(report.faults[:3])}. "
            f"`rapport campaign check {campaign.name} --samples` lists all"
        )
    return report


def require_coupons(
    conn: Connection, campaign: Campaign, templates: Sequence[Template], planned: int, now: datetime
) -> None:
    """Raises GateFailed when a pool has fewer codes than mails that print one: their readers would get nothing."""
    for pool in sorted({template.coupon for template in templates if template.coupon}):
        mails = ceil(planned * _share(campaign, templates, pool))
        told = shortage(conn, campaign.coupon, mails, now, pool)
        if told:
            raise GateFailed(f"{campaign.name}: {told}. Nothing was planned")


def _share(campaign: Campaign, templates: Sequence[Template], pool: str) -> float:
    """The most of the mails that may print codes of a pool."""
    experiment = campaign.experiment
    if experiment is None or experiment.winner is not None:
        return 1.0
    holders = {template.variant for template in templates if template.coupon == pool}
    return sum(experiment.variants[name].share for name in holders) / 100


def question(
    conn: Connection,
    campaign: Mailing,
    occurrence: Occurrence,
    templates: Sequence[Template],
    waterfall: Mapping[str, int],
    policy: Policy,
    *,
    after_refusal: bool = False,
) -> Question | None:
    """What must still be asked; None when it may be planned.

    Raises ApprovalRefused when somebody said no, unless a person decides anew (`after_refusal`).
    """
    version = version_of(campaign, templates)
    planned = waterfall["planned"]
    needed = 2 if planned >= policy.approval.two_people_from else 1
    answered = _answered(conn, campaign.name, version, occurrence.key, after_refusal)
    own = [row for row in answered if row["occurrence_key"] == occurrence.key and _enough(row, needed)]
    grown = None
    if own:
        grown = _grown(planned, own[0]["audience"], policy)
        if grown is None:
            return None
    unusual = findings(conn, campaign.name, occurrence.key, waterfall, policy.gates)
    reasons = [*_stated(campaign, answered, needed, policy), *([grown] if grown else []), *unusual]
    if not reasons:
        return None
    covers = "version" if reasons[0] is _NEW else "occurrence"
    return Question(campaign.name, version, occurrence.key, covers, tuple(reasons), planned, needed)


_NEW = Finding("version", "this version of it was never approved")
_EACH = Finding("broadcast", "a broadcast is approved each time")


def _stated(campaign: Mailing, answered: Sequence[Mapping[str, Any]], needed: int, policy: Policy) -> list[Finding]:
    if _automatic(campaign, policy):
        return []
    if campaign.kind == "broadcast":
        return [_EACH]
    return [] if _standing(answered, needed) else [_NEW]


def _automatic(campaign: Mailing, policy: Policy) -> bool:
    return policy.approval.automatic and getattr(campaign, "approval", "required") == "automatic"


def _answered(
    conn: Connection, campaign_id: str, version: str, occurrence_key: str, after_refusal: bool = False
) -> list[dict[str, Any]]:
    """Answers, newest first. Raises ApprovalRefused when the newest is a no."""
    values = {"campaign_id": campaign_id, "version": version, "occurrence_key": occurrence_key}
    rows = conn.execute(SQL["answered"], values).fetchall()
    if rows and rows[0]["state"] == "refused":
        if after_refusal:
            return []
        newest = rows[0]
        said = f": {newest['comment']}" if newest["comment"] else ""
        raise ApprovalRefused(
            f"{campaign_id} was refused by {newest['refused_by']} at {newest['answered_at']:%Y-%m-%d %H:%M} UTC{said}. "
            f"Nothing was planned. Edit it, or decide anew: `rapport campaign approve {campaign_id}`"
        )
    return rows


def _standing(answered: Sequence[Mapping[str, Any]], needed: int) -> bool:
    """Whether the version was approved by as many as an audience of this size needs."""
    return any(row["covers"] == "version" and _enough(row, needed) for row in answered)


def _enough(row: Mapping[str, Any], needed: int) -> bool:
    return bool(row["state"] == "approved" and min(row["people_needed"], len(row["approved_by"])) >= needed)


def _grown(planned: int, approved: int, policy: Policy) -> Finding | None:
    """An answer was given for what was seen; much more than that was not seen."""
    more, limit = planned - approved, policy.gates.segment_change_percent
    if more < policy.gates.least_people or more * 100 <= approved * limit:
        return None
    return Finding("grown", f"{planned:,} messages, {approved:,} when it was approved (limit: {limit} % more)")
