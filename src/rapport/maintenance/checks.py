"""What a person should look at in the morning."""

from datetime import timedelta

from rapport.clock import Clock
from rapport.db import connect, load_queries
from rapport.errors import DataError
from rapport.settings import Settings

# An unknown send older than the provider's own retries of events (24 h, and some) will not settle by itself.
UNKNOWN_FOR = timedelta(hours=26)
OVERDUE_BY = timedelta(minutes=30)
UNREAD_FOR = timedelta(hours=1)
AUDIENCE_FOR = timedelta(hours=36)
# A shop with pages has a visitor a day.
WEB_SILENT_FOR = timedelta(hours=24)

ADVICE = {
    "quarantined": "{n} sends of {what} are quarantined, whether they left is not known: see docs/operations.md",
    "unknown": "{n} sends of {what} are unknown for more than 26 h: are the provider's events reaching the gateway?",
    "overdue": "{n} sends of {what} are overdue by more than 30 minutes: does the DAG deliver run, is it paused?",
    "unread_events": "{n} provider events are unread for more than an hour: does `deliver.reconcile` fail?",
    "stale_gate": "{what} has not passed its gate for more than 36 h: look at build_customers and the ingest DAGs",
    "web_silent": "no web event since {what} UTC: see docs/runbook/web-events-stopped.md",
    "stopped": "sending is stopped by hand; `rapport deliver resume` lifts it",
}


def find_problems(settings: Settings, clock: Clock) -> list[str]:
    """One sentence a finding, with counts and what to do; empty when all is well."""
    now = clock.now()
    moments = {
        "unknown_before": now - UNKNOWN_FOR,
        "due_before": now - OVERDUE_BY,
        "received_before": now - UNREAD_FOR,
        "passed_after": now - AUDIENCE_FOR,
        # A shop that has taken its write keys back waits for no events.
        "web_silent_before": now - WEB_SILENT_FOR if settings.web_write_keys else None,
    }
    queries = load_queries("rapport.maintenance", "queries.sql")
    with connect("engine", autocommit=True, settings=settings) as conn:
        rows = conn.execute(queries["problems"], moments).fetchall()
    return [ADVICE[row["kind"]].format(n=row["n"], what=row["what"]) for row in rows]


def check_delivery(settings: Settings, clock: Clock) -> None:
    """Raises DataError with every finding of `find_problems`, one a line."""
    problems = find_problems(settings, clock)
    if problems:
        raise DataError("\n".join([f"{len(problems)} findings:", *problems]))


def check_campaigns(settings: Settings, clock: Clock) -> None:
    """Raises CampaignError with every problem of every campaign folder."""
    from rapport.campaigns.folder.definition import load_all

    load_all(settings.campaigns_dir, settings)
