"""The ASGI application and its routes."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from rapport.clock import Clock
from rapport.errors import TransientError
from rapport.gateway.headers import SecurityHeaders
from rapport.gateway.metrics import Metrics
from rapport.gateway.opt_in import Asking, Confirming
from rapport.gateway.pages import Pages
from rapport.gateway.preferences import Preferences
from rapport.gateway.store import Store
from rapport.gateway.surveys import Answering
from rapport.gateway.tracking import Tracking
from rapport.gateway.unsubscribe import Unsubscribe
from rapport.gateway.webhook import Webhook
from rapport.settings import Settings

log = logging.getLogger(__name__)
PAGE = ["GET", "POST"]


def create_app(settings: Settings, clock: Clock) -> Starlette:
    """The gateway. Raises PermanentError when a webhook key cannot be read. `clock` dates what people decide;
    signatures are judged by the real time."""
    store, metrics, pages = Store(settings), Metrics(settings), Pages(settings)
    common = (settings, clock, store, metrics, pages)

    async def healthz(request: Request) -> Response:
        """200 while events and unsubscriptions can be stored."""
        try:
            await run_in_threadpool(store.check)
        except TransientError:
            return PlainTextResponse("the database is away\n", 503)
        return PlainTextResponse("ok\n")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        if not settings.sendgrid_webhook_public_keys:
            log.warning("RAPPORT_SENDGRID_WEBHOOK_PUBLIC_KEYS is not set: every event will be refused")
        yield
        store.close()

    # Whatever a mail program or a person made of a link, slashes included, gets the page that helps.
    routes: list[BaseRoute] = [
        Route("/sendgrid/events", Webhook(settings, store, metrics).handle, methods=["POST"]),
        Route("/u/{token:path}", Unsubscribe(*common).handle, methods=PAGE),
        Route("/p/{token:path}", Preferences(*common).handle, methods=PAGE),
        Route("/c/{token:path}", Confirming(*common).handle, methods=PAGE),
        Route("/s/{survey}/{token:path}", Answering(*common).handle, methods=PAGE),
        Route("/opt-in", Asking(*common).handle, methods=["POST"]),
        Route("/healthz", healthz, methods=["GET"]),
        Route("/metrics", metrics.handle, methods=["GET"]),
    ]
    if settings.web_write_keys:
        routes.append(Tracking(settings, clock, store, metrics).mount())
    app = Starlette(routes=routes, lifespan=lifespan)
    app.add_middleware(SecurityHeaders)
    return app
