"""The breaker: stops what harms the shop's name as a sender, before mailbox providers do.

Watched are marketing campaigns (those sent at most once). Three scopes are judged by rates.py: a campaign by its mails
accepted in the last 24 hours of business time, each of its occurrences by all of its mails, and all marketing by the
last 24 hours. A campaign or occurrence that reaches `pause` pauses its campaign; `stop`, in any scope, stops all
marketing too; all marketing together only warns below that. What came in before a person's reset counts no more.
"""

import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from psycopg.types.json import Jsonb

from rapport.db import Connection, connect, load_queries
from rapport.delivery import inbox
from rapport.delivery.rates import LIMITS, Figures, Level, Measure, level
from rapport.errors import PermanentError
from rapport.keys import uuid7
from rapport.settings import Settings

log = logging.getLogger(__name__)

SQL = load_queries("rapport.delivery", "breaker.sql")
WINDOW = timedelta(hours=24)
_WORDS: dict[Measure, str] = {
    "complaints": "complaints of {of} delivered mails",
    "hard_bounces": "hard bounces of {of} mails",
    "blocks": "mails of {of} refused because of us",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """`name`: occurrence, campaign or marketing."""

    name: str
    campaign_id: str | None = None
    occurrence_key: str | None = None

    def __str__(self) -> str:
        return " ".join(filter(None, (self.name, self.campaign_id, self.occurrence_key)))


def watch(conn: Connection, settings: Settings, now: datetime) -> int:
    """Judges what has come in since the last time; returns how often it tripped. One transaction, so that feedback is
    judged however often a pass is killed; nothing is counted when there is none."""
    with conn.transaction():
        if not inbox.take_turn(conn):
            return 0
        at = conn.execute(SQL["newest_feedback"]).fetchone() or {}
        if at["newest"] <= at["judged"]:
            return 0
        today = now.astimezone(ZoneInfo(settings.shop_time_zone)).date()
        moment = {"now": now, "today": today}
        trips = sum(
            _act(conn, scope, measure, reached, figures, moment)
            for scope, figures in _scopes(conn, now - WINDOW, at["judged"])
            for measure in LIMITS
            if (reached := level(measure, figures)) is not None
        )
        conn.execute(SQL["remember"], at)
    return trips


def _scopes(conn: Connection, since: datetime, judged: int) -> Iterator[tuple[Scope, Figures]]:
    touched = conn.execute(SQL["touched"], {"judged": judged}).fetchall()
    if not touched:
        return
    mails = conn.execute(SQL["mails_of_the_day"], {"since": since}).fetchall()
    for campaign_id in sorted({row["campaign_id"] for row in touched}):
        scope = Scope("campaign", campaign_id)
        yield scope, _figures(conn, scope, since, [row for row in mails if row["campaign_id"] == campaign_id])
    for row in touched:
        scope = Scope("occurrence", row["campaign_id"], row["occurrence_key"])
        yield scope, _figures(conn, scope, None, conn.execute(SQL["mails_of_occurrence"], row).fetchall())
    yield Scope("marketing"), _figures(conn, Scope("marketing"), since, mails)


def _figures(conn: Connection, scope: Scope, since: datetime | None, mails: list[dict[str, Any]]) -> Figures:
    values = {"campaign_id": scope.campaign_id, "occurrence_key": scope.occurrence_key, "since": since}
    told = conn.execute(SQL["feedback_since"], values).fetchone() or {}
    return Figures(sum(row["delivered"] for row in mails), sum(row["bounced"] for row in mails), **told)


def _act(
    conn: Connection, scope: Scope, measure: Measure, reached: Level, figures: Figures, moment: dict[str, Any]
) -> bool:
    """Whether it changed anything. A trip is written down when it pauses or stops, a warning once a day."""
    count, of = figures.of(measure)
    reason = f"{scope}: {count} {_WORDS[measure].format(of=of)} ({count / of:.2%})"
    because = {"because": f"breaker: {reason}", "campaign_id": scope.campaign_id}
    if scope.name == "marketing" and reached == "pause":
        reached = "warn"
    changed = reached == "warn"
    if reached != "warn" and scope.campaign_id is not None:
        changed = conn.execute(SQL["pause_campaign"], because).fetchone() is not None
    if reached == "stop":
        changed = conn.execute(SQL["stop_marketing"], because).fetchone() is not None or changed
    if not changed:
        return False
    values = {**asdict(scope), "scope": scope.name, "trip_id": uuid7(), "measure": measure, "level": reached, **moment}
    written = conn.execute(
        SQL["record_trip"], {**values, "reason": reason, "figures": Jsonb(asdict(figures))}
    ).fetchone()
    if written is not None:
        log.warning("breaker, %s: %s", reached, reason)
    return written is not None


def reset(settings: Settings, who: str, campaign: str | None = None) -> bool:
    """A person has looked at it: the campaign (None: all marketing, and the evidence against each campaign) is judged
    by what comes in from now on. Returns whether that lifted a pause or the stop; a pause by hand stays.

    Raises PermanentError for a campaign never planned.
    """
    values = {"campaign_id": campaign, "who": who, "reset_id": uuid7()}
    with connect("engine", settings=settings) as conn:
        if campaign is not None and conn.execute(SQL["campaign_exists"], values).fetchone() is None:
            raise PermanentError(f"no campaign {campaign!r} was ever planned")
        conn.execute(SQL["record_reset"], values)
        return (
            conn.execute(SQL["lift_marketing_stop" if campaign is None else "lift_pause"], values).fetchone()
            is not None
        )
