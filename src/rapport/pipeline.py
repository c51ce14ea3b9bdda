"""The steps from raw tables to an audience, in the one order that both Airflow and `rapport run` use."""

import logging
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from rapport.clock import Clock
from rapport.db import connect
from rapport.settings import Settings

if TYPE_CHECKING:
    from rapport.campaigns.approving.requests import Request, Verdict

log = logging.getLogger(__name__)

VENDORS = ("shopify", "zendesk", "bluesky")
AUDIENCE_GATE = "activation.campaign_audience"
TRIGGERS_GATE = "activation.campaign_triggers"

Progress = Callable[[str], None]


@dataclass
class RunSummary:
    """What one run did. `seconds` are wall-clock seconds a step, `counts` rows by relation, `planned` by campaign."""

    seconds: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    revenue: dict[str, str] = field(default_factory=dict)
    segments: dict[str, int] = field(default_factory=dict)
    planned: dict[str, dict[str, int]] = field(default_factory=dict)


def configured(vendor: str, settings: Settings) -> bool:
    """Whether the shop uses this vendor at all."""
    return bool(getattr(settings, f"{vendor}_url"))


def load(vendor: str, settings: Settings, clock: Clock) -> str:
    """Pulls what is new from one vendor; returns one line that says what came."""
    from rapport.landing import load_source

    if not configured(vendor, settings):
        return f"{vendor}: not connected, nothing to load (RAPPORT_{vendor.upper()}_URL is not set)"
    return str(load_source(vendor, settings, clock))


def gate(vendor: str, settings: Settings, clock: Clock) -> None:
    """Gate 1 of one source. Raises GateFailed."""
    from rapport.landing import prepare_raw
    from rapport.quality import require_gate

    if vendor in VENDORS and not configured(vendor, settings):
        prepare_raw(settings, [vendor])
    require_gate(f"raw_{vendor}", settings, clock)


def prepare(settings: Settings, clock: Clock) -> None:
    """Staging and intermediate: profiles, identifiers and edges. Raises DataError naming what failed."""
    from rapport import transform
    from rapport.landing import prepare_raw

    prepare_raw(settings)
    transform.prepare(settings, clock.now())


def identify(settings: Settings, clock: Clock) -> str:
    """Clusters and stable customer ids; returns one line that says what changed."""
    from rapport import identity

    return str(identity.resolve(settings, clock.now()))


def build(settings: Settings, clock: Clock) -> None:
    """Marts, segments and the audience beside those that are read; consent facts move to where sending checks them."""
    from rapport import transform
    from rapport.delivery.consent import sync_consent

    transform.build(settings, clock.now())
    sync_consent(settings)


def publish(settings: Settings, clock: Clock) -> str:
    """Gate 2 on what was built; passed, it takes the place of what is read, as a whole. Raises GateFailed: then
    yesterday's tables stay and nothing is planned. Where only the triggers fail, flows stand still and the rest goes
    on."""
    from rapport import transform
    from rapport.quality import require_gate, run_suite

    built = f"activation{transform.NEXT}"
    require_gate(AUDIENCE_GATE, settings, clock, schema=built)
    triggers = run_suite(TRIGGERS_GATE, settings, clock, schema=built)
    if not triggers.passed:
        log.error("gate %s failed: flows stand still until a build passes. %s", TRIGGERS_GATE, triggers.failures)
    return str(transform.publish(settings))


def score(settings: Settings, clock: Clock) -> str:
    """Scores from the published marts; returns a line for each that says how it compares with its naive rule."""
    from rapport.scoring.run import score_all

    return "\n".join(score_all(settings, clock.now()).lines())


def plan(name: str, settings: Settings, clock: Clock, *, dry_run: bool = False) -> dict[str, int]:
    """Plans what is due of a campaign now; returns its waterfall. Raises CampaignError or GateFailed, which stand in
    ops.campaign_hold until a later plan goes through."""
    from rapport.campaigns.folder.definition import Confirmation, load_named
    from rapport.campaigns.lifecycle.flow import Flow
    from rapport.campaigns.lifecycle.flows import run_flow
    from rapport.campaigns.planning.confirmations import plan_confirmations
    from rapport.campaigns.planning.holds import on_record
    from rapport.campaigns.planning.plan import plan as plan_campaign

    with nullcontext() if dry_run else on_record(name, settings, clock):
        campaign = load_named(name, settings)
        if isinstance(campaign, Confirmation):
            return plan_confirmations(campaign, settings, clock, dry_run=dry_run)
        if isinstance(campaign, Flow):
            return run_flow(campaign, settings, clock, dry_run=dry_run)
        return plan_campaign(campaign, settings, clock, dry_run=dry_run).waterfall


