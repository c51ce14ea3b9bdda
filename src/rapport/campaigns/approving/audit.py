"""What people's hands did, kept: who, what, to which thing, when. Append-only."""

import getpass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from rapport.db import Connection, connect, load_queries
from rapport.settings import Settings


def audit(conn: Connection, actor: str, action: str, thing: str, *, at: datetime | None = None, **detail: Any) -> None:
    """Adds a line to ops.audit_log in the caller's transaction. `at` is the shop's clock; None: the database's.

    `detail` holds ids, counts and reasons, and nothing about a customer.
    """
    values = {"actor": actor, "action": action, "object": thing, "at": at, "detail": Jsonb(detail)}
    conn.execute(load_queries(__package__, "audit.sql")["audit"], values)


def deeds(settings: Settings, thing: str | None = None, limit: int = 50) -> list[dict[str, Any]]:
    """The log, newest first; of one thing, such as `campaign win_back`, or of all."""
    query = load_queries(__package__, "audit.sql")["deeds"]
    with connect("engine", settings=settings) as conn:
        return conn.execute(query, {"object": thing, "limit": limit}).fetchall()


def local_user() -> str:
    """Who acts where nobody is named: the user of this machine."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        # A container may run under a number that has no name.
        return "unknown"
