"""What the terminal shows: one line a happening, and a table of counts that keeps up with the tables."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, LiteralString

import psycopg
from rich.console import Console
from rich.table import Table

from rapport.clock import Clock
from rapport.db import connect, load_queries
from rapport.errors import TransientError
from rapport.settings import Settings

LABELS = {
    "shop_customers": "store accounts pulled",
    "shop_orders": "orders pulled",
    "tickets": "support tickets pulled",
    "interactions": "social interactions pulled",
    "web_events": "events of the shop's visitors",
    "profiles": "profiles found in all channels",
    "customers": "people they belong to",
    "planned": "mails planned",
    "accepted": "sent (accepted by the provider)",
    "open": "waiting for their hour",
    "suppressed": "held back: unsubscribed or no consent",
    "expired": "not sent in time (or paused after complaints)",
    "delivered": "delivered",
    "bounced": "bounced",
    "opened": "opened by a person",
    "clicked": "clicked",
    "unsubscribed": "unsubscribed",
    "complained": "complained",
}


@dataclass
class View:
    """Counts read from the warehouse; a table that does not exist yet counts as nothing."""

    settings: Settings
    clock: Clock
    console: Console
    last: dict[str, Any] = field(default_factory=dict)

    def say(self, line: str) -> None:
        self.console.print(f"[dim]{self.clock.now():%a %d %b %H:%M}[/dim]  {line}", highlight=False)

    def counts(self) -> dict[str, Any]:
        """All counts by name; raises TransientError when Postgres is away."""
        queries = load_queries("rapport.demo", "queries.sql")
        found: dict[str, Any] = {}
        with connect("engine", autocommit=True, settings=self.settings) as conn:
            for name in ("mart_counts", "raw_counts", "sends", "events"):
                found |= one(conn, queries[name])
        self.last = found
        return found

    def trips(self, since: datetime) -> list[str]:
        """Why the breaker has paused or stopped anything since that moment of business time."""
        query = load_queries("rapport.demo", "queries.sql")["trips"]
        with connect("engine", autocommit=True, settings=self.settings) as conn:
            return [row["reason"] for row in conn.execute(query, {"since": since})]

    def table(self) -> Table:
        try:
            counts = self.counts()
        except TransientError:
            counts = self.last
        table = Table(title=f"The shop's clock: {self.clock.now():%A %d %B %Y, %H:%M} UTC", title_justify="left")
        table.add_column("what")
        table.add_column("how many", justify="right")
        for key, label in LABELS.items():
            if key in counts:
                table.add_row(label, number(counts[key]))
        return table


def number(value: Any) -> str:
    if value is None:
        return "0"
    return f"{value:,.2f}" if isinstance(value, Decimal) else f"{value:,}"


def one(conn: psycopg.Connection[dict[str, Any]], query: LiteralString) -> dict[str, Any]:
    """The single row of a query, or nothing when its tables are not built yet."""
    try:
        return dict(conn.execute(query).fetchone() or {})
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return {}
