"""What the simulated mail provider remembers: accepted mails, their events, suppressions; survives a restart."""

import json
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rapport.db import load_queries

SQL = load_queries("rapport.sandbox.mail", "ledger.sql", "lists.sql")
DEFAULT_GROUP_NAME = "Offers and news"


class Ledger:
    """The provider's own SQLite file `<directory>/mail.db`. Times are epoch seconds; addresses are kept lower-case."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / "mail.db"
        self._lock = threading.RLock()
        self._con = sqlite3.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)
        self._con.row_factory = sqlite3.Row
        self._con.executescript(SQL["schema"])
        self._con.execute(SQL["keep_setting"], {"name": "api_key", "value": f"SG.sandbox.{secrets.token_hex(24)}"})
        if not self.rows("groups"):
            self.add_group(DEFAULT_GROUP_NAME, "Campaign mail of the shop", is_default=True)

    def close(self) -> None:
        self._con.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One write transaction; nested use joins the outer one."""
        with self._lock:
            if self._con.in_transaction:
                yield
                return
            self._con.execute("begin immediate")
            try:
                yield
            except BaseException:
                self._con.execute("rollback")
                raise
            self._con.execute("commit")

    def rows(self, query: str, **values: Any) -> list[sqlite3.Row]:
        """All rows of a named query."""
        with self._lock:
            return self._con.execute(SQL[query], values).fetchall()

    def run(self, query: str, **values: Any) -> int:
        """Runs a named statement; returns the number of rows touched."""
        with self._lock:
            return self._con.execute(SQL[query], values).rowcount

    def setting(self, name: str) -> str | None:
        found = self.rows("read_setting", name=name)
        return str(found[0]["value"]) if found else None

    def set_setting(self, name: str, value: str) -> None:
        self.run("write_setting", name=name, value=value)

    @property
    def api_key(self) -> str:
        """The bearer key the provider accepts; made once, kept with the ledger."""
        return self.setting("api_key") or ""

    def add_group(self, name: str, description: str, *, is_default: bool = False) -> int:
        """Creates an unsubscribe group and returns its id."""
        with self.transaction():
            self.run("insert_group", name=name, description=description, is_default=int(is_default))
            return int(self.rows("group_by_name", name=name)[0]["id"])

    @property
    def default_group(self) -> int:
        return int(next(row["id"] for row in self.rows("groups") if row["is_default"]))

    def accept(self, mails: Iterable[Mapping[str, Any]], events: Iterable[Mapping[str, Any]]) -> None:
        """Writes accepted mails and their first events in one commit: what was answered 202 is never forgotten."""
        with self.transaction():
            for mail in mails:
                self.run("insert_accepted", **mail)
            self.add_events(events)

    def add_events(self, events: Iterable[Mapping[str, Any]]) -> int:
        """Adds webhook events; one already known by its `sg_event_id` is left alone. Returns how many were new."""
        with self.transaction():
            return sum(max(self.run("insert_event", **event), 0) for event in events)

    def suppress(
        self,
        kind: str,
        email: str,
        at: float,
        *,
        group_id: int = 0,
        reason: str | None = None,
        status: str | None = None,
    ) -> None:
        """Puts an address on a list: `global`, `group`, `bounce`, `spam_report`, `block` or `invalid`."""
        self.run(
            "suppress", kind=kind, group_id=group_id, email=email.lower(), created=at, reason=reason, status=status
        )

    def drop_reason(self, email: str, group_id: int | None, bypass: frozenset[str]) -> str | None:
        """Why the provider would drop a mail to this address, in its own words; None when it would go out."""
        for row in self.rows("suppressions_of_address", email=email.lower()):
            kind = row["kind"]
            # Blocks are about the sender: the provider goes on trying.
            if (
                kind == "block"
                or "list" in bypass
                or kind in bypass
                or (kind == "group" and row["group_id"] != group_id)
            ):
                continue
            return _DROP_REASONS[kind]
        return None

    def event_counts(self) -> dict[str, int]:
        return {row["event"]: row["n"] for row in self.rows("event_counts")}

    def count_fault(self, kind: str) -> None:
        self.run("count_fault", kind=kind)

    def fault_counts(self) -> dict[str, int]:
        """Faults that requests really met, by kind, over all processes that ever served this ledger."""
        return {row["kind"]: row["injected"] for row in self.rows("fault_counts")}

    def mail(self, sg_message_id: str) -> dict[str, Any] | None:
        """One accepted mail with `headers`, `categories` and `custom_args` decoded."""
        found = self.rows("accepted_one", sg_message_id=sg_message_id)
        return decoded(found[0]) if found else None


_DROP_REASONS = {
    "global": "Unsubscribed Address",
    "group": "Unsubscribed Address",
    "bounce": "Bounced Address",
    "spam_report": "Spam Reporting Address",
    "invalid": "Invalid",
}


def decoded(row: sqlite3.Row) -> dict[str, Any]:
    """An `accepted` row as a dict with its JSON columns decoded."""
    mail = dict(row)
    for name in ("headers", "categories", "custom_args"):
        mail[name] = json.loads(mail[name])
    return mail


def accepted_send_ids(directory: Path) -> list[str]:
    """The `send_id` of every accepted mail, in order of acceptance, with repetition: what a checker counts."""
    ledger = Ledger(directory)
    try:
        return [row["send_id"] for row in ledger.rows("accepted_send_ids")]
    finally:
        ledger.close()
