"""Bluesky as a dlt source: interactions with the shop's account and their authors into `raw_bluesky`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

from rapport.clock import Clock
from rapport.settings import Settings
from rapport.sources.bluesky.client import BlueskyClient
from rapport.sources.bluesky.tables import (
    INTERACTIONS,
    PROFILES,
    TABLES,
    is_known,
    notification_row,
    own_post_row,
    profile_row,
)
from rapport.sources.dlt_source import Feed, State, TimeCursor, newest
from rapport.sources.records import Intake, Record

__all__ = ["TABLES", "feeds"]

Row = dict[str, Any]


def feeds(settings: Settings, clock: Clock, intake: Intake, wait: Callable[[float], None] = time.sleep) -> list[Feed]:
    """What a load reads. Raises PermanentError when a setting is missing."""
    client = BlueskyClient(settings, wait)
    authors: set[str] = set()
    return [
        Feed(INTERACTIONS, partial(_interactions, client, clock, intake, authors)),
        Feed(PROFILES, partial(_profiles, client, intake, authors)),
    ]


def _interactions(
    client: BlueskyClient, clock: Clock, intake: Intake, authors: set[str], state: State
) -> Iterator[list[Row]]:
    cursor = TimeCursor(state)
    until = clock.now()
    seen: datetime | None = None
    listings: list[tuple[Iterator[list[Any]], Callable[[Record], Record]]] = [
        (client.notifications(), notification_row),
        (client.own_posts(), own_post_row),
    ]
    for pages, shape in listings:
        for page in pages:
            rows = list(intake.rows(INTERACTIONS, filter(is_known, page), shape))
            authors.update(row["author_did"] for row in rows)
            yield rows
            seen = max(filter(None, (seen, newest(rows, "indexed_at"))), default=None)
            # Newest first: a page that reaches back before the start is the last one needed.
            if rows and cursor.start is not None and min(row["indexed_at"] for row in rows) < cursor.start:
                break
    cursor.advance(seen, until)


def _profiles(client: BlueskyClient, intake: Intake, authors: set[str], state: State) -> Iterator[list[Row]]:
    for page in client.profiles(sorted(authors)):
        yield list(intake.rows(PROFILES, page, profile_row))
