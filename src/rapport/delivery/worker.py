"""A worker's life in the database: one direct session, one epoch, and the advisory lock that says it lives."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, LiteralString, Self, TypeVar

import psycopg

from rapport.db import Connection, connect, load_queries, require_known_secret
from rapport.delivery import restore
from rapport.errors import PermanentError, TransientError
from rapport.settings import Settings

log = logging.getLogger(__name__)

SQL = load_queries("rapport.delivery", "worker.sql")
# First half of the two-part advisory lock key; the second is the epoch (0: the reconciler).
LOCK_SPACE = 7_291_002
STATEMENT_SECONDS = 20
T = TypeVar("T")


class Worker:
    """Holds the session. No transaction is open while a provider is asked."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._turn = asyncio.Lock()
        self._conn: Connection | None = None
        self._mark: restore.Mark | None = None
        self.epoch = 0

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._open)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._close()

    async def rows(self, query: LiteralString, values: dict[str, Any]) -> list[dict[str, Any]]:
        """Runs one statement, committed when this returns. Raises TransientError when the session is lost: whether
        the statement took effect is then not known, and our lock is gone."""
        async with self._turn:
            return await asyncio.to_thread(self._work, lambda conn: conn.execute(query, values).fetchall())

    async def transaction(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in a transaction of its own, committed when this returns; raises as `rows` does."""

        def in_transaction(conn: Connection) -> T:
            with conn.transaction():
                return work(conn)

        async with self._turn:
            return await asyncio.to_thread(self._work, in_transaction)

    def remember(self, fence: int) -> None:
        """Writes the highest fence of a claim that was committed where it outlives the database; see restore.Mark. To
        be called before a byte of that claim leaves. Raises TransientError."""
        if self._mark is not None:
            self._mark.raise_to(fence)

    async def reopen(self) -> None:
        """A new session with a new epoch, after the former was lost. Raises TransientError while Postgres is away."""
        async with self._turn:
            self._close()
            await asyncio.to_thread(self._open)

    def _work(self, work: Callable[[Connection], T]) -> T:
        if self._conn is None:
            raise TransientError("the worker has no session")
        with _losses_translated():
            return work(self._conn)

    def _open(self) -> None:
        with _losses_translated():
            self._conn = self._new_session()
        log.info("delivery worker started, epoch %s", self.epoch)

    def _new_session(self) -> Connection:
        conn = connect("engine", autocommit=True, settings=self._settings)
        try:
            conn.execute(SQL["bound_statements"], {"milliseconds": str(STATEMENT_SECONDS * 1000)})
            self.epoch = _one(conn, SQL["next_epoch"], {})["epoch"]
            key = {"space": LOCK_SPACE, "epoch": self.epoch}
            if not _one(conn, SQL["take_lock"], key)["taken"]:
                raise PermanentError("the liveness lock of a new epoch is taken: two ledgers share one database")
            check_session(_one(conn, SQL["session_facts"], key), conn.info.backend_pid)
            self._check_second_session(conn)
            require_known_secret(conn, self._settings)
            restore.refuse_restored(conn, self._settings)
            self._mark = restore.Mark.of(self._settings, conn)
        except BaseException:
            conn.close()
            raise
        return conn

    def _check_second_session(self, conn: Connection) -> None:
        """While another session is in a transaction, ours must still be ours and its lock denied to the other."""
        with connect("engine", settings=self._settings) as other:
            key = {"space": LOCK_SPACE, "epoch": self.epoch}
            shared = _one(other, SQL["take_lock"], key)["taken"]
            facts = _one(conn, SQL["session_facts"], key)
            other.rollback()
        if shared or not facts["holds_lock"]:
            raise PermanentError(POOLED)

    def _close(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None


POOLED = (
    "the sender is connected through a connection pooler, where a session's locks say nothing about who lives. "
    "Point RAPPORT_DATABASE_URL at Postgres itself."
)


def check_session(facts: dict[str, Any], announced_pid: int) -> None:
    """Start-up assertions on a session. Raises PermanentError saying what to change."""
    if facts["synchronous_commit"] == "off" or facts["fsync"] == "off":
        raise PermanentError(
            "synchronous_commit and fsync must not be off for the sender: a crash could forget that a mail was sent"
        )
    # A pooler announces a process id of its own making when it greets us.
    if facts["backend_pid"] != announced_pid or not facts["holds_lock"]:
        raise PermanentError(POOLED)


def _one(conn: Connection, query: LiteralString, values: dict[str, Any]) -> dict[str, Any]:
    row = conn.execute(query, values).fetchone()
    if row is None:
        raise TransientError("Postgres answered nothing")
    return row


@contextmanager
def _losses_translated() -> Iterator[None]:
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        text = str(error).strip() or type(error).__name__
        raise TransientError(f"Postgres was lost: {text.splitlines()[0]}") from error
