"""For one person: what was decided in each occurrence, why, and what became of the mail."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rapport.db import connect, load_queries
from rapport.errors import PermanentError
from rapport.keys import recipient_key
from rapport.settings import Settings

SQL = load_queries("rapport.campaigns.planning", "why.sql")
# What an answer at a command line may hold.
MOST = 200


@dataclass(frozen=True)
class Reason:
    """One occurrence. `became`: what has happened to the send by now; empty where there is none."""

    campaign_id: str
    occurrence_key: str
    outcome: str
    reason: str
    became: str

    def __str__(self) -> str:
        told = f"{self.campaign_id} {self.occurrence_key}: {self.outcome}: {self.reason}"
        return f"{told}\n    {self.became}" if self.became else told


def why(person: str, settings: Settings) -> list[Reason]:
    """Newest first, for an address or a customer id. Whoever was in no segment, or fitted no filter, has no row.

    Raises DataError when the address is none.
    """
    is_address = "@" in person
    values = {
        "recipient_key": recipient_key(settings, person) if is_address else None,
        "customer_id": None if is_address else person,
        "most": MOST,
    }
    with connect("engine", settings=settings) as conn:
        return [_reason(row) for row in conn.execute(SQL["why"], values)]


def waterfall(campaign_id: str, settings: Settings, occurrence_key: str | None = None) -> tuple[str, dict[str, int]]:
    """The key of an occurrence, the newest where none is named, and how many fell out where; then `now <state>` of its
    sends. Raises PermanentError when nothing was planned."""
    with connect("engine", settings=settings) as conn:
        row = conn.execute(SQL["waterfall"], {"campaign_id": campaign_id, "occurrence_key": occurrence_key}).fetchone()
        if row is None:
            of_which = f" of {occurrence_key}" if occurrence_key else ""
            raise PermanentError(f"nothing{of_which} was planned for {campaign_id!r}; see `rapport campaign list`")
        values = {"campaign_id": campaign_id, "occurrence_key": row["occurrence_key"]}
        became = {f"now {one['state']}": one["sends"] for one in conn.execute(SQL["became"], values)}
    return row["occurrence_key"], {**row["waterfall"], **became}


def _reason(row: Mapping[str, Any]) -> Reason:
    return Reason(row["campaign_id"], row["occurrence_key"], row["outcome"], row["reason"], _became(row))


def _became(row: Mapping[str, Any]) -> str:
    state = row["send_state"]
    if state is None:
        return ""
    parts = [f"{state}, version {row['variant']}"]
    if row["accepted_at"]:
        parts.append(f"handed over {_told(row['accepted_at'])}, engagement: {row['engagement']}")
    elif state == "pending":
        parts.append(f"due {_told(row['due_at'])}")
    if row["send_reason"]:
        parts.append(row["send_reason"])
    return "; ".join(parts)


def _told(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
