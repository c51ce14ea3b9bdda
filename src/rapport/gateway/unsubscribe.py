"""The way out of a topic: a page that changes nothing, and a POST that does it at once (RFC 8058)."""

import logging
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from rapport.clock import Clock
from rapport.errors import TransientError
from rapport.gateway import tokens
from rapport.gateway.bodies import MAX_FORM_BYTES, Form, TooLargeError, form
from rapport.gateway.metrics import Metrics
from rapport.gateway.pages import Pages, Reader
from rapport.gateway.store import Store
from rapport.settings import Settings

log = logging.getLogger(__name__)


class Unsubscribe:
    """`/u/{token}`. The token names a send; whose it is only the database knows."""

    def __init__(self, settings: Settings, clock: Clock, store: Store, metrics: Metrics, pages: Pages) -> None:
        self._settings, self._clock, self._store = settings, clock, store
        self._metrics, self._pages = metrics, pages

    async def handle(self, request: Request) -> Response:
        """Link scanners follow every link of a mail, so only a POST changes anything, and a GET asks nobody."""
        reader = self._pages.reader(request)
        send_id = tokens.read(self._settings, tokens.UNSUBSCRIBE, request.path_params["token"])
        if send_id is None:
            return reader.not_found()
        if request.method == "POST":
            return await self._submit(request, reader, send_id)
        return self._ask(reader, send_id)

    async def _submit(self, request: Request, reader: Reader, send_id: UUID) -> Response:
        """The mail program's one click, in either form encoding, or the page's own button."""
        try:
            source = _source(await form(request, MAX_FORM_BYTES))
        except TooLargeError:
            return self._ask(reader, send_id, status=413)
        if source is None:
            return self._ask(reader, send_id, status=400)
        try:
            known = await run_in_threadpool(self._store.unsubscribe, send_id, source, self._clock.now())
        except TransientError as error:
            log.error("an unsubscription could not be stored: %s", error)
            return self._ask(reader, send_id, reader.say("try_again"), status=503)
        if not known:
            return reader.not_found()
        self._metrics.unsubscribes.labels(source).inc()
        return reader.notice(
            reader.say("unsubscribe_title"), reader.say("unsubscribe_done"), choose=self._choices(reader, send_id)
        )

    def _ask(self, reader: Reader, send_id: UUID, *said: str, status: int = 200) -> Response:
        return reader.question(
            reader.say("unsubscribe_title"),
            reader.say("unsubscribe_ask"),
            reader.say("unsubscribe_button"),
            *said,
            choose=self._choices(reader, send_id),
            status=status,
        )

    def _choices(self, reader: Reader, send_id: UUID) -> str:
        """Relative, because the proxy in front may have put the gateway under a path of its own."""
        return f"../p/{tokens.write(self._settings, tokens.PREFERENCES, send_id)}{reader.query}"


def _source(fields: Form) -> str | None:
    if any(value.lower() == "one-click" for value in fields.get("List-Unsubscribe", ())):
        return "one_click"
    return "page" if "yes" in fields.get("confirm", ()) else None
