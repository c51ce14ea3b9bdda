"""The gateway's few statements, over a small set of connections in the role that may only insert."""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import psycopg

from rapport.db import Connection, connect, load_queries
from rapport.errors import TransientError
from rapport.gateway.events import Row
from rapport.settings import Settings

SQL = load_queries("rapport.gateway", "inbox.sql")
IDLE_CONNECTIONS = 4
_COLUMNS = tuple(Row.__dataclass_fields__)
Result = TypeVar("Result")


class Store:
    """Methods block; call them in a thread. Each raises TransientError when Postgres is away."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._idle: list[Connection] = []
        self._guard = threading.Lock()

    def add_events(self, rows: list[Row]) -> int:
        """How many were new. They are durable when this returns, so the provider may forget them."""
        columns: dict[str, Any] = {name: [getattr(row, name) for row in rows] for name in _COLUMNS}
        return self._with(lambda conn: conn.execute(SQL["insert_events"], columns).rowcount) if rows else 0

    def unsubscribe(self, send_id: UUID, source: str, now: datetime) -> bool:
        """The recipient of this send gets nothing more on its topic, from this moment on. Twice changes nothing.
        False when there is no such send."""
        values = {"send_id": send_id, "source": source, "evidence_id": f"send:{send_id}", "now": now}

        def insert(conn: Connection) -> bool:
            added = conn.execute(SQL["insert_unsubscribe"], values).rowcount
            return bool(added) or conn.execute(SQL["send_exists"], values).fetchone() is not None

        return self._with(insert)

    def check(self) -> None:
        self._with(lambda conn: conn.execute(SQL["alive"]).fetchone())

    def close(self) -> None:
        with self._guard:
            idle, self._idle = self._idle, []
        for conn in idle:
            conn.close()

    def _with(self, action: Callable[[Connection], Result]) -> Result:
        """Runs one statement; a kept connection that has died since is replaced once (each statement may be repeated:
        it inserts by key or reads)."""
        while True:
            kept = self._take()
            conn = kept or connect("gateway", autocommit=True, settings=self._settings)
            try:
                result = action(conn)
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                conn.close()
                if kept is None:
                    raise TransientError(f"Postgres was lost: {type(error).__name__}") from error
                continue
            except BaseException:
                conn.close()
                raise
            self._keep(conn)
            return result

    def _take(self) -> Connection | None:
        with self._guard:
            return self._idle.pop() if self._idle else None

    def _keep(self, conn: Connection) -> None:
        with self._guard:
            if len(self._idle) < IDLE_CONNECTIONS:
                self._idle.append(conn)
                return
        conn.close()
