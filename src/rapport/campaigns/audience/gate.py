"""Gate 2: audience and triggers are read only while their latest check passed and is fresh."""

from datetime import datetime, timedelta
from typing import Any

from rapport.db import Connection, load_queries
from rapport.errors import GateFailed

SUITE = "activation.campaign_audience"
TRIGGERS_SUITE = "activation.campaign_triggers"
MAX_AGE = timedelta(hours=36)
_AS_OF = {SUITE: "audience_as_of", TRIGGERS_SUITE: "triggers_as_of"}


def check_gate(conn: Connection, now: datetime) -> None:
    """Raises GateFailed, with the reason and what to do, when nothing may be planned."""
    _check(conn, now, SUITE)


def check_triggers_gate(conn: Connection, now: datetime) -> None:
    """As check_gate, for what sets off flows: a build whose triggers failed moves nobody."""
    _check(conn, now, TRIGGERS_SUITE)


def _check(conn: Connection, now: datetime, suite: str) -> None:
    queries = load_queries(__package__, "gate.sql")
    gate = conn.execute(queries["latest_gate"], {"suite": suite}).fetchone()
    if gate is None:
        raise GateFailed(f"{suite} was never checked, so nothing was planned; run `rapport run` first")
    if not gate["passed"]:
        raise GateFailed(
            f"{suite} failed its check at {gate['ran_at']:%Y-%m-%d %H:%M} UTC, so nothing was planned: "
            f"{_told(gate['failures'])}. Mend the source, then run `rapport run`"
        )
    age = now - gate["ran_at"]
    if age > MAX_AGE:
        raise GateFailed(
            f"{suite} was last checked {age.total_seconds() / 3600:.0f} h ago (limit "
            f"{MAX_AGE.total_seconds() / 3600:.0f} h), so nothing was planned; run `rapport run`"
        )
    built = conn.execute(queries[_AS_OF[suite]]).fetchone()
    if built and built["as_of"] and built["as_of"] > gate["ran_at"]:
        raise GateFailed(
            f"{suite} was rebuilt after its last check, so nothing was planned; wait for the check or run `rapport run`"
        )


def last_check(conn: Connection) -> str:
    """The audience's newest check in words, for people."""
    gate = conn.execute(load_queries(__package__, "gate.sql")["latest_gate"], {"suite": SUITE}).fetchone()
    if gate is None:
        return "never checked"
    return f"{'passed' if gate['passed'] else 'FAILED'} at {gate['ran_at']:%Y-%m-%d %H:%M} UTC"


def _told(failures: Any) -> str:
    items = failures if isinstance(failures, list) else [failures]
    return "; ".join(str(item) for item in items[:3])[:500] or "see Data Docs"
