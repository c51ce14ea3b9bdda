"""The simulated provider as a web application: `mail/send`, suppressions, and switches under `/_sandbox`."""

import asyncio
import hmac
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from rapport.clock import Clock
from rapport.sandbox.mail.activity import Activity
from rapport.sandbox.mail.envelopes import accept
from rapport.sandbox.mail.faults import Fault, Faults
from rapport.sandbox.mail.fields import error
from rapport.sandbox.mail.ledger import Ledger
from rapport.sandbox.mail.limits import RateLimit
from rapport.sandbox.mail.options import EVENT_FAULTS, MailOptions
from rapport.sandbox.mail.suppression import Suppressions, errors
from rapport.sandbox.mail.validate import MAX_BYTES, refusals
from rapport.sandbox.mail.webhook import WebhookSender

Handler = Callable[[Request], Awaitable[Response]]


class DroppedConnection(Response):
    """Closes the connection without a byte of answer, as a proxy that dies does."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        drop = scope.get("sandbox.drop")
        if drop is None:
            raise ConnectionResetError("the sandbox dropped this connection")
        await drop()


class Droppable:
    """Outermost layer: gives handlers a way to cut the client's connection, which ASGI does not offer."""

    def __init__(self, inner: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = getattr(getattr(send, "__self__", None), "transport", None)
        if scope["type"] == "http" and transport is not None:

            async def drop() -> None:
                transport.abort()
                # uvicorn learns of the loss on the loop's next turn; returning earlier would log a protocol error.
                await asyncio.sleep(0.05)

            scope["sandbox.drop"] = drop
        await self._inner(scope, receive, send)


class Provider:
    """The handlers of one account."""

    def __init__(
        self, directory: Path, clock: Clock, faults: Faults | None = None, options: MailOptions | None = None
    ) -> None:
        self.options = options or MailOptions()
        self.clock, self.faults = clock, faults or Faults(seed=self.options.seed)
        self.ledger = Ledger(directory)
        self.limit = RateLimit(self.options.requests_per_window, self.options.window_seconds)
        self.webhook = WebhookSender(directory, self.ledger, clock, self.options)
        self.suppressions = Suppressions(self.ledger, clock)

    def guarded(self, handler: Handler) -> Handler:
        """The handler behind the bearer key."""

        async def checked(request: Request) -> Response:
            given = request.headers.get("authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {self.ledger.api_key}".encode()):
                return errors(401, error("The provided authorization grant is invalid, expired, or revoked"))
            return await handler(request)

        return checked

    async def send(self, request: Request) -> Response:
        fault = self.faults.next()
        if fault:
            self.ledger.count_fault(fault.kind)
            if fault.kind == "half_read":
                return DroppedConnection()
        body, refusal = await self._body(request)
        if refusal:
            return refusal
        fits, headers = self.limit.take()
        if not fits:
            return self._too_many()
        groups = frozenset(row["id"] for row in self.ledger.rows("groups"))
        found = refusals(body, self.clock.now().timestamp(), groups)
        if found:
            return errors(400, *found, headers=headers)
        if ((body.get("mail_settings") or {}).get("sandbox_mode") or {}).get("enable"):
            return Response(status_code=200, headers=headers)
        if fault:
            return await self._faulty(fault, body, headers)
        return self._accepted(body, headers)

    async def _body(self, request: Request) -> tuple[Any, Response | None]:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            return None, errors(415, error("Content-Type should be application/json."))
        received = bytearray()
        async for chunk in request.stream():
            received += chunk
            if len(received) > MAX_BYTES:
                return None, errors(413, error("The payload is larger than 30 MB."))
        try:
            return json.loads(bytes(received)), None
        except ValueError:
            return None, errors(400, error("Bad Request"))

    def _accepted(self, body: dict[str, Any], headers: dict[str, str]) -> Response:
        message_id = accept(self.ledger, self.options, body, self.clock.now().timestamp(), time.time())
        return Response(status_code=202, headers=headers | {"X-Message-Id": message_id})

    def _too_many(self) -> Response:
        return errors(429, error("too many requests"), headers=self.limit.refusal_headers())

    async def _faulty(self, fault: Fault, body: dict[str, Any], headers: dict[str, str]) -> Response:
        if fault.kind == "rate_limited":
            return self._too_many()
        if fault.kind in ("hang", "accept_late"):
            await asyncio.sleep(fault.seconds)
        if fault.kind in ("error_after", "drop_after", "hang_after", "accept_late"):
            answer = self._accepted(body, headers)
            if fault.kind == "accept_late":
                return answer
            if fault.kind == "hang_after":
                await asyncio.sleep(fault.seconds)
        if fault.kind in ("error_before", "error_after"):
            return errors(500, error("Internal Server Error"))
        return DroppedConnection()

    async def scopes(self, request: Request) -> Response:
        return JSONResponse({"scopes": ["mail.send", "asm.groups.read", "suppression.read"]})

    async def read_faults(self, request: Request) -> Response:
        return JSONResponse(self._fault_state())

    async def set_faults(self, request: Request) -> Response:
        """Body: `faults` of requests and/or `events`, the shares and lags of `MailOptions`."""
        try:
            body = dict(await request.json())
            requests = [Fault(**one) for one in body["faults"]] if "faults" in body else None
            options = self.options.with_event_faults(body.get("events") or {})
        except (ValueError, TypeError) as problem:
            expected = 'expected {"faults": [{"kind", "count" | "rate"}], "events": {"lost_share": 0.1}}'
            return JSONResponse({"error": f"{expected}: {problem}"}, status_code=400)
        if requests is not None:
            self.faults.replace(requests, body.get("seed"))
        self.options = self.webhook.options = options
        return JSONResponse(self._fault_state())

    def _fault_state(self) -> dict[str, Any]:
        events = {name: getattr(self.options, name) for name in EVENT_FAULTS}
        return self.faults.state() | {"injected": self.ledger.fault_counts(), "events_faulty": events}

    async def set_webhook(self, request: Request) -> Response:
        """Body: `url` and/or `paused`; `resend` posts lost and abandoned events after all."""
        try:
            body = dict(await request.json())
        except (ValueError, TypeError):
            return JSONResponse({"error": 'expected {"url": "http...", "paused": false}'}, status_code=400)
        url = body.get("url")
        if url is not None:
            if not str(url).startswith(("http://", "https://")):
                return JSONResponse({"error": "url must start with http:// or https://"}, status_code=400)
            self.ledger.set_setting("webhook_url", str(url))
        if "paused" in body:
            self.webhook.paused = bool(body["paused"])
        if body.get("resend"):
            self.ledger.run("resend_abandoned")
        return JSONResponse({"url": self.webhook.url, "paused": self.webhook.paused, "waiting": self._waiting()})

    async def set_limit(self, request: Request) -> Response:
        """Body: `requests` per window of `seconds`."""
        try:
            body = await request.json()
            requests, seconds = int(body["requests"]), float(body["seconds"])
        except (ValueError, TypeError, KeyError):
            return JSONResponse({"error": 'expected {"requests": 100, "seconds": 1}'}, status_code=400)
        if requests < 0 or seconds <= 0:
            return JSONResponse({"error": "requests is not negative and seconds is positive"}, status_code=400)
        self.limit.set(requests, seconds)
        return JSONResponse(self.limit.headers())

    async def state(self, request: Request) -> Response:
        """Counts for harnesses and the demo's live view; no personal data."""
        accepted = self.ledger.rows("accepted_count", search="")[0]["n"]
        counts = {"accepted": accepted, "events": self.ledger.event_counts(), "waiting": self._waiting()}
        return JSONResponse(counts | self._fault_state())

    def _waiting(self) -> int:
        return int(self.ledger.rows("events_waiting")[0]["n"])

    def routes(self) -> list[Route]:
        return [
            Route("/v3/mail/send", self.guarded(self.send), methods=["POST"]),
            Route("/v3/scopes", self.guarded(self.scopes), methods=["GET"]),
            *self.suppressions.routes(self.guarded),
            Route("/v3/messages", self.guarded(Activity(self.ledger).messages), methods=["GET"]),
            Route("/_sandbox/faults", self.read_faults, methods=["GET"]),
            Route("/_sandbox/faults", self.set_faults, methods=["POST"]),
            Route("/_sandbox/webhook", self.set_webhook, methods=["POST"]),
            Route("/_sandbox/limit", self.set_limit, methods=["POST"]),
            Route("/_sandbox/state", self.state, methods=["GET"]),
        ]


def app(
    directory: Path, clock: Clock, faults: Faults | None = None, options: MailOptions | None = None
) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """The provider over `<directory>/mail.db`. While it runs, due events are posted to the webhook URL."""
    provider = Provider(directory, clock, faults, options)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        posting = asyncio.create_task(provider.webhook.run())
        try:
            yield
        finally:
            posting.cancel()
            with suppress(asyncio.CancelledError):
                await posting
            provider.ledger.close()

    return Droppable(Starlette(routes=provider.routes(), lifespan=lifespan))
