"""SendGrid over a thin client of ours: explicit timeouts, no redirects, no proxy from the environment, no retry."""

import asyncio
import hashlib
import json
import math
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

from rapport.delivery.limits import Limits
from rapport.delivery.providers import Message, Outcome, TooLate
from rapport.delivery.providers.sendgrid_body import body
from rapport.settings import Settings

PATH = "/v3/mail/send"
DEFAULT_WAIT_SECONDS = 1.0
REFUSED_WAIT_SECONDS = 5.0
MAX_WAIT_SECONDS = 3600.0
# Shorter than what servers grant an idle connection: writing into one that is just being closed leaves a doubt.
KEEP_ALIVE_SECONDS = 4.0
ANSWER_BYTES = 4096


class _Guard:
    """Stands between an open connection and the first byte."""

    def __init__(self, message: Message) -> None:
        self._message = message
        self.passed = False

    def go(self) -> None:
        self._message.go()
        self.passed = True


_GUARD: ContextVar[_Guard] = ContextVar("sendgrid_guard")


class _GuardedRequest(aiohttp.ClientRequest):
    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        _GUARD.get().go()
        return await super().send(conn)


class SendGrid:
    """One account. Made by `sendgrid`, which owns the connections."""

    max_batch = 1

    def __init__(self, http: aiohttp.ClientSession, url: str, unsubscribe_group: int | None) -> None:
        self._http, self._url, self._group = http, url.rstrip("/") + PATH, unsubscribe_group

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        return [await self._send(message) for message in messages]

    async def _send(self, message: Message) -> Outcome:
        try:
            payload = body(message, self._group)
        except (TypeError, ValueError):
            return Outcome("rejected", "cannot be encoded: a text holds half a character")
        digest = hashlib.sha256(payload).hexdigest()
        guard = _Guard(message)
        token = _GUARD.set(guard)
        try:
            async with self._http.post(self._url, data=payload, allow_redirects=False) as answer:
                return await _read(answer, digest)
        except TooLate as late:
            return Outcome("not_sent", f"not sent: {late}")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            what = type(error).__name__
            if guard.passed:
                return Outcome("unknown", f"no answer: {what}", payload_sha256=digest)
            return Outcome("not_sent", f"not sent: no connection ({what})", wait_seconds=REFUSED_WAIT_SECONDS)
        finally:
            _GUARD.reset(token)


@asynccontextmanager
async def sendgrid(settings: Settings, limits: Limits, concurrency: int) -> AsyncIterator[SendGrid]:
    """The provider with its pool of connections. Raises PermanentError when the key is not set."""
    headers = {"Authorization": f"Bearer {settings.require('sendgrid_api_key')}", "Content-Type": "application/json"}
    timeout = aiohttp.ClientTimeout(
        total=limits.connect_seconds + limits.read_seconds,
        connect=limits.connect_seconds,
        sock_connect=limits.connect_seconds,
        sock_read=limits.read_seconds,
        ceil_threshold=math.inf,
    )
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=concurrency, keepalive_timeout=KEEP_ALIVE_SECONDS),
        timeout=timeout,
        headers=headers,
        request_class=_GuardedRequest,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    ) as http:
        yield SendGrid(http, settings.require("sendgrid_url"), settings.sendgrid_unsubscribe_group)


async def _read(answer: aiohttp.ClientResponse, digest: str) -> Outcome:
    status, headers = answer.status, answer.headers
    if status == 202:
        # The status line is the promise; whatever may still follow cannot take it back.
        return Outcome("accepted", "", status, headers.get("X-Message-Id"), payload_sha256=digest)
    if status == 429:
        return Outcome("not_sent", "not sent: rate limited (429)", status, wait_seconds=asked_wait(headers))
    if status == 408:
        return Outcome("not_sent", "not sent: the request did not arrive whole (408)", status)
    if status in (401, 403, 404):
        return Outcome("not_sent", f"not sent: the account or its address is wrong ({status})", status, halt=True)
    if 400 <= status < 500:
        fields = await _refused_fields(answer)
        return Outcome("rejected", f"refused with {status}{fields}", status, payload_sha256=digest)
    return Outcome("unknown", f"answered {status}", status, payload_sha256=digest)


def asked_wait(headers: Mapping[str, str], now: float | None = None) -> float:
    """Seconds to wait by `Retry-After` (seconds or a date) or `X-RateLimit-Reset` (epoch seconds), at most an hour."""
    now = time.time() if now is None else now
    after, reset = headers.get("Retry-After", "").strip(), headers.get("X-RateLimit-Reset", "").strip()
    seconds = DEFAULT_WAIT_SECONDS
    if after.isascii() and after.isdigit():
        seconds = float(after)
    elif after:
        with suppress(TypeError, ValueError):
            seconds = parsedate_to_datetime(after).timestamp() - now
    elif reset.isascii() and reset.isdigit():
        seconds = float(reset) - now
    return min(max(seconds, DEFAULT_WAIT_SECONDS), MAX_WAIT_SECONDS)


async def _refused_fields(answer: aiohttp.ClientResponse) -> str:
    """Names of the fields refused: the messages beside them may quote an address, so they are not kept."""
    try:
        async with asyncio.timeout(1):
            raw = await answer.content.read(ANSWER_BYTES)
        errors = json.loads(raw)["errors"]
        names = [str(entry["field"]) for entry in errors if entry.get("field")]
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""
    safe = [name for name in names if len(name) < 80 and "@" not in name and name.isprintable()]
    return f": {', '.join(safe[:5])}" if safe else ""