def answer(
    name: str, settings: Settings, clock: Clock, who: str | None, verdict: "Verdict", comment: str = ""
) -> "Request | None":
    """A person's answer at a command line to the campaign's open question, which is asked if it was not yet.

    None when nothing is to approve. Raises PermanentError when the answer does not count, and as release.ask.
    """
    from rapport.campaigns.approving import requests
    from rapport.campaigns.approving.audit import local_user
    from rapport.delivery.release import ask

    asked = ask(name, settings, clock, anew=True)
    if asked is None:
        return None
    return requests.answer(
        settings, asked.request["request_id"], who or local_user(), verdict, clock.now(), comment=comment
    )


def plan_if_due(name: str, settings: Settings, clock: Clock) -> dict[str, int]:
    """Plans the occurrence that has begun, if one has, or a flow as far as it is due; nothing otherwise."""
    from rapport.campaigns.folder.definition import Campaign, Flow, load_named
    from rapport.campaigns.planning.calendar import occurrence_at

    campaign = load_named(name, settings)
    if isinstance(campaign, Campaign) and occurrence_at(campaign, clock.now()) is None:
        return {}
    if not isinstance(campaign, Campaign | Flow):
        return {}
    return plan(name, settings, clock)


def decide_winners(settings: Settings, clock: Clock) -> list[str]:
    """Chooses the version that the rest of an occurrence gets, wherever its time has come; one line each."""
    from rapport.campaigns.outcome.winner import decide_winners as decide

    return [str(decided) for decided in decide(settings, clock)]


def run(
    settings: Settings,
    clock: Clock,
    *,
    vendors: Sequence[str] = VENDORS,
    campaigns: Sequence[str] | None = None,
    progress: Progress = lambda line: None,
) -> RunSummary:
    """Load, gate, dbt, identity, segments, audience, scores, plan; sends nothing. A failing step stops the rest."""
    summary = RunSummary()

    def step(name: str, action: Callable[[], object]) -> None:
        started = monotonic()
        progress(f"{name} ...")
        said = action()
        summary.seconds[name] = round(monotonic() - started, 1)
        progress(f"{name}: {said or 'done'} ({summary.seconds[name]} s)")

    for vendor in vendors:
        if configured(vendor, settings):
            step(f"load {vendor}", lambda vendor=vendor: load(vendor, settings, clock))  # type: ignore[misc]
            step(f"gate {vendor}", lambda vendor=vendor: gate(vendor, settings, clock))  # type: ignore[misc]
    step("gate web", lambda: gate("web", settings, clock))
    step("gate files", lambda: gate("files", settings, clock))
    step("prepare", lambda: prepare(settings, clock))
    step("identify", lambda: identify(settings, clock))
    step("build", lambda: build(settings, clock))
    step("publish", lambda: publish(settings, clock))
    step("score", lambda: score(settings, clock))
    names = campaigns if campaigns is not None else campaign_names(settings)
    for name in names:
        step(f"plan {name}", lambda name=name: _plan_into(summary, name, settings, clock))  # type: ignore[misc]
    _count(settings, summary)
    return summary


def _plan_into(summary: RunSummary, name: str, settings: Settings, clock: Clock) -> str | None:
    """A campaign that waits for people stops no other one."""
    from rapport.campaigns.approving.approval import ApprovalNeeded, ApprovalRefused

    try:
        summary.planned[name] = plan(name, settings, clock)
    except (ApprovalNeeded, ApprovalRefused) as held:
        return str(held)
    return None


def campaign_names(settings: Settings) -> list[str]:
    """Folders under campaigns/ that hold a definition."""
    return sorted(path.parent.name for path in settings.campaigns_dir.glob("*/campaign.yml"))


def _count(settings: Settings, summary: RunSummary) -> None:
    relations = ("customers", "orders", "order_items", "products", "support_tickets", "social_interactions")
    with connect("engine", settings=settings) as conn:
        for relation in relations:
            query = f"select count(*) as n from marts.{relation}"  # noqa: S608 - from the constant above
            row = conn.execute(query).fetchone()
            summary.counts[relation] = row["n"] if row else 0
        for row in conn.execute("select currency_code, sum(revenue) as total from marts.orders group by 1 order by 1"):
            summary.revenue[row["currency_code"]] = str(row["total"])
        for row in conn.execute(
            "select segment, count(*) as n from segments.customer_segments where left_at is null group by 1 order by 1"
        ):
            summary.segments[row["segment"]] = row["n"]
