"""The way out of a topic: a page that changes nothing, and a POST that does it at once (RFC 8058)."""

import logging
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from rapport.clock import Clock
from rapport.errors import TransientError
from rapport.gateway import pages
from rapport.gateway.bodies import TooLargeError, bounded, form_fields
from rapport.gateway.metrics import Metrics
from rapport.gateway.store import Store
from rapport.keys import verify_token
from rapport.settings import Settings

log = logging.getLogger(__name__)

PURPOSE = "unsubscribe"
MAX_FORM_BYTES = 64 * 1024


class Unsubscribe:
    """`/u/{token}`. The token names a send; whose it is only the database knows."""

    def __init__(self, settings: Settings, clock: Clock, store: Store, metrics: Metrics) -> None:
        self._settings, self._clock, self._store, self._metrics = settings, clock, store, metrics

    async def show(self, request: Request) -> Response:
        """Link scanners follow every link of a mail, so this changes nothing and asks nobody."""
        if self._send_id(request) is None:
            return self._page(request, "not_found", 404)
        return self._page(request, "ask")

    async def submit(self, request: Request) -> Response:
        """The mail program's one click, in either form encoding, or the page's own button."""
        send_id = self._send_id(request)
        if send_id is None:
            return self._page(request, "not_found", 404)
        try:
            body = await bounded(request, MAX_FORM_BYTES)
        except TooLargeError:
            return self._page(request, "ask", 413)
        source = _source(form_fields(request.headers.get("content-type", ""), body))
        if source is None:
            return self._page(request, "ask", 400)
        try:
            known = await run_in_threadpool(self._store.unsubscribe, send_id, source, self._clock.now())
        except TransientError as error:
            log.error("an unsubscription could not be stored: %s", error)
            return self._page(request, "try_again", 503)
        if not known:
            return self._page(request, "not_found", 404)
        self._metrics.unsubscribes.labels(source).inc()
        return self._page(request, "done")

    def _send_id(self, request: Request) -> UUID | None:
        payload = verify_token(self._settings, PURPOSE, request.path_params["token"])
        try:
            return UUID(payload) if payload else None
        except ValueError:
            return None

    def _page(self, request: Request, name: str, status: int = 200) -> Response:
        language = pages.language(request.query_params.get("lang"), request.headers.get("accept-language"))
        headers = {"Content-Language": language, "Vary": "Accept-Language"}
        return HTMLResponse(pages.page(name, language, self._settings.shop_name), status, headers)


def _source(fields: dict[str, str]) -> str | None:
    if fields.get("List-Unsubscribe", "").lower() == "one-click":
        return "one_click"
    return "page" if fields.get("confirm") == "yes" else None
