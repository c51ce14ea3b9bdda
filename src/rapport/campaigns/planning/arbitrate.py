"""Caps over all campaigns: finds whom one may be reached for, and writes what pressure.settle makes of it."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from rapport.campaigns.folder.model import Campaign
from rapport.campaigns.planning.pressure import Cap, Mail, Settled, Worth, settle
from rapport.campaigns.planning.timing import Interval
from rapport.campaigns.policy import Policy
from rapport.db import Connection, load_queries

BATCH = 5000
SQL = load_queries("rapport.campaigns.planning", "pressure.sql")
_MOMENT = re.compile(r'"([^"]+)"')


def caps_of(campaign: Campaign, policy: Policy) -> list[Cap]:
    """The campaign's own cap and the shop's. What must be delivered is under its own alone."""
    own = campaign.frequency_cap
    caps = [Cap(own.max, own.days, campaign.topic)] if own else []
    if campaign.policy == "at_most_once":
        caps += [Cap(cap.max, cap.days, cap.topic) for cap in policy.caps]
    return [cap for cap in caps if cap.covers(campaign.topic)]


def record_caps(conn: Connection, policy: Policy) -> None:
    """Puts the shop's caps where the claim reads them."""
    conn.execute(SQL["record_caps"], {"caps": Jsonb([cap.model_dump() for cap in policy.caps])})


def arbitrate(conn: Connection, campaign: Campaign, caps: Sequence[Cap], values: dict[str, Any]) -> None:
    """Moves, or refuses, those of `judged` for whom a cap is reached. Who makes room for them stands in `makes_room`
    until apply_moves."""
    conn.execute(SQL["create_makes_room"])
    if not caps:
        return
    worths = {row["campaign_id"]: _worth(row["value"], row["priority"]) for row in conn.execute(SQL["worths"])}
    own = _worth(campaign.value, campaign.priority)
    reach = {"most_days": max(cap.days for cap in caps), "least": min(cap.max for cap in caps)}
    with conn.cursor(name="crowded") as cursor:
        cursor.execute(SQL["crowded"], {**values, **reach})
        while rows := cursor.fetchmany(BATCH):
            settled = [(row, _settle(row, campaign, own, worths, caps)) for row in rows]
            conn.execute(SQL["set_settled"], {"rows": Jsonb([*_lines(settled)])})
            conn.execute(SQL["make_room"], {"rows": Jsonb([*_moves(settled)])})
    conn.execute(SQL["give_up_claimed"])


def apply_moves(conn: Connection, values: dict[str, Any]) -> None:
    """Moves or lets go what makes room for those that are planned."""
    for name in ("move", "let_go", "note_moved", "note_let_go", "recount"):
        conn.execute(SQL[name], values)


def _settle(
    row: dict[str, Any], campaign: Campaign, own: Worth, worths: dict[str, Worth], caps: Sequence[Cap]
) -> Settled:
    mail = Mail(
        campaign.name, campaign.topic, row["due_at"], own, row["expires_at"], _intervals(row["hours"]), movable=True
    )
    others = [
        Mail(
            one["name"],
            one["topic"],
            datetime.fromisoformat(one["at"]),
            worths.get(one["name"], (0.0, 0)),
            datetime.fromisoformat(one["expires_at"]),
            _intervals(one["hours"]),
            one["movable"],
            one["send_id"],
        )
        for one in row["others"]
    ]
    return settle(mail, others, caps)


def _lines(settled: list[tuple[dict[str, Any], Settled]]) -> Iterator[dict[str, Any]]:
    for row, found in settled:
        if found.at != row["due_at"]:
            due_at = found.at.isoformat() if found.at else None
            yield {"place": row["place"], "due_at": due_at, "outcome": found.outcome, "reason": found.reason}


def _moves(settled: list[tuple[dict[str, Any], Settled]]) -> Iterator[dict[str, Any]]:
    for row, found in settled:
        for send_id, at in found.moves.items():
            yield {"place": row["place"], "send_id": send_id, "due_at": at.isoformat() if at else None}


def _intervals(text: str | None) -> tuple[Interval, ...]:
    moments = [datetime.fromisoformat(moment) for moment in _MOMENT.findall(text or "")]
    return tuple(zip(moments[::2], moments[1::2], strict=True))


def _worth(value: Any, priority: int) -> Worth:
    return float(value or 0), priority
