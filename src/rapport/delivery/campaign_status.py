"""What each campaign does now, what holds it, and what to do about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from rapport.campaigns.folder.definition import Campaign, Flow, load_named
from rapport.campaigns.folder.problems import CampaignError
from rapport.campaigns.planning.calendar import next_occurrence
from rapport.clock import Clock
from rapport.db import connect, load_queries
from rapport.delivery.preflight.store import require_preflight
from rapport.errors import PermanentError
from rapport.settings import Settings

SQL = load_queries("rapport.delivery", "campaign_status.sql")
_SWITCHES = {
    "kill_switch": ("all sending is stopped", "rapport deliver resume"),
    "marketing_stop": ("marketing is stopped", "rapport deliver reset"),
    "restored": ("a restored database waits to be adopted", "docs/runbook/restored-database.md"),
}
_TODO = {
    "approval": "rapport campaign approvals {name}, then approve or refuse",
    "refused": "edit it, or rapport campaign approve {name}",
    "unanswered": "rapport campaign approve {name}, while the occurrence lasts",
    "data": "docs/operations.md: a gate failed",
    "folder": "rapport campaign check {name}",
    "error": "see the reason",
}


@dataclass(frozen=True)
class CampaignStatus:
    """One campaign. `state` is a word, `held` why nothing leaves (empty: nothing does), `todo` what helps."""

    name: str
    last: str
    next: str
    state: str
    held: str = ""
    todo: str = ""


def read(settings: Settings, clock: Clock, name: str | None = None) -> list[CampaignStatus]:
    """Of one campaign or of all folders, by name. Raises PermanentError for an unknown name."""
    folders = sorted(path.parent.name for path in settings.campaigns_dir.glob("*/campaign.yml"))
    if name is not None and name not in folders:
        load_named(name, settings)
    with connect("engine", settings=settings) as conn:
        known = {row["campaign_id"]: row for row in conn.execute(SQL["campaigns"])}
        above = [_SWITCHES[row["name"]] for row in conn.execute(SQL["stops"]) if row["name"] in _SWITCHES]
        try:
            require_preflight(settings, conn, clock.now())
        except PermanentError as red:
            above.append((str(red), "rapport preflight"))
    return [_status(each, known.get(each, {}), above, settings, clock) for each in folders if name in (None, each)]


def table(found: Iterable[CampaignStatus]) -> Table:
    made = Table(title="Campaigns", title_justify="left")
    for heading in ("campaign", "last", "next", "state", "what holds it", "what to do"):
        made.add_column(heading, overflow="fold")
    for each in found:
        made.add_row(each.name, each.last, each.next, each.state, each.held or "-", each.todo or "-")
    return made


def _status(
    name: str, row: Mapping[str, Any], above: list[tuple[str, str]], settings: Settings, clock: Clock
) -> CampaignStatus:
    last, upcoming = _last(row), "-"
    try:
        campaign = load_named(name, settings)
        if isinstance(campaign, Campaign):
            occurrence = next_occurrence(campaign, clock.now())
            upcoming = occurrence.key if occurrence else "none"
        else:
            upcoming = f"on {campaign.trigger}" if isinstance(campaign, Flow) else "on request"
    except CampaignError as error:
        told = f"rapport campaign check {name}"
        return CampaignStatus(name, last, upcoming, "cannot be read", str(error).splitlines()[0], told)
    held = _held(name, row)
    holding = [*above, *([held] if held else [])]
    if holding:
        state = "held" if held else "stopped"
        return CampaignStatus(
            name, last, upcoming, state, "; ".join(why for why, _ in holding), "; ".join(todo for _, todo in holding)
        )
    return CampaignStatus(name, last, upcoming, "sending" if row.get("last_open") else "waits for its time")


def _last(row: Mapping[str, Any]) -> str:
    if not row.get("last_occurrence"):
        return "never"
    return f"{row['last_occurrence']}: {row['last_planned'] or 0:,} planned, {row['last_open']:,} still to go"


def _held(name: str, row: Mapping[str, Any]) -> tuple[str, str] | None:
    if row.get("paused"):
        because = row["paused_because"] or "no reason given"
        tripped = because.startswith("breaker:")
        return f"paused: {because}", f"rapport deliver {'reset' if tripped else 'resume'} {name}"
    if row.get("held_by"):
        return f"{row['held_reason']} (since {row['held_since']:%Y-%m-%d %H:%M})", _TODO[row["held_by"]].format(
            name=name
        )
    if row.get("canary_held_because"):
        return f"the first wave holds the rest: {row['canary_held_because']}", "docs/delivery.md: the canary wave"
    return None
