"""What the demo reads from the tables while it runs."""

from datetime import UTC, datetime, timedelta

from rich.console import Console

from rapport.clock import FixedClock
from rapport.db import connect
from rapport.demo.view import View
from rapport.settings import Settings

MORNING = datetime(2026, 11, 25, 8, tzinfo=UTC)
TRIP = """
insert into ops.breaker_trip (trip_id, scope, measure, level, reason, figures, tripped_on, tripped_at)
values (gen_random_uuid(), 'marketing', %(measure)s, %(level)s, %(reason)s, '{}', %(at)s::timestamptz::date, %(at)s)
"""


def test_it_tells_what_the_breaker_stopped_today_and_no_warning(database: Settings) -> None:
    trips = [
        {"level": "stop", "measure": "complaints", "reason": "yesterday's", "at": MORNING - timedelta(days=1)},
        {"level": "warn", "measure": "complaints", "reason": "a warning", "at": MORNING},
        {"level": "stop", "measure": "hard_bounces", "reason": "today's", "at": MORNING + timedelta(hours=3)},
    ]
    with connect("engine", settings=database) as conn:
        conn.cursor().executemany(TRIP, trips)
    assert View(database, FixedClock(MORNING), Console()).trips(MORNING) == ["today's"]
