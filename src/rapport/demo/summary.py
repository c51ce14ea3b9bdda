"""The last word of a demo: figures from different places that must agree."""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.table import Table

from rapport.db import connect, load_queries
from rapport.demo.view import number
from rapport.settings import Settings

OCCURRENCES = 3
ENDS = ("accepted", "suppressed", "failed", "expired", "cancelled", "quarantined")


@dataclass(frozen=True)
class Check:
    """A sentence, the two figures in it, and whether they agree."""

    text: str
    left: Any
    right: Any

    @property
    def holds(self) -> bool:
        return bool(self.left == self.right)


def checks(settings: Settings, sandbox_dir: Path) -> list[Check]:
    """Everything that must add up, each figure taken from its own place."""
    from rapport.sandbox.mail.ledger import accepted_send_ids

    queries = load_queries("rapport.demo", "queries.sql")
    with connect("engine", autocommit=True, settings=settings) as conn:
        figures: dict[str, Any] = {}
        for name in ("raw_truth", "mart_counts", "sends", "events"):
            figures[name] = conn.execute(queries[name]).fetchone() or {}
        decided = (conn.execute(queries["decided_as_planned"]).fetchone() or {})["n"]
        results = conn.execute(queries["results"]).fetchall()
    sends, marts, raw, events = (figures[name] for name in ("sends", "mart_counts", "raw_truth", "events"))
    ledger = Counter(accepted_send_ids(sandbox_dir))
    return [
        Check("orders in the marts = orders in the raw tables", marts["orders"], raw["orders_count"]),
        Check("tickets in the marts = tickets in the raw tables", marts["tickets"], raw["tickets_count"]),
        Check("members in the loyalty file = members of the programme", raw["members_count"], _members(sandbox_dir)),
        Check("revenue of customers = revenue of their orders", marts["customers_revenue"], marts["orders_revenue"]),
        Check("planned sends = people decided as planned", sends["planned"], decided),
        Check("final states sum to the planned sends", sum(sends[state] for state in ENDS), sends["planned"]),
        Check("accepted sends = messages in the provider's own ledger", sends["accepted"], len(ledger)),
        Check("messages that the provider accepted twice = none", sum(n > 1 for n in ledger.values()), 0),
        Check("every accepted mail was delivered or bounced", events["delivered"] + events["bounced"], len(ledger)),
        Check("campaign results planned = planned sends", sum(row["planned"] for row in results), sends["planned"]),
        Check("campaign results accepted = accepted sends", sum(row["accepted"] for row in results), sends["accepted"]),
        Check("at least one mail was sent", min(sends["accepted"], 1), 1),
    ]


def _members(sandbox_dir: Path) -> int:
    from rapport.sandbox.loyalty import members
    from rapport.sandbox.store import open_world

    con = open_world(sandbox_dir)
    try:
        return len(members(con))
    finally:
        con.close()


def results_table(settings: Settings) -> Table:
    """The newest occurrences side by side, a row a figure, so that it fits a narrow terminal."""
    queries = load_queries("rapport.demo", "queries.sql")
    with connect("engine", autocommit=True, settings=settings) as conn:
        rows = conn.execute(queries["results"]).fetchall()[:OCCURRENCES]
    table = Table(title="campaign_results, newest first", title_justify="left", show_header=False)
    table.add_column()
    for _ in rows:
        table.add_column(justify="right")
    for name in rows[0] if rows else ():
        values = (row[name] for row in rows)
        table.add_row(name, *(number(v) if isinstance(v, int | Decimal) else str(v) for v in values))
    return table


def checks_table(found: list[Check]) -> Table:
    table = Table(title="Does it add up?", title_justify="left")
    for name in ("what must agree", "left", "right", ""):
        table.add_column(name)
    for check in found:
        verdict = "[green]yes[/green]" if check.holds else "[red]NO[/red]"
        table.add_row(check.text, number(check.left), number(check.right), verdict)
    return table
