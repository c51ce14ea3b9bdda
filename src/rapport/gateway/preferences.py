"""The preference page: every topic of the shop, off at once, on by a confirmed request only."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from rapport.campaigns.mail.topics import topic_title
from rapport.clock import Clock
from rapport.errors import TransientError
from rapport.gateway import tokens
from rapport.gateway.bodies import MAX_FORM_BYTES, Form, TooLargeError, form
from rapport.gateway.metrics import Metrics
from rapport.gateway.opt_in import new_request
from rapport.gateway.pages import Pages, Reader, TopicView
from rapport.gateway.store import Row, Store
from rapport.settings import Settings

log = logging.getLogger(__name__)

# Leaving must work for as long as a mail lies in a mailbox; asking for more must not.
GRANTING = timedelta(days=90)


class Preferences:
    """`/p/{token}`. The token names a send. Neither page nor address shows whose it is: mails are forwarded, and who
    reads one may end what it is about, but not agree to more in the name of its owner."""

    def __init__(self, settings: Settings, clock: Clock, store: Store, metrics: Metrics, pages: Pages) -> None:
        self._settings, self._clock, self._store = settings, clock, store
        self._metrics, self._pages = metrics, pages

    async def handle(self, request: Request) -> Response:
        """Only a POST by one of the page's two buttons changes anything."""
        reader = self._pages.reader(request)
        send_id = tokens.read(self._settings, tokens.PREFERENCES, request.path_params["token"])
        if send_id is None:
            return reader.not_found()
        try:
            fields = await form(request, MAX_FORM_BYTES) if request.method == "POST" else {}
        except TooLargeError:
            return await self._answer(reader, send_id, {}, 413)
        asked = fields.get("action", [""])[-1]
        if request.method == "POST" and asked not in ("save", "off"):
            return await self._answer(reader, send_id, {}, 400)
        return await self._answer(reader, send_id, fields)

    async def _answer(self, reader: Reader, send_id: UUID, fields: Form, status: int = 200) -> Response:
        try:
            return await run_in_threadpool(self._page, reader, send_id, fields, status)
        except TransientError as error:
            log.error("the preference page is not available: %s", error)
            return reader.try_again(reader.say("preferences_title"))

    def _page(self, reader: Reader, send_id: UUID, fields: Form, status: int) -> Response:
        """Does what the form asks for, if there is one, and shows how things stand then."""
        now = self._clock.now()
        rows = self._store.standing(send_id, reader.texts.language, now)
        if not rows:
            return reader.not_found()
        said: Sequence[str] = ()
        if fields:
            said = self._change(reader, send_id, fields, rows, now)
            rows = self._store.standing(send_id, reader.texts.language, now)
        return reader.preferences(_views(rows, now), *said, old=_is_old(rows, now), status=status)

    def _change(self, reader: Reader, send_id: UUID, fields: Form, rows: list[Row], now: datetime) -> list[str]:
        """Writes what differs from how things stand; a topic that the page did not show is left alone. Returns what
        to tell the reader."""
        views = _views(rows, now)
        if fields["action"][-1] == "off":
            said = reader.say("preferences_off")
            self._store.leave(send_id, {view.name: said for view in views if view.on}, now, everything=True)
            self._metrics.preferences.labels("everything_off").inc()
            return [reader.say("preferences_all_off")]
        kept, shown = set(fields.get("keep", ())), set(fields.get("shown", ()))
        intro = reader.say("preferences_intro")
        left = {view.name: f"{intro} [ ] {view.title}" for view in views if view.on and view.name in shown - kept}
        if left:
            self._store.leave(send_id, left, now)
            self._metrics.preferences.labels("off").inc(len(left))
        wanted = [view for view in views if not view.on and not view.locked and view.name in kept]
        if not wanted:
            return [reader.say("preferences_saved")]
        key = rows[0]["recipient_key"]
        requests = [new_request(reader, key, None, view.name, view.title, "preference_page", now) for view in wanted]
        self._metrics.opt_ins.labels("asked").inc(self._store.ask(requests, now))
        titles = ", ".join(view.title for view in wanted)
        return [reader.say("preferences_saved"), reader.say("preferences_asked", topics=titles)]


def _views(rows: Sequence[Row], now: datetime) -> list[TopicView]:
    old = _is_old(rows, now)
    return [
        TopicView(
            name=row["name"],
            title=topic_title(row["name"], row["title"]),
            on=row["is_on"],
            final=row["is_final"],
            locked=not row["is_on"] and (old or row["is_final"]),
        )
        for row in rows
    ]


def _is_old(rows: Sequence[Row], now: datetime) -> bool:
    return bool(now - rows[0]["sent_at"] > GRANTING)
