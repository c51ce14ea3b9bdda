"""`/v1/…`: events of the shop's visitors, by Segment's published HTTP tracking specification."""

import base64
import binascii
import hmac
import logging
from typing import Any
from urllib.parse import urlsplit

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from rapport.clock import Clock
from rapport.errors import TransientError
from rapport.gateway.bodies import TooLargeError, bounded
from rapport.gateway.limiter import Limiter
from rapport.gateway.metrics import Metrics
from rapport.gateway.store import Store
from rapport.gateway.visit_fields import Kept
from rapport.gateway.visits import MAX_BATCH_BYTES, MAX_EVENT_BYTES, TYPES, BadEventError, Reader, Reading
from rapport.settings import Settings

log = logging.getLogger(__name__)

# A page sends some requests at once, and an office has one address; more is a machine. In requests, a batch is one.
BURST = 300
PER_SECOND = 20.0
TRY_AGAIN = {"Retry-After": "30"}
SLOW_DOWN = {"Retry-After": "5"}
BATCH_PATHS = ("batch", "b", "import")


class Tracking:
    """Takes events of a write key that is known. Without a write key in the settings there are no such addresses."""

    def __init__(self, settings: Settings, clock: Clock, store: Store, metrics: Metrics) -> None:
        self._keys, self._clock, self._store, self._metrics = settings.web_write_keys, clock, store, metrics
        self._origins = frozenset(settings.web_shop_origins)
        hosts = {urlsplit(origin).hostname or "" for origin in self._origins}
        self._reader = Reader(settings.secret_key, settings.web_consent_category, Kept(hosts))
        self._limiter = Limiter(burst=BURST, per_second=PER_SECOND)

    def mount(self) -> Mount:
        """The routes, with the answers that browsers on the shop's own pages need before they send from there."""
        routes = [Route(f"/{path}", self._handle, methods=["POST"]) for path in (*_singles(), *BATCH_PATHS)]
        cors = Middleware(
            CORSMiddleware,
            allow_origins=sorted(self._origins),
            allow_methods=["POST"],
            # What the libraries of browsers send; the last one when they try again.
            allow_headers=["authorization", "content-type", "x-retry-count"],
            max_age=86_400,
        )
        return Mount("/v1", routes=routes, middleware=[cors])

    async def _handle(self, request: Request) -> Response:
        path = request.url.path.rsplit("/", 1)[-1]
        origin = request.headers.get("origin")
        if origin is not None and origin.lower() not in self._origins:
            return self._refused(403, "origin", "this origin is not in RAPPORT_WEB_ORIGINS")
        if not self._limiter.allows(request.client.host if request.client else ""):
            return self._refused(429, "too_many", "too many requests", SLOW_DOWN)
        try:
            body = await bounded(request, MAX_BATCH_BYTES if path in BATCH_PATHS else MAX_EVENT_BYTES)
        except TooLargeError:
            return self._refused(400, "too_large", "larger than 500 kB for a batch or 32 kB for an event")
        # What the request itself says counts for browsers only: a server's library is no visitor.
        agent = request.headers.get("user-agent") if origin is not None else None
        try:
            return await run_in_threadpool(self._take, path, body, _basic_user(request), agent)
        except TransientError as error:
            log.error("visitors' events not stored, their senders will repeat them: %s", error)
            return self._refused(503, "database", "try again", TRY_AGAIN)

    def _take(self, path: str, body: bytes, user: str | None, agent: str | None) -> Response:
        """In a thread: a large batch must not make somebody's unsubscription wait."""
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            return self._refused(400, "malformed", "not JSON")
        key = user or (document.get("writeKey") if isinstance(document, dict) else None)
        if not self._knows(key):
            return self._refused(401, "write_key", "unknown write key")
        now = self._clock.now()
        try:
            if path in BATCH_PATHS:
                reading = self._reader.batch(document, agent, now)
            else:
                reading = Reading([self._reader.single(document, _singles()[path], agent, now)])
        except BadEventError as problem:
            return self._refused(400, "malformed", str(problem))
        new = self._store.add_visits(reading.rows, reading.bad)
        self._metrics.count_visits(reading, new)
        return JSONResponse({"success": True, **({"quarantined": len(reading.bad)} if reading.bad else {})})

    def _knows(self, key: Any) -> bool:
        if not isinstance(key, str):
            return False
        return any(hmac.compare_digest(key.encode(), known.encode()) for known in self._keys)

    def _refused(self, status: int, reason: str, message: str, headers: dict[str, str] | None = None) -> Response:
        self._metrics.visits_refused.labels(reason).inc()
        return JSONResponse({"success": False, "message": message}, status, headers)


def _singles() -> dict[str, str]:
    """Last part of the address, whole or as browsers shorten it, to the type of its event."""
    return {name: kind for kind in sorted(TYPES) for name in (kind, kind[0])}


def _basic_user(request: Request) -> str | None:
    """The user of HTTP Basic, which is the write key; the password is empty and does not matter."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(given, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return None
