"""Puts the question to people, with all that they need to answer it: content, audience, and what was checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rapport.campaigns.approving import approval_text, requests
from rapport.campaigns.approving.approval import require_samples
from rapport.campaigns.audience.gate import last_check
from rapport.campaigns.folder.definition import Confirmation, load_named
from rapport.campaigns.planning.holds import hold, on_record
from rapport.clock import Clock
from rapport.db import connect
from rapport.delivery.preflight.store import require_preflight
from rapport.errors import PermanentError
from rapport.settings import Settings


@dataclass(frozen=True)
class Asked:
    """A question that is open: its row of ops.approval, and what people read (Markdown)."""

    request: Mapping[str, Any]
    body: str


def ask(
    name: str, settings: Settings, clock: Clock, *, requested_by: str | None = None, anew: bool = False
) -> Asked | None:
    """Asks whether the campaign's next plan may be made; None when it may be, or when nothing is there to plan.

    `anew`: a person decides once more about what was refused. Raises GateFailed when the data or the samples are not in
    order, ApprovalRefused, CampaignError; each stands in ops.campaign_hold too.
    """
    with on_record(name, settings, clock):
        campaign = load_named(name, settings)
        if isinstance(campaign, Confirmation):
            return None
        report, asked = requests.look(campaign, settings, clock, anew=anew)
        if asked is None:
            return None
        with connect("engine", settings=settings) as conn:
            samples = require_samples(conn, campaign, settings)
            checks = [
                ("data", last_check(conn)),
                ("samples", str(samples)),
                *((reason.code, reason.told) for reason in asked.reasons if reason.code != "version"),
                ("preflight", _preflight(conn, settings, clock)),
            ]
        request = requests.ask(campaign, asked, settings, clock, requested_by=requested_by)
    hold(settings, name, asked.occurrence_key, "approval", str(asked), clock)
    return Asked(request, approval_text.body(campaign, request, report.waterfall, checks, settings))


def _preflight(conn: Any, settings: Settings, clock: Clock) -> str:
    """A red one holds the sending, not the question: it may be mended before the mail is due."""
    try:
        require_preflight(settings, conn, clock.now())
    except PermanentError as error:
        return f"RED, nothing leaves until it is mended: {error}"
    return "green"
