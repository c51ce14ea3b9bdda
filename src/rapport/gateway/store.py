"""The gateway's few statements, over a small set of connections in the role that may only insert."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import psycopg

from rapport.db import Connection, connect, load_queries
from rapport.errors import TransientError
from rapport.gateway.events import Row as EventRow
from rapport.gateway.visits import Bad
from rapport.gateway.visits import Row as VisitRow
from rapport.keys import uuid7
from rapport.settings import Settings

INBOX = load_queries("rapport.gateway", "inbox.sql")
PREFERENCES = load_queries("rapport.gateway", "preferences.sql")
SURVEYS = load_queries("rapport.gateway", "surveys.sql")
OPT_IN = load_queries("rapport.gateway", "opt_in.sql")
VISITS = load_queries("rapport.gateway", "visits.sql")
IDLE_CONNECTIONS = 4
EVERYTHING = "*"
# Of one mail: a person changes their mind, a machine fills a table.
ANSWERS_A_MAIL = 20
# Of confirmation mails to one address; more would be a nuisance that somebody else could order.
REQUESTS_A_DAY = 5
Result = TypeVar("Result")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class OptIn:
    """A request for mail that grants nothing yet. `address` None: the ledger knows it. Never log one."""

    opt_in_id: UUID
    recipient_key: str
    address: str | None
    topic: str
    language: str
    wording: str
    source: str
    expires_at: datetime


class Store:
    """Methods block; call them in a thread. Each raises TransientError when Postgres is away, and what it wrote is
    committed when it returns."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._idle: list[Connection] = []
        self._guard = threading.Lock()

    def add_events(self, rows: Sequence[EventRow]) -> int:
        """How many were new. They are durable when this returns, so the provider may forget them."""
        if not rows:
            return 0
        values = _columns(EventRow._fields, rows)
        return self._with(lambda conn: conn.execute(INBOX["insert_events"], values).rowcount)

    def add_visits(self, rows: Sequence[VisitRow], bad: Sequence[Bad]) -> int:
        """Keeps visitors' events and sets aside those that cannot be read; how many of the former were new."""

        def insert(conn: Connection) -> int:
            with conn.transaction():
                if bad:
                    conn.execute(VISITS["insert_quarantine"], _columns(Bad._fields, bad))
                return conn.execute(VISITS["insert_events"], _columns(VisitRow._fields, rows)).rowcount if rows else 0

        return self._with(insert)

    def unsubscribe(self, send_id: UUID, source: str, now: datetime) -> bool:
        """The recipient of this send gets nothing more on its topic, from this moment on. Twice changes nothing.
        False when there is no such send."""
        values = _leaving(send_id, source, now) | {"topics": None}

        def insert(conn: Connection) -> bool:
            added = conn.execute(PREFERENCES["suppress"], values).rowcount
            return bool(added) or conn.execute(PREFERENCES["send_exists"], values).fetchone() is not None

        return self._with(insert)

    def standing(self, send_id: UUID, language: str, now: datetime) -> list[Row]:
        """Each topic of the shop as it stands for the address of this send; empty when there is no such send."""
        values = {"send_id": send_id, "language": language, "now": now}
        return self._with(lambda conn: conn.execute(PREFERENCES["standing"], values).fetchall())

    def leave(self, send_id: UUID, wordings: Mapping[str, str], now: datetime, *, everything: bool = False) -> None:
        """Withdraws the topics that `wordings` names, each with what the person was shown; `everything`: whatever
        else there is or will be, too. Twice changes nothing."""
        values = _leaving(send_id, "preference_page", now) | {
            "topics": [EVERYTHING] if everything else list(wordings),
            "refused": list(wordings),
            "wordings": list(wordings.values()),
        }

        def insert(conn: Connection) -> None:
            with conn.transaction():
                conn.execute(PREFERENCES["suppress"], values)
                conn.execute(PREFERENCES["refuse"], values)

        self._with(insert)

    def ask(self, requests: Sequence[OptIn], now: datetime) -> int:
        """Keeps requests to be confirmed by mail; those beyond the day's measure for an address are dropped. How many
        were kept is for counting only: nobody outside may learn it."""

        def insert(conn: Connection) -> int:
            kept = 0
            with conn.transaction():
                for request in requests:
                    values = asdict(request) | {"now": now, "most_a_day": REQUESTS_A_DAY}
                    conn.execute(OPT_IN["lock_recipient"], values)
                    kept += conn.execute(OPT_IN["insert_request"], values).rowcount
            return kept

        return self._with(insert)

    def topic(self, name: str, language: str) -> Row | None:
        """A topic of the shop and its title, or None."""
        return self._with(lambda conn: conn.execute(OPT_IN["topic"], {"topic": name, "language": language}).fetchone())

    def request(self, opt_in_id: UUID) -> Row | None:
        """Wording, language, expiry and whether it is confirmed; None when there is no such request."""
        return self._with(lambda conn: conn.execute(OPT_IN["request"], {"opt_in_id": opt_in_id}).fetchone())

    def confirm(self, opt_in_id: UUID, now: datetime) -> None:
        """Turns a request into consent, once; after its expiry nothing happens."""
        self._with(lambda conn: conn.execute(OPT_IN["confirm"], {"opt_in_id": opt_in_id, "now": now}))

    def answer(
        self, send_id: UUID, survey: str, answer: int, comment: str | None, language: str, now: datetime
    ) -> bool:
        """Keeps an answer beside the former ones of this mail, of which only so many are kept. False when there is no
        such send."""
        values = {
            "answer_id": uuid7(),
            "send_id": send_id,
            "survey": survey,
            "answer": answer,
            "comment": comment,
            "language": language,
            "now": now,
            "most": ANSWERS_A_MAIL,
        }

        def insert(conn: Connection) -> bool:
            added = conn.execute(SURVEYS["insert_answer"], values).rowcount
            return bool(added) or conn.execute(PREFERENCES["send_exists"], values).fetchone() is not None

        return self._with(insert)

    def check(self) -> None:
        self._with(lambda conn: conn.execute(INBOX["alive"]).fetchone())

    def close(self) -> None:
        with self._guard:
            idle, self._idle = self._idle, []
        for conn in idle:
            conn.close()

    def _with(self, action: Callable[[Connection], Result]) -> Result:
        """Runs one action; a kept connection that has died since is replaced once (each action may be repeated: it
        inserts by key or reads)."""
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


def _columns(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def _leaving(send_id: UUID, source: str, now: datetime) -> dict[str, Any]:
    """The mail that a person leaves by is the evidence; one who came back and leaves again gives another."""
    evidence = str(send_id)
    again = f"{evidence}@{now.isoformat()}"
    return {"send_id": send_id, "source": source, "now": now, "evidence_id": evidence, "evidence_again": again}
