"""Zendesk Support as a dlt source: tickets and users into `raw_zendesk`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from rapport.clock import Clock
from rapport.settings import Settings
from rapport.sources.dlt_source import OVERLAP, Feed, State, TimeCursor, newest
from rapport.sources.records import Intake, Record, Table, dig
from rapport.sources.zendesk.client import ZendeskClient

TICKETS = Table(
    name="tickets",
    columns={
        "id": "bigint",
        "requester_id": "bigint",
        "assignee_id": "bigint",
        "subject": "text",
        "description": "text",
        "status": "text",
        "priority": "text",
        "ticket_type": "text",
        "channel": "text",
        "tags": "json",
        "satisfaction_score": "text",
        "created_at": "timestamp",
        "updated_at": "timestamp",
        "solved_at": "timestamp",
        "generated_timestamp": "bigint",
    },
    required=frozenset({"id", "created_at", "updated_at", "generated_timestamp"}),
    version="generated_timestamp",
)
USERS = Table(
    name="users",
    columns={
        "id": "bigint",
        "name": "text",
        "email": "text",
        "phone": "text",
        "role": "text",
        "locale": "text",
        "time_zone": "text",
        "external_id": "text",
        "verified": "bool",
        "created_at": "timestamp",
        "updated_at": "timestamp",
    },
    required=frozenset({"id", "created_at", "updated_at"}),
    version="updated_at",
)
TABLES = (TICKETS, USERS)
FIRST_SECOND = 1


def feeds(settings: Settings, clock: Clock, intake: Intake, wait: Callable[[float], None] = time.sleep) -> list[Feed]:
    """What a load reads. Raises PermanentError when a setting is missing."""
    client = ZendeskClient(settings, wait)
    return [
        Feed(TICKETS, partial(_tickets, client, clock, intake)),
        Feed(USERS, partial(_users, client, clock, intake)),
    ]


def _tickets(client: ZendeskClient, clock: Clock, intake: Intake, state: State) -> Iterator[list[dict[str, Any]]]:
    # The export goes by generated_timestamp: it also moves when Zendesk itself changes a ticket, updated_at does not.
    kept = state.get("cursor")
    start = FIRST_SECOND if kept is None else max(FIRST_SECOND, int(kept) - int(OVERLAP.total_seconds()))
    limit = int(clock.now().timestamp())
    for page in client.export("tickets", start):
        rows = list(intake.rows(TICKETS, page, ticket_row))
        yield rows
        seen = max((row["generated_timestamp"] for row in rows), default=0)
        state["cursor"] = max(int(state.get("cursor") or 0), min(seen, limit))


def _users(client: ZendeskClient, clock: Clock, intake: Intake, state: State) -> Iterator[list[dict[str, Any]]]:
    cursor = TimeCursor(state)
    limit = clock.now()
    start = cursor.start
    for page in client.export("users", max(FIRST_SECOND, int(start.timestamp())) if start else FIRST_SECOND):
        rows = list(intake.rows(USERS, page, user_row))
        yield rows
        cursor.advance(newest(rows, "updated_at"), limit)


def ticket_row(ticket: Record) -> Record:
    """A ticket of the export in the columns of `raw_zendesk.tickets`."""
    return {
        **ticket,
        "ticket_type": ticket.get("type"),
        "channel": dig(ticket, "via", "channel"),
        "satisfaction_score": dig(ticket, "satisfaction_rating", "score"),
        "solved_at": dig(ticket, "metric_set", "solved_at") or ticket.get("solved_at"),
    }


def user_row(user: Record) -> Record:
    """A user of the export in the columns of `raw_zendesk.users`; the IANA zone wins over Zendesk's own name."""
    return {**user, "time_zone": user.get("iana_time_zone") or user.get("time_zone")}
