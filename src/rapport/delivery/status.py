"""What a person asks first: how many sends are in which state, what is unknown, what has not been read."""

from dataclasses import dataclass

from rapport.db import connect, load_queries
from rapport.settings import Settings

SQL = load_queries("rapport.delivery", "status.sql")


@dataclass(frozen=True)
class Status:
    """Counts by campaign and state; ages in real seconds."""

    states: dict[str, dict[str, int]]
    unknown: int
    unknown_age_seconds: float
    inbox: int
    inbox_age_seconds: float
    kill_switch: bool
    provider_pause: str | None
    paused_campaigns: tuple[str, ...]

    def __str__(self) -> str:
        columns = sorted({state for counts in self.states.values() for state in counts})
        width = max([len(name) for name in self.states] + [len("campaign")])
        lines = ["  ".join(["campaign".ljust(width), *columns])]
        for campaign, counts in self.states.items():
            cells = (f"{counts.get(state, 0):>{len(state)},}" for state in columns)
            lines.append("  ".join([campaign.ljust(width), *cells]))
        lines.append(f"unknown: {self.unknown}, the oldest for {self.unknown_age_seconds:.0f} s")
        lines.append(f"events not read yet: {self.inbox}, the oldest for {self.inbox_age_seconds:.0f} s")
        if self.paused_campaigns:
            lines.append(f"paused: {', '.join(self.paused_campaigns)}")
        if self.provider_pause:
            lines.append(f"the provider asked for patience until {self.provider_pause}")
        if self.kill_switch:
            lines.append("KILL SWITCH IS ON: nothing is sent; `rapport deliver resume` lifts it")
        return "\n".join(lines)


def status(settings: Settings) -> Status:
    """As it is now. Raises TransientError when Postgres is away."""
    with connect("engine", settings=settings) as conn:
        states: dict[str, dict[str, int]] = {}
        for row in conn.execute(SQL["by_campaign"]):
            states.setdefault(row["campaign_id"], {})[row["state"]] = row["n"]
        unknown = conn.execute(SQL["unknown_age"]).fetchone() or {}
        inbox = conn.execute(SQL["inbox_backlog"]).fetchone() or {}
        controls = {row["name"]: row["value"] for row in conn.execute(SQL["controls"])}
        paused = tuple(row["campaign_id"] for row in conn.execute(SQL["paused_campaigns"]))
    return Status(
        states=states,
        unknown=unknown["n"],
        unknown_age_seconds=unknown["oldest_seconds"],
        inbox=inbox["n"],
        inbox_age_seconds=inbox["oldest_seconds"],
        kill_switch=controls.get("kill_switch") is not False,
        provider_pause=(controls.get("provider_pause") or {}).get("until"),
        paused_campaigns=paused,
    )
