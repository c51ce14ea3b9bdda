"""What a person asks first: how many sends are in which state, what stands against sending, what is in doubt."""

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from rapport.clock import Clock
from rapport.db import Connection, connect, load_queries
from rapport.delivery.reconcile import GATE_LEAST, GATE_SHARE
from rapport.settings import Settings

SQL = load_queries("rapport.delivery", "status.sql")


@dataclass(frozen=True)
class Status:
    """Counts by campaign and state; ages in real seconds. `against` says in sentences what keeps mail from leaving, or
    slows it. `evidence_gate_open`: whether the last half hour's silence would prove anything. `duplicates` counts the
    last day's sends that the provider took in twice."""

    states: dict[str, dict[str, int]]
    unknown: int
    unknown_age_seconds: float
    inbox: int
    inbox_age_seconds: float
    kill_switch: bool
    marketing_stop: str | None
    restored: str | None
    evidence_gate_open: bool
    duplicates: int
    paused_campaigns: tuple[str, ...] = ()
    against: tuple[str, ...] = field(default=())

    def total(self, state: str) -> int:
        return sum(counts.get(state, 0) for counts in self.states.values())

    def __str__(self) -> str:
        columns = sorted({state for counts in self.states.values() for state in counts})
        width = max([len(name) for name in self.states] + [len("campaign")])
        widths = {
            state: max(len(state), *(len(f"{counts.get(state, 0):,}") for counts in self.states.values()))
            for state in columns
        }
        lines = ["  ".join(["campaign".ljust(width), *(state.rjust(widths[state]) for state in columns)])]
        for campaign, counts in self.states.items():
            cells = (f"{counts.get(state, 0):,}".rjust(widths[state]) for state in columns)
            lines.append("  ".join([campaign.ljust(width), *cells]))
        lines.append(f"unknown: {self.unknown:,}, the oldest for {self.unknown_age_seconds:.0f} s")
        lines.append(f"events not read yet: {self.inbox:,}, the oldest for {self.inbox_age_seconds:.0f} s")
        if self.duplicates:
            lines.append(f"SENT TWICE: {self.duplicates:,} of the last day, by the provider's events; tell a developer")
        return "\n".join([*lines, *self.against])


def status(settings: Settings, clock: Clock) -> Status:
    """As it is now. Raises TransientError when Postgres is away."""
    today = clock.now().astimezone(ZoneInfo(settings.shop_time_zone)).date()
    with connect("engine", settings=settings) as conn:
        states: dict[str, dict[str, int]] = {}
        for row in conn.execute(SQL["by_campaign"]):
            states.setdefault(row["campaign_id"], {})[row["state"]] = row["n"]
        figures = conn.execute(SQL["figures"]).fetchone() or {}
        gate = conn.execute(SQL["evidence_gate"]).fetchone() or {}
        duplicates = (conn.execute(SQL["duplicates"]).fetchone() or {})["n"]
        paused = {row["campaign_id"]: row["because"] for row in conn.execute(SQL["paused_campaigns"])}
        slow = _slow(conn, today)
    pause = figures.pop("provider_pause")
    against = []
    if figures["restored"]:
        against.append(f"RESTORE GUARD: {figures['restored']}; see docs/runbook/restored-database.md")
    if figures["kill_switch"]:
        against.append("KILL SWITCH IS ON: nothing is sent; `rapport deliver resume` lifts it")
    if figures["marketing_stop"]:
        against.append(f"MARKETING IS STOPPED: {figures['marketing_stop']}; `rapport deliver reset` lifts it")
    against += [f"paused: {campaign} ({because})" for campaign, because in paused.items()]
    if pause:
        against.append(f"the provider asked for patience until {pause:%Y-%m-%d %H:%M:%S} UTC")
    is_open = gate["answered"] >= GATE_LEAST and gate["told"] >= GATE_SHARE * gate["answered"]
    return Status(
        states=states,
        evidence_gate_open=is_open,
        duplicates=duplicates,
        paused_campaigns=tuple(paused),
        against=(*against, *slow),
        **figures,
    )


def _slow(conn: Connection, today: object) -> list[str]:
    lines = [
        f"the rest of {row['campaign_id']} {row['occurrence_key']} waits for its canaries: {row['because']}"
        for row in conn.execute(SQL["held_occurrences"])
    ]
    for row in conn.execute(SQL["rates"]):
        of = "" if row["scope"] == "all" else f" of {row['scope']} {row['key']}"
        lines.append(f"rate{of}: at most {row['per_hour']:,.0f} messages an hour")
    for row in conn.execute(SQL["warm_ups"], {"today": today}):
        limit = row["daily_limit"] or 0
        lines.append(f"warm-up of {row['sending_domain']}: {row['sent']:,} of today's {limit:,} have left")
    return lines
