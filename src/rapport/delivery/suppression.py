"""Who must not be written to, beside what events say: the provider's own lists, and people who have long gone quiet."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from rapport.clock import Clock
from rapport.db import Connection, connect, load_queries, postgres_needed
from rapport.delivery.activity import account
from rapport.delivery.bounces import bounce_kind
from rapport.delivery.events import EVERYTHING
from rapport.errors import DataError, PermanentError
from rapport.keys import recipient_key
from rapport.settings import Settings
from rapport.sources.http import Api

log = logging.getLogger(__name__)

SQL = load_queries("rapport.delivery", "suppression.sql")
# The most that one page of the provider's lists holds; as many go into one request of ours.
PAGE = 500
_COLUMNS = ("recipient_key", "topic", "reason", "evidence_id", "occurred_at")
# Blocks are not among them: they are about us, and the provider goes on sending to these addresses.
_LISTS = ("bounces", "invalid_emails", "spam_reports", "unsubscribes")


@dataclass
class ListsReport:
    """`pulled` are suppressions new to us, `pushed` addresses new to the provider, `unreadable` entries that hold no
    address."""

    pulled: int = 0
    pushed: int = 0
    unreadable: int = 0

    def __str__(self) -> str:
        return "the provider's lists: " + ", ".join(f"{count} {name}" for name, count in vars(self).items())


def sync_provider_lists(settings: Settings, clock: Clock) -> ListsReport:
    """Makes both sides know what either knows: SendGrid's bounces, invalid addresses, spam reports, global unsubscribes
    and members of our unsubscribe group; our global unsubscribes and those of the group's topic. It only ever adds, and
    running it again changes nothing.

    One list's addresses are held in memory as keys of 32 bytes. Raises PermanentError when SendGrid refuses us,
    TransientError when it or Postgres is away; what was added until then stands.
    """
    report = ListsReport()
    if settings.mail_provider != "sendgrid":
        return report
    with (
        postgres_needed("the provider's lists"),
        closing(account(settings)) as api,
        connect("engine", settings=settings, autocommit=True) as conn,
    ):
        _Lists(settings, clock.now(), api, conn, report).sync()
    return report


class _Lists:
    """One synchronisation."""

    def __init__(self, settings: Settings, now: datetime, api: Api, conn: Connection, report: ListsReport) -> None:
        self._settings, self._now, self._api, self._conn, self._report = settings, now, api, conn, report

    def sync(self) -> None:
        forbidden: set[bytes] = set()
        for name in _LISTS:
            members = self._pull(name, self._pages(f"/v3/suppression/{name}"), [EVERYTHING])
            if name in ("spam_reports", "unsubscribes"):
                forbidden |= members
        self._push("/v3/asm/suppressions/global", EVERYTHING, forbidden)
        group = self._settings.sendgrid_unsubscribe_group
        if group is not None:
            path = f"/v3/asm/groups/{group}/suppressions"
            topics = [row["topic"] for row in self._conn.execute(SQL["marketing_topics"])]
            # The whole group comes as one page of bare addresses.
            entries = [{"email": email} for email in self._api.get_list(path)]
            members = self._pull(f"group {group}", iter([entries]), topics)
            # Under one group of several topics, who cancels one of them must go on getting the others.
            if len(topics) == 1:
                self._push(path, topics[0], members)

    def _pages(self, path: str) -> Iterator[list[Any]]:
        """Up to this moment, so that what is added while we read shifts no page."""
        until, offset = int(self._now.timestamp()) + 1, 0
        while True:
            page = self._api.get_list(path, {"limit": PAGE, "offset": offset, "start_time": 0, "end_time": until})
            yield page
            if len(page) < PAGE:
                return
            offset += len(page)

    def _pull(self, name: str, pages: Iterator[list[Any]], topics: Sequence[str]) -> set[bytes]:
        members: set[bytes] = set()
        for page in pages:
            columns: dict[str, list[Any]] = {column: [] for column in _COLUMNS}
            for entry in page:
                key = self._key(entry)
                if key is None:
                    self._report.unreadable += 1
                    continue
                members.add(bytes.fromhex(key))
                for topic in topics:
                    for column, value in zip(_COLUMNS, (key, topic, *self._fact(name, entry)), strict=True):
                        columns[column].append(value)
            self._report.pulled += self._conn.execute(SQL["add_listed"], {**columns, "now": self._now}).rowcount
        return members

    def _key(self, entry: Any) -> str | None:
        try:
            return recipient_key(self._settings, str(entry["email"]))
        except (DataError, KeyError, TypeError):
            return None

    def _fact(self, name: str, entry: dict[str, Any]) -> tuple[str, str, datetime | None]:
        """Reason, evidence and time of an entry. A group's members carry no time."""
        created = entry.get("created")
        if not isinstance(created, int):
            return _reason(name, entry), f"sendgrid:{name}", None
        return _reason(name, entry), f"sendgrid:{name}:{created}", datetime.fromtimestamp(created, UTC)

    def _push(self, path: str, topic: str, members: set[bytes]) -> None:
        rows = self._conn.execute(SQL["ours"], {"topic": topic, "now": self._now})
        missing = [row["address"] for row in rows if bytes.fromhex(row["recipient_key"]) not in members]
        for start in range(0, len(missing), PAGE):
            part = missing[start : start + PAGE]
            self._api.post(path, {"recipient_emails": part})
            self._report.pushed += len(part)


def _reason(name: str, entry: dict[str, Any]) -> str:
    """The provider does not send to any of its bounces; only of an address that does not exist the reason is told."""
    if name == "bounces":
        kind = bounce_kind({"status": entry.get("status"), "type": "bounce"})
        return "hard_bounce" if kind == "hard_bounce" else "provider_list"
    return {"invalid_emails": "provider_list", "spam_reports": "complaint"}.get(name, "unsubscribe")


def sunset(settings: Settings, clock: Clock) -> int:
    """Suppresses a topic for people who took RAPPORT_SUNSET_MAILS of its mails in RAPPORT_SUNSET_DAYS days of business
    time without one open by hand, click or order; returns how many. Off (0 days) by default.

    Raises PermanentError while the warehouse is not built: without orders, buyers would look quiet.
    """
    if settings.sunset_days == 0:
        return 0
    now = clock.now()
    values = {"now": now, "since": now - timedelta(days=settings.sunset_days), "mails": settings.sunset_mails}
    with postgres_needed("sunset"), connect("engine", settings=settings) as conn:
        if not (conn.execute(SQL["orders_exist"]).fetchone() or {})["found"]:
            raise PermanentError("marts.orders does not exist: build the warehouse first (`rapport run`)")
        return conn.execute(SQL["sunset"], values).rowcount
