"""The loyalty programme: a system of its own that sends an export each week, as a file with its mapping."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from rapport.db import load_queries
from rapport.sandbox import records
from rapport.sandbox.times import DAY, epoch_of, iso

SQL = load_queries("rapport.sandbox", "loyalty.sql")
FOLDER = "loyalty_club"
TAG = "loyalty:"
# Points of a year, one a pound; whoever reaches the number on the left has the tier.
TIERS = ((0, "Bronze"), (150, "Silver"), (400, "Gold"))
YEAR = 365 * DAY
EXPIRING_WITHIN = 30 * DAY
HEADER = ("Member", "E-Mail", "Level", "Points", "Expiring", "Expire on", "Level since", "As of")
MAPPING = """\
# Exports of the simulated loyalty programme.
feed: loyalty_club
relation: loyalty
columns:
  id: Member
  email: E-Mail
  tier: Level
  points: Points
  points_expiring: Expiring
  expire_on: Expire on
  tier_since: Level since
  updated_at: As of
date_format: iso
"""


def export_loyalty(con: Connection, inbox: Path, now: datetime) -> Path | None:
    """Writes this week's file into `<inbox>/loyalty_club` unless it is there; answers where it lies, None if it did."""
    folder = inbox / FOLDER
    year, week, _ = now.isocalendar()
    path = folder / f"members-{year}-{week:02d}.csv"
    if path.exists():
        return None
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mapping.yml").write_text(MAPPING, encoding="utf-8")
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(_rows(con, now.timestamp()))
    os.replace(part, path)
    return path


def members(con: Connection) -> dict[str, tuple[int, dict[str, Any]]]:
    """Number to person id and store account (of several the oldest): the truth of who is in the programme."""
    found: dict[str, tuple[int, dict[str, Any]]] = {}
    for row in con.execute(SQL["accounts"]):
        doc = records.loads(row["doc"])
        number = next(tag.removeprefix(TAG) for tag in doc["tags"] if tag.startswith(TAG))
        found.setdefault(number, (row["person_id"], doc))
    return found


def _rows(con: Connection, now: float) -> Iterator[tuple[Any, ...]]:
    earned: dict[int, list[tuple[float, int]]] = {}
    for row in con.execute(SQL["orders"], {"since": now - YEAR, "until": now}):
        order = records.loads(row["doc"])
        points = (order["totalPriceSet"] - order["totalRefundedSet"]) // 100
        earned.setdefault(row["person_id"], []).append((row["created_at"], points))
    for number, (person_id, account) in members(con).items():
        gains = earned.get(person_id, [])
        tier, since = _tier(gains, epoch_of(account["createdAt"]))
        going = sum(points for at, points in gains if at < now - YEAR + EXPIRING_WITHIN)
        email = account["defaultEmailAddress"]
        expire_on = datetime.fromtimestamp(now, UTC).date() + timedelta(seconds=EXPIRING_WITHIN) if going else ""
        yield (
            number, email["emailAddress"] if email else "", tier, sum(points for _, points in gains), going or "",
            expire_on, iso(since), iso(now),
        )  # fmt: skip


def _tier(gains: list[tuple[float, int]], joined: float) -> tuple[str, float]:
    """The tier by the points of a year, and since when: the order that reached it."""
    tier, since, total = TIERS[0][1], joined, 0
    for at, points in gains:
        total += points
        reached = next(name for needed, name in reversed(TIERS) if total >= needed)
        if reached != tier:
            tier, since = reached, at
    return tier, since
