"""The living world: what people do with their mail, and what they do anyway, as an agenda that outlives the process."""

import json
import logging
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from rapport.clock import Clock
from rapport.db import load_queries
from rapport.sandbox import stock, world
from rapport.sandbox.background import Background
from rapport.sandbox.behaviour import Step, plan
from rapport.sandbox.loyalty import export_loyalty
from rapport.sandbox.mail.events import event_row
from rapport.sandbox.mail.ledger import Ledger, decoded
from rapport.sandbox.mail.links import one_click_url
from rapport.sandbox.mail.options import MailOptions
from rapport.sandbox.outbox import Gateway, Outbox
from rapport.sandbox.store import get_meta, open_world, person_by_email, set_meta, transaction
from rapport.sandbox.visitors import Visitors

log = logging.getLogger(__name__)
SQL = load_queries("rapport.sandbox", "life.sql")
WATERMARK = "life_mail_position"
RETRY_SECONDS = 1800.0
MAX_TRIES = 8
UNSUBSCRIBES_PER_TICK = 25
MAIL_EVENTS = frozenset(("delivered", "deferred", "bounce", "open", "click", "spamreport"))


class Life:
    """Moves the world on to the clock's now. All decisions hang on the seed and on ids; ticks may come at any rhythm.

    One instance at a time per directory; `tick` may run in any thread, by one thread at a time.
    """

    def __init__(
        self,
        directory: Path,
        clock: Clock,
        seed: int,
        *,
        options: MailOptions | None = None,
        transport: httpx.BaseTransport | None = None,
        gateway: Gateway | None = None,
        inbox: Path | None = None,
    ) -> None:
        self._clock, self._seed, self._inbox = clock, seed, inbox
        self._options = options or MailOptions(seed=seed)
        self._con = open_world(directory)
        self._con.executescript(SQL["schema"])
        self._ledger = Ledger(directory)
        self._background = Background(self._con, seed)
        self._http = httpx.Client(timeout=5.0, transport=transport, follow_redirects=False, trust_env=False)
        # Without a gateway that takes their events nobody browses.
        self._visitors = Visitors(self._con, seed) if gateway else None
        self._outbox = Outbox(self._con, gateway, self._http) if gateway else None

    def close(self) -> None:
        self._http.close()
        self._con.close()
        self._ledger.close()

    def export(self) -> None:
        """The week's files of systems that send files, into the inbox if there is one."""
        if self._inbox:
            export_loyalty(self._con, self._inbox, self._clock.now())

    def tick(self, limit: int = 2000) -> dict[str, int]:
        """Does what is due, at most `limit` steps; returns how many of each kind happened."""
        now = self._clock.now().timestamp()
        self.export()
        self._watch_mail(limit)
        self._background.schedule(now)
        counts: Counter[str] = Counter()
        rows = self._con.execute(SQL["due"], {"now": now, "limit": limit}).fetchall()
        steps = [row for row in rows if row["kind"] != "unsubscribe"]
        for start in range(0, len(steps), 200):
            self._do(steps[start : start + 200], counts)
        for row in [row for row in rows if row["kind"] == "unsubscribe"][:UNSUBSCRIBES_PER_TICK]:
            self._unsubscribe(row, now, counts)
        if self._visitors and self._outbox:
            self._visitors.schedule(now)
            counts["web_event"] = self._outbox.send(now)
        return dict(+counts)

    def _watch_mail(self, limit: int) -> None:
        """Turns newly accepted mails into agenda rows."""
        position = int(get_meta(self._con, WATERMARK) or 0)
        rows = self._ledger.rows("accepted_after", position=position, limit=limit)
        if not rows:
            return
        with transaction(self._con):
            for row in rows:
                if row["dropped"] is None:
                    mail = decoded(row)
                    for step in plan(mail, self._person(mail["to_email"]), self._seed):
                        self._add(mail["sg_message_id"], step)
            set_meta(self._con, WATERMARK, str(rows[-1]["position"]))

    def _person(self, email: str) -> Mapping[str, Any] | None:
        found = person_by_email(self._con, email)
        found = found or self._con.execute(SQL["person_with_address"], {"email": email}).fetchone()
        return dict(found) if found else None

    def _add(self, message_id: str, step: Step) -> None:
        key = f"{message_id} {step.kind} {step.payload.get('ordinal', step.payload.get('attempt', ''))}"
        if step.payload.get("sg_machine_open"):
            key += "machine"
        payload = json.dumps(step.payload | {"mail": message_id})
        self._con.execute(SQL["add"], {"key": key, "due_at": step.at, "kind": step.kind, "payload": payload})

    def _do(self, rows: list[Any], counts: Counter[str]) -> None:
        # Events carry repeatable ids, so committing them before the agenda is safe: a crash between writes them again
        # and changes nothing. Orders and tickets live in the agenda's own file and commit with it.
        with transaction(self._con):
            events = []
            for row in rows:
                payload = json.loads(row["payload"])
                if row["kind"] in MAIL_EVENTS:
                    events.append(self._mail_event(row, payload))
                else:
                    self._act(row["kind"], payload, row["due_at"])
                counts[row["kind"]] += 1
                self._con.execute(SQL["finish"], {"position": row["position"]})
            with self._ledger.transaction():
                self._ledger.add_events([event for event in events if event])

    def _mail_event(self, row: Any, payload: dict[str, Any]) -> dict[str, Any] | None:
        mail = self._ledger.mail(payload.pop("mail"))
        if mail is None:
            return None
        kind, at = row["kind"], row["due_at"]
        if kind == "click" and self._visitors and (person := self._person(mail["to_email"])):
            self._visitors.came_by_mail(person["person_id"], mail["sg_message_id"], at, payload["url"])
        ordinal = int(payload.pop("ordinal", payload.get("attempt", 0)))
        if payload.get("sg_machine_open"):
            ordinal = 100
        if kind == "spamreport":
            self._ledger.suppress("spam_report", mail["to_email"], at)
        if kind == "bounce" and payload["type"] == "bounce":
            self._ledger.suppress("bounce", mail["to_email"], at, reason=payload["reason"], status=payload["status"])
        return event_row(mail, kind, at, self._options, ordinal=ordinal, extra=payload)

    def _act(self, kind: str, payload: Any, due_at: float) -> None:
        at, who = datetime.fromtimestamp(due_at, UTC), payload.get("person_id")
        if kind == "buy":
            bought = {name: payload[name] for name in ("campaign", "landing", "email", "codes") if name in payload}
            self._browsed(who, world.place_order(self._con, who, at, **bought), payload["landing"])
        elif kind == "order":
            self._browsed(who, world.place_order(self._con, who, at), None)
        elif kind == "ticket":
            world.open_ticket(self._con, who, at)
        elif kind == "mention":
            world.post_mention(self._con, who, at)
        elif kind == "consent":
            world.change_email_consent(self._con, who, payload["state"], at)
        elif kind == "stock":
            stock.change_stock(self._con, payload["product_id"], payload["pieces"], at)
        elif kind == "settle":
            world.settle(self._con, at)

    def _browsed(self, who: int, order_id: int, landing: str | None) -> None:
        if self._visitors:
            self._visitors.bought(who, order_id, landing)

    def _unsubscribe(self, row: Any, now: float, counts: Counter[str]) -> None:
        payload = json.loads(row["payload"])
        mail = self._ledger.mail(payload.pop("mail"))
        url = one_click_url(mail["headers"]) if mail else None
        done = True
        if mail and url:
            done = self._post_one_click(url)
        elif mail:
            self._leave_group(mail, payload, row["due_at"])
        if done or row["tries"] + 1 >= MAX_TRIES:
            counts["unsubscribe" if done else "unsubscribe_failed"] += 1
            self._con.execute(SQL["finish"], {"position": row["position"]})
        else:
            self._con.execute(SQL["put_off"], {"position": row["position"], "due_at": now + RETRY_SECONDS})

    def _post_one_click(self, url: str) -> bool:
        """RFC 8058: the reader's mail program posts; only an answer of the 2xx kind counts."""
        try:
            answer = self._http.post(
                url,
                content=b"List-Unsubscribe=One-Click",
                headers={"Content-Type": "application/x-www-form-urlencoded"},
            )
        except (httpx.HTTPError, httpx.InvalidURL) as problem:
            log.info("one-click unsubscribe not reachable: %s", type(problem).__name__)
            return False
        if not answer.is_success:
            log.info("one-click unsubscribe refused with status %s", answer.status_code)
        return answer.is_success

    def _leave_group(self, mail: dict[str, Any], payload: dict[str, Any], at: float) -> None:
        """Without a way out of the shop's own, the provider's group link is used."""
        group_id = int(mail["group_id"])
        self._ledger.suppress("group", mail["to_email"], at, group_id=group_id)
        event = event_row(
            mail, "group_unsubscribe", at, self._options, extra=payload | {"url": "https://u.sandbox/asm/"}
        )
        self._ledger.add_events([event])
