"""The ASGI application and its routes."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from rapport.clock import Clock
from rapport.errors import TransientError
from rapport.gateway import events, signature
from rapport.gateway.bodies import TooLargeError, bounded
from rapport.gateway.headers import SecurityHeaders
from rapport.gateway.metrics import Metrics
from rapport.gateway.store import Store
from rapport.gateway.unsubscribe import Unsubscribe
from rapport.settings import Settings

log = logging.getLogger(__name__)

# The provider sends at most 768 KB at a time.
MAX_EVENT_BYTES = 4 * 1024 * 1024
TRY_AGAIN = {"Retry-After": "30"}


class Gateway:
    """Handlers over one store."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self.store = Store(settings)
        self.metrics = Metrics()
        self._verifier = signature.Verifier(settings.sendgrid_webhook_public_keys)
        self.pages = Unsubscribe(settings, clock, self.store, self.metrics)

    async def sendgrid_events(self, request: Request) -> Response:
        """Signature over the raw bytes first; nothing of an unsigned body is parsed or kept."""
        try:
            body = await bounded(request, MAX_EVENT_BYTES)
        except TooLargeError:
            return self._refused(413, "too_large")
        refusal = self._verifier.refusal(
            request.headers.get(signature.SIGNATURE_HEADER), request.headers.get(signature.TIMESTAMP_HEADER), body
        )
        if refusal:
            return self._refused(403, refusal)
        try:
            batch = events.parse(body, self._settings.installation_id, self._settings.environment)
        except events.MalformedError as error:
            log.warning("a signed webhook body is malformed: %s", error)
            return self._refused(400, "malformed")
        try:
            new = await run_in_threadpool(self.store.add_events, batch.rows)
        except TransientError as error:
            log.error("events not stored, the provider will repeat them: %s", error)
            return self._refused(503, "database", TRY_AGAIN)
        self.metrics.count_batch(batch, new)
        return PlainTextResponse("")

    async def healthz(self, request: Request) -> Response:
        """200 while events and unsubscriptions can be stored."""
        try:
            await run_in_threadpool(self.store.check)
        except TransientError:
            return PlainTextResponse("the database is away\n", 503)
        return PlainTextResponse("ok\n")

    async def read_metrics(self, request: Request) -> Response:
        return self.metrics.response()

    def _refused(self, status: int, reason: str, headers: dict[str, str] | None = None) -> Response:
        self.metrics.refused.labels(reason).inc()
        return PlainTextResponse("", status, headers)

    def routes(self) -> list[Route]:
        return [
            Route("/sendgrid/events", self.sendgrid_events, methods=["POST"]),
            Route("/u/{token}", self.pages.show, methods=["GET"]),
            Route("/u/{token}", self.pages.submit, methods=["POST"]),
            Route("/healthz", self.healthz, methods=["GET"]),
            Route("/metrics", self.read_metrics, methods=["GET"]),
        ]


def create_app(settings: Settings, clock: Clock) -> Starlette:
    """The gateway. Raises PermanentError when a webhook key cannot be read. `clock` dates unsubscriptions; signatures
    are judged by the real time."""
    gateway = Gateway(settings, clock)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        if not settings.sendgrid_webhook_public_keys:
            log.warning("RAPPORT_SENDGRID_WEBHOOK_PUBLIC_KEYS is not set: every event will be refused")
        yield
        gateway.store.close()

    app = Starlette(routes=gateway.routes(), lifespan=lifespan)
    app.add_middleware(SecurityHeaders)
    return app
