"""Double opt-in: a request for mail from the shop's own form, and its confirmation from the mailbox itself."""

import hmac
import logging
from datetime import datetime, timedelta
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from rapport.campaigns.mail.topics import topic_title
from rapport.clock import Clock
from rapport.db import connect
from rapport.errors import DataError, TransientError
from rapport.gateway import tokens
from rapport.gateway.bodies import MAX_FORM_BYTES, Form, TooLargeError, form
from rapport.gateway.limiter import Limiter
from rapport.gateway.metrics import Metrics
from rapport.gateway.pages import Pages, Reader
from rapport.gateway.store import OPT_IN, OptIn, Store
from rapport.keys import canonical_address, recipient_key, uuid7
from rapport.settings import Settings

log = logging.getLogger(__name__)

CONFIRM_WITHIN = timedelta(days=7)
MAX_ADDRESS_CHARS = 254


def new_request(
    reader: Reader, key: str, address: str | None, topic: str, title: str, source: str, now: datetime
) -> OptIn:
    """A request in the reader's language, with the sentence that the confirmation will be about."""
    wording = reader.say("opt_in_wording", topic=title)
    return OptIn(uuid7(), key, address, topic, reader.texts.language, wording, source, now + CONFIRM_WITHIN)


def erase_addresses(settings: Settings, clock: Clock) -> int:
    """Removes the addresses of requests that are confirmed or expired, and from the ledger the addresses of people whom
    it knows by nothing but requests that nobody confirmed. Returns of how many requests. For daily upkeep, in the role
    that writes the ledger. Raises TransientError when Postgres is away."""
    values = {"now": clock.now()}
    with connect("engine", settings=settings) as conn:
        conn.execute(OPT_IN["erase_strangers"], values)
        return conn.execute(OPT_IN["erase_addresses"], values).rowcount


class Asking:
    """`/opt-in`, for a form on the shop's site. It answers the same whether the address is known or not."""

    def __init__(self, settings: Settings, clock: Clock, store: Store, metrics: Metrics, pages: Pages) -> None:
        self._settings, self._clock, self._store = settings, clock, store
        self._metrics, self._pages = metrics, pages
        self._limiter = Limiter()

    async def handle(self, request: Request) -> Response:
        reader = self._pages.reader(request)
        try:
            fields = await form(request, MAX_FORM_BYTES)
        except TooLargeError:
            fields = {}
        if not self._may_ask(_first(fields, "key")):
            return reader.not_found()
        if not self._limiter.allows(request.client.host if request.client else ""):
            self._metrics.opt_ins.labels("too_many").inc()
            return reader.try_again(reader.say("opt_in_title"), 429)
        try:
            return await run_in_threadpool(self._ask, reader, fields)
        except TransientError as error:
            log.error("a request for mail could not be stored: %s", error)
            return reader.try_again(reader.say("opt_in_title"))

    def _ask(self, reader: Reader, fields: Form) -> Response:
        address = _first(fields, "address")
        try:
            if len(address) > MAX_ADDRESS_CHARS:
                raise DataError("too long for an e-mail address")
            canonical, key = canonical_address(address), recipient_key(self._settings, address)
        except DataError:
            return reader.notice(reader.say("opt_in_title"), reader.say("opt_in_invalid"), status=400)
        name = _first(fields, "topic")
        topic = self._store.topic(name, reader.texts.language) if "\0" not in name else None
        if topic is None:
            log.warning("the opt-in form names a topic that no campaign has; correct its field `topic`")
            return reader.not_found()
        now = self._clock.now()
        title = topic_title(topic["name"], topic["title"])
        kept = self._store.ask([new_request(reader, key, canonical, topic["name"], title, "form", now)], now)
        self._metrics.opt_ins.labels("asked" if kept else "too_many").inc()
        return reader.notice(reader.say("opt_in_title"), reader.say("opt_in_sent"))

    def _may_ask(self, key: str) -> bool:
        return any(hmac.compare_digest(key.encode(), known.encode()) for known in self._settings.opt_in_form_keys)


class Confirming:
    """`/c/{token}`. The token names a request; only its mail holds it, so who confirms owns the mailbox."""

    def __init__(self, settings: Settings, clock: Clock, store: Store, metrics: Metrics, pages: Pages) -> None:
        self._settings, self._clock, self._store = settings, clock, store
        self._metrics, self._pages = metrics, pages

    async def handle(self, request: Request) -> Response:
        """A GET shows what would be agreed to; the POST of its button agrees."""
        reader = self._pages.reader(request)
        opt_in_id = tokens.read(self._settings, tokens.OPT_IN, request.path_params["token"])
        if opt_in_id is None:
            return reader.not_found()
        confirms, status = False, 200
        if request.method == "POST":
            try:
                confirms = "yes" in (await form(request, MAX_FORM_BYTES)).get("confirm", ())
                status = 200 if confirms else 400
            except TooLargeError:
                status = 413
        try:
            return await run_in_threadpool(self._page, reader, opt_in_id, confirms, status)
        except TransientError as error:
            log.error("a confirmation could not be stored: %s", error)
            return reader.try_again(reader.say("opt_in_title"))

    def _page(self, reader: Reader, opt_in_id: UUID, confirms: bool, status: int) -> Response:
        now = self._clock.now()
        request = self._store.request(opt_in_id)
        if request is None:
            return reader.not_found()
        title = reader.say("opt_in_title")
        if not request["is_confirmed"]:
            if request["expires_at"] <= now:
                return reader.notice(title, reader.say("opt_in_expired"), status=410)
            if not confirms:
                return reader.question(title, request["wording"], reader.say("opt_in_button"), status=status)
            self._store.confirm(opt_in_id, now)
            self._metrics.opt_ins.labels("confirmed").inc()
        return reader.notice(title, reader.say("opt_in_done"))


def _first(fields: Form, name: str) -> str:
    return fields.get(name, [""])[0]
