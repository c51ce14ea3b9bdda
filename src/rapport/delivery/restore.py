"""The restore guard: a ledger that was brought back from a backup does not know what has left since.

Three signs give it away. The database is another one (system, timeline or database id): a failover, a point-in-time
restore, a dump loaded elsewhere. Its fences have gone back: beside the database each home keeps the highest fence that
was claimed from it, written before a byte leaves, and a copy of the files has a lower one. Or an event tells of an
attempt that the ledger does not know. From then on nothing is claimed until a person adopts the database.
"""

import fcntl
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from psycopg.types.json import Jsonb

from rapport.clock import Clock
from rapport.db import Connection, connect, load_queries
from rapport.errors import PermanentError, TransientError
from rapport.keys import uuid7
from rapport.settings import Settings

SQL = load_queries("rapport.delivery", "restore.sql", "doubt.sql")
REASON = "restored: it may have left already"
RESTORED = (
    "restore guard: {because}, so it may not know of mails that have left. Nothing is sent. See "
    "docs/runbook/restored-database.md: `rapport deliver reconcile` first, then `rapport deliver adopt`."
)
OTHER_DATABASE = (
    "this is not the database that was last sent from (a backup was restored, a standby promoted or it was cloned)"
)
OLDER = "this database is older than what was last sent from it (a backup was restored)"
UNATTEMPTED = "the provider told of attempts that this database does not know (a backup was restored)"


class Mark:
    """The highest fence claimed from a database by the workers of one home, in a file of that home.

    Workers on several machines share the home, or each protects only against backups older than its own last claim."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written = 0

    @classmethod
    def of(cls, settings: Settings, conn: Connection) -> Self:
        found = _one(conn, "identity")
        return cls(settings.home / "delivery" / f"{found['system']}-{found['database']}.fence")

    def read(self) -> int:
        """0 when there is none. Raises PermanentError when it cannot be read."""
        try:
            return int(self._path.read_text())
        except FileNotFoundError:
            return 0
        except (OSError, ValueError):
            raise PermanentError(
                f"{self._path} cannot be read, so nobody knows whether the database is older than what was sent. "
                "Delete the file if the database was never restored."
            ) from None

    def raise_to(self, fence: int) -> None:
        """Raises TransientError when it cannot be written: what was claimed must not be sent then."""
        if fence <= self._written:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.with_suffix(".lock").open("w") as turn:
                fcntl.flock(turn, fcntl.LOCK_EX)
                self._written = max(fence, self.read())
                part = self._path.with_suffix(".part")
                part.write_text(str(self._written))
                part.replace(self._path)
        except OSError as error:
            self._written = 0
            raise TransientError(f"{self._path} cannot be written ({error.strerror}): nothing is sent") from error


def last_fence(conn: Connection) -> int:
    return int(_one(conn, "last_fence")["fence"])


def suspicion(conn: Connection, settings: Settings) -> str | None:
    """Why this may not be the ledger that was last sent from; None when it is. A new one is written down."""
    known = conn.execute(SQL["suspicion"]).fetchone()
    if known is not None:
        return str(known["because"])
    # Two that meet an unmet database at once: the loser sees no row in its snapshot, and no difference.
    if _one(conn, "meet_database")["same"] is False:
        return OTHER_DATABASE
    # The mark first: whatever another worker claims meanwhile is in the ledger before it is in the mark.
    mark = Mark.of(settings, conn).read()
    if last_fence(conn) < mark:
        return OLDER
    return None


def refuse_restored(conn: Connection, settings: Settings) -> None:
    """Raises PermanentError when the ledger is under suspicion, and writes that down for every other home."""
    because = suspicion(conn, settings)
    if because is not None:
        conn.execute(SQL["suspect"], {"because": because})
        raise PermanentError(RESTORED.format(because=because))


def put_in_doubt(conn: Connection, now: datetime, because: str) -> int:
    """Moves every pending or sending row that was due when the restored database was first seen to unknown; returns how
    many. However old the backup is: a row that is pending in it may have left since. Running it again moves only what
    has been planned again for that time. One transaction."""
    with conn.transaction():
        conn.execute(SQL["suspect"], {"because": because})
        bound = conn.execute(SQL["bound_doubt"], {"now": now}).fetchone()
        if bound is None:  # adopted in this moment
            return 0
        return len(conn.execute(SQL["put_in_doubt"], {**bound, "reason": REASON}).fetchall())


@dataclass(frozen=True)
class Questions:
    """What is not known about a restored ledger: events not read, unknown sends by policy, and strangers (sends that
    the provider tells of and that are not planned here)."""

    unread: int
    at_most_once: int
    at_least_once: int
    strangers: int

    def __str__(self) -> str:
        said = []
        if self.unread:
            said.append(f"{self.unread} events are not read: run `rapport deliver reconcile`")
        if self.at_most_once:
            said.append(
                f"{self.at_most_once} sends may have left already: they are accepted by the provider's events or "
                "quarantined once the waiting time is over"
            )
        if self.at_least_once:
            said.append(
                f"{self.at_least_once} at-least-once sends may have left already and wait for the provider's events; "
                "after a restore silence proves nothing, so they are never repeated by themselves"
            )
        if self.strangers:
            said.append(
                f"{self.strangers} mails left that were planned after the backup: planned again, their people would "
                "be written to twice; cancel those occurrences"
            )
        return "; ".join(said) or "nothing is open"


def adopt(settings: Settings, clock: Clock, who: str, *, force: bool = False) -> Questions:
    """Takes a restored database into use: sending goes on. Returns what was still open, which is also recorded.

    Raises PermanentError when the database is not under suspicion, or when something is open and `force` is not given.
    Forced or not, what is in doubt is not sent.
    """
    with connect("engine", settings=settings, autocommit=True) as conn:
        because = suspicion(conn, settings)
        if because is None:
            raise PermanentError("there is nothing to adopt: this is the database that was last sent from")
        # First above every fence of the ledger that was lost, so that no worker of it can settle what is in doubt here.
        conn.execute(SQL["lift_fence"], {"mark": Mark.of(settings, conn).read()})
        put_in_doubt(conn, clock.now(), because)
        with conn.transaction():
            conn.execute(SQL["fence_doubt"], {"reason": REASON})
            found = Questions(**_one(conn, "open_questions"))
            if any(asdict(found).values()) and not force:
                raise PermanentError(f"not adopted: {found}. Wait, or --force it once each of these is accounted for.")
            details: dict[str, Any] = {"because": because, **asdict(found)}
            values = {"adoption_id": uuid7(), "who": who, "now": clock.now(), "forced": force}
            conn.execute(SQL["record_adoption"], {**values, "details": Jsonb(details)})
            conn.execute(SQL["forget_database"])
            _one(conn, "meet_database")
    return found


def _one(conn: Connection, query: str) -> dict[str, Any]:
    row = conn.execute(SQL[query]).fetchone()
    if row is None:
        raise TransientError("Postgres answered nothing")
    return row
