"""What a person's hand does to sending: stop, pause, call back, slow down."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from rapport.campaigns.approving.audit import audit, local_user
from rapport.db import Connection, connect, load_queries
from rapport.errors import PermanentError
from rapport.settings import Settings

SQL = load_queries("rapport.delivery", "controls.sql")
# Longer than a mail that was claimed still asks the switches, and than most requests under way need.
STOP_SECONDS = 5.0
# A usual ramp for a domain without a history: it doubles day by day, and after two weeks mailbox providers know it.
RAMP = (50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, 102_400, 204_800, 409_600)
Scope = Literal["all", "campaign", "mailbox"]


@dataclass(frozen=True)
class StopReport:
    """`under_way`: messages a worker held when the switch was thrown; `ended`: their states by campaign afterwards."""

    under_way: int
    ended: dict[str, dict[str, int]] = field(default_factory=dict)

    def __str__(self) -> str:
        if not self.under_way:
            return "stopped; nothing was under way"
        lines = [f"stopped; {self.under_way} messages were under way:"]
        for campaign, states in self.ended.items():
            told = ", ".join(f"{count} {_ENDED.get(state, state)}" for state, count in states.items())
            lines.append(f"  {campaign}: {told}")
        return "\n".join(lines)


_ENDED = {
    "accepted": "had been accepted already",
    "pending": "did not leave and wait",
    "sending": "have no answer yet",
    "unknown": "are unknown until the provider's events tell",
}


def stop(settings: Settings, *, wait_seconds: float = STOP_SECONDS, by: str = "") -> StopReport:
    """The kill switch: from now on no message is claimed, and claimed ones whose first byte has not left do not leave.
    Waits up to `wait_seconds` real seconds for those under way. `by`, here and below: who does it, for the audit log;
    left out, this machine's user."""
    with connect("engine", settings=settings, autocommit=True) as conn:
        conn.execute(SQL["switch"], {"name": "kill_switch", "on": True})
        audit(conn, by or local_user(), "stop", "all sending")
        held = [row["send_id"] for row in conn.execute(SQL["under_way"])]
        end = time.monotonic() + wait_seconds
        ended = _ended(conn, held)
        while time.monotonic() < end and any("sending" in states for states in ended.values()):
            time.sleep(0.2)
            ended = _ended(conn, held)
    return StopReport(len(held), ended)


def resume(settings: Settings, *, by: str = "") -> None:
    """Lifts the kill switch."""
    with connect("engine", settings=settings) as conn:
        conn.execute(SQL["switch"], {"name": "kill_switch", "on": False})
        audit(conn, by or local_user(), "resume", "all sending")


def pause_campaign(settings: Settings, campaign: str, because: str, *, by: str = "") -> None:
    """Nothing of this campaign leaves until it is resumed. Raises PermanentError for a campaign never planned."""
    with connect("engine", settings=settings) as conn:
        found = conn.execute(SQL["pause_campaign"], {"campaign_id": campaign, "because": because}).fetchone()
        _require(conn, campaign, bool(found))
        audit(conn, by or local_user(), "pause", f"campaign {campaign}", because=because)


def resume_campaign(settings: Settings, campaign: str, *, by: str = "") -> None:
    """Raises PermanentError for a campaign never planned, and for one that the breaker has paused."""
    with connect("engine", settings=settings) as conn:
        tripped = conn.execute(SQL["paused_by_breaker"], {"campaign_id": campaign}).fetchone()
        if tripped:
            raise PermanentError(
                f"{campaign} was paused by the {tripped['paused_because']}. Once the cause is gone: "
                f"`rapport deliver reset {campaign}` (docs/runbook/complaint-spike.md)"
            )
        found = conn.execute(SQL["resume_campaign"], {"campaign_id": campaign}).fetchone()
        _require(conn, campaign, bool(found))
        audit(conn, by or local_user(), "resume", f"campaign {campaign}")


def cancel(settings: Settings, campaign: str, occurrence: str | None, because: str, *, by: str = "") -> int:
    """Calls back what has not been claimed, of one occurrence or of all; returns how many messages. It cannot be
    undone: an occurrence is planned once. Raises PermanentError for a campaign never planned."""
    values = {"campaign_id": campaign, "occurrence_key": occurrence, "because": f"cancelled: {because}"}
    with connect("engine", settings=settings) as conn:
        _require(conn, campaign, campaign in {row["campaign_id"] for row in conn.execute(SQL["campaigns"])})
        called_back = len(conn.execute(SQL["cancel"], values).fetchall())
        what = f"campaign {campaign}"
        audit(conn, by or local_user(), "cancel", what, occurrence=occurrence, because=because, messages=called_back)
        return called_back


def set_rate(settings: Settings, scope: Scope, key: str, per_hour: float | None) -> None:
    """At most so many messages an hour, by all workers together; None: no limit. At least one may always leave, and at
    most what ten seconds allow leaves at once."""
    if per_hour is not None and per_hour <= 0:
        raise PermanentError("a rate is more than 0 an hour; to send nothing, pause the campaign or stop sending")
    with connect("engine", settings=settings) as conn:
        if per_hour is None:
            conn.execute(SQL["clear_rate"], {"scope": scope, "key": key})
        else:
            values = {"per_second": per_hour / 3600, "burst": max(1.0, per_hour / 360)}
            conn.execute(SQL["set_rate"], {"scope": scope, "key": key, **values})


def set_warm_up(settings: Settings, domain: str, started_on: date, daily_limits: Sequence[int]) -> None:
    """The n-th number is the most that leaves on the n-th day of the shop's calendar; after the last there is no
    limit."""
    if not daily_limits or min(daily_limits) < 0:
        raise PermanentError("a warm-up needs at least one day, and no day may be below 0")
    with connect("engine", settings=settings) as conn:
        values = {"sending_domain": domain.lower(), "started_on": started_on, "daily_limits": list(daily_limits)}
        conn.execute(SQL["set_warm_up"], values)


def clear_warm_up(settings: Settings, domain: str) -> None:
    with connect("engine", settings=settings) as conn:
        conn.execute(SQL["clear_warm_up"], {"sending_domain": domain.lower()})


def _ended(conn: Connection, held: list[object]) -> dict[str, dict[str, int]]:
    ended: dict[str, dict[str, int]] = {}
    for row in conn.execute(SQL["how_they_ended"], {"send_ids": held}):
        ended.setdefault(row["campaign_id"], {})[row["state"]] = row["n"]
    return ended


def _require(conn: Connection, campaign: str, found: bool) -> None:
    if not found:
        known = ", ".join(row["campaign_id"] for row in conn.execute(SQL["campaigns"])) or "none yet"
        raise PermanentError(f"no campaign {campaign!r} was ever planned; there are: {known}")
