"""What the last run said, for the dispatcher: nothing is sent while a red verdict stands."""

import hashlib
import json
from dataclasses import asdict
from datetime import datetime, timedelta

from psycopg.types.json import Jsonb

from rapport.db import Connection, load_queries
from rapport.delivery.preflight.installation import provider_is_local
from rapport.delivery.preflight.verdict import PreflightReport
from rapport.errors import PermanentError
from rapport.keys import uuid7
from rapport.settings import Settings

SQL = load_queries("rapport.delivery", "preflight.sql")
# A run of another process may carry a clock that is this much ahead.
AHEAD = timedelta(minutes=5)
GREEN_FOR, RED_FOR = timedelta(hours=6), timedelta(minutes=10)
# A run counts for the settings it looked at: another sender's domain needs a run of its own.
_LOOKED_AT = (
    "mail_from",
    "dkim_selectors",
    "dkim_domain",
    "return_path_domain",
    "gateway_url",
    "shop_url",
    "shop_name",
    "shop_postal_address",
    "mail_provider",
    "sendgrid_url",
    "smtp_host",
)


def record_run(conn: Connection, settings: Settings, report: PreflightReport) -> None:
    """Adds the run to ops.preflight_run; `conn` acts as engine."""
    conn.execute(
        SQL["record_run"],
        {
            "preflight_run_id": uuid7(),
            "ran_at": report.ran_at,
            "passed": report.passed,
            "settings_sha256": settings_sha256(settings),
            "verdicts": Jsonb([asdict(verdict) for verdict in report.verdicts]),
        },
    )


def require_preflight(settings: Settings, conn: Connection, now: datetime) -> None:
    """Returns when mail may leave: the last run for these settings passed and is not older than
    RAPPORT_PREFLIGHT_MAX_AGE_HOURS. `now` is the injected clock's time, `conn` acts as engine.

    Where the provider is on this machine no run is asked for: nothing can leave. Raises PermanentError that lists every
    red verdict with its remedy, or says that a run is missing or too old.
    """
    if provider_is_local(settings):
        return
    row = conn.execute(SQL["last_run"], {"settings_sha256": settings_sha256(settings)}).fetchone()
    if row is None:
        raise PermanentError("nothing is sent before `rapport preflight` has passed with the present settings: run it")
    age = now - row["ran_at"]
    if not -AHEAD <= age <= timedelta(hours=settings.preflight_max_age_hours):
        raise PermanentError(
            f"nothing is sent: the last `rapport preflight` ran at {row['ran_at']:%Y-%m-%d %H:%M} UTC and counts for "
            f"{settings.preflight_max_age_hours:g} hours; run it again"
        )
    if not row["passed"]:
        red = [verdict for verdict in row["verdicts"] if verdict["level"] == "red"]
        lines = "\n".join(f"  - {verdict['check']}: {verdict['found']}. To do: {verdict['todo']}" for verdict in red)
        raise PermanentError(f"nothing is sent while preflight is red (docs/preflight.md):\n{lines}")


def is_due(settings: Settings, conn: Connection, now: datetime) -> bool:
    """Whether it is time for a run of its own: the last one is some hours old, or it was red and somebody may have
    mended what it named."""
    if provider_is_local(settings):
        return False
    row = conn.execute(SQL["last_run"], {"settings_sha256": settings_sha256(settings)}).fetchone()
    return row is None or now - row["ran_at"] > (GREEN_FOR if row["passed"] else RED_FOR)


def settings_sha256(settings: Settings) -> str:
    """Hex digest of what a run looks at. No key is part of it."""
    values = {name: getattr(settings, name) for name in _LOOKED_AT}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
