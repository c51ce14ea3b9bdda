"""Caps over all campaigns: finds whom one may be reached for, and writes what pressure.settle makes of it."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from psycopg.types.json import Jsonb

from rapport.campaigns.folder.model import Campaign
from rapport.campaigns.planning.pressure import Cap, Mail, Settled, Worth, settle
from rapport.campaigns.planning.timing import Interval
from rapport.campaigns.policy import Policy
from rapport.db import Connection, load_queries

BATCH = 1000
SQL = load_queries("rapport.campaigns.planning", "pressure.sql", "moves.sql")
# Columns of `crowded` that hold an entry a message.
_OF_OTHERS = ("names", "topics", "moments", "ends", "others_hours", "movable", "send_ids")
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
    conn.execute(SQL["create_tables"])
    if not caps:
        return
    worths = {row["campaign_id"]: _worth(row["value"], row["priority"]) for row in conn.execute(SQL["worths"])}
    own = _worth(campaign.value, campaign.priority)
    reach = {"most_days": max(cap.days for cap in caps), "least": min(cap.max for cap in caps)}
    with conn.cursor(name="crowded") as cursor:
        cursor.execute(SQL["crowded"], {**values, **reach})
        while rows := cursor.fetchmany(BATCH):
            settled = [(row, _settle(row, campaign, own, worths, caps)) for row in rows]
            _copy(conn, "copy_settled", _lines(settled))
            _copy(conn, "copy_makes_room", _moves(settled))
    conn.execute(SQL["analyze_settled"])
    conn.execute(SQL["set_settled"])
    if _room_is_made(conn):
        conn.execute(SQL["give_up_claimed"])


def apply_moves(conn: Connection, values: dict[str, Any]) -> None:
    """Moves or lets go what makes room for those that are planned."""
    if not _room_is_made(conn):
        return
    for name in ("move", "let_go", "note_moved", "note_let_go", "recount"):
        conn.execute(SQL[name], values)


def _room_is_made(conn: Connection) -> bool:
    row = conn.execute(SQL["makes_room"]).fetchone()
    return bool(row and row["found"])


def _copy(conn: Connection, statement: str, rows: Iterator[tuple[Any, ...]]) -> None:
    with conn.cursor() as cursor, cursor.copy(SQL[statement]) as copy:
        for row in rows:
            copy.write_row(row)


def _settle(
    row: dict[str, Any], campaign: Campaign, own: Worth, worths: dict[str, Worth], caps: Sequence[Cap]
) -> Settled:
    mail = Mail(
        campaign.name, campaign.topic, row["due_at"], own, row["expires_at"], _intervals(row["hours"]), movable=True
    )
    each = zip(*(row[column] for column in _OF_OTHERS), strict=True)
    others = [
        Mail(name, topic, at, worths.get(name, (0.0, 0)), ends, _intervals(hours), movable, send_id)
        for name, topic, at, ends, hours, movable, send_id in each
    ]
    return settle(mail, others, caps)


def _lines(settled: list[tuple[dict[str, Any], Settled]]) -> Iterator[tuple[Any, ...]]:
    for row, found in settled:
        if found.at != row["due_at"]:
            yield row["place"], found.at, found.outcome, found.reason


def _moves(settled: list[tuple[dict[str, Any], Settled]]) -> Iterator[tuple[Any, ...]]:
    for row, found in settled:
        for send_id, at in found.moves.items():
            yield row["place"], send_id, at


@lru_cache(maxsize=4096)
def _intervals(text: str | None) -> tuple[Interval, ...]:
    moments = [datetime.fromisoformat(moment) for moment in _MOMENT.findall(text or "")]
    return tuple(zip(moments[::2], moments[1::2], strict=True))


def _worth(value: Any, priority: int) -> Worth:
    return float(value or 0), priority
