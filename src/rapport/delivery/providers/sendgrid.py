"""SendGrid over a thin client of ours: explicit timeouts, no redirects, no proxy from the environment, no retry."""

import hashlib
import math
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import aiohttp

from rapport.delivery.limits import Limits
from rapport.delivery.providers import Message, Outcome, TooLate
from rapport.delivery.providers.hold import Hold
from rapport.delivery.providers.sendgrid_answer import outcome_of
from rapport.delivery.providers.sendgrid_body import Account, body, requests
from rapport.errors import DataError, RapportError
from rapport.settings import Settings

PATH = "/v3/mail/send"
# The provider takes 1,000 personalizations; a lost answer makes all rows of its request doubtful, so far fewer.
MAX_BATCH = 50
REFUSED_WAIT_SECONDS = 5.0
# Shorter than what servers grant an idle connection: writing into one that is just being closed leaves a doubt.
KEEP_ALIVE_SECONDS = 4.0


class _SomeTooLate(RapportError):
    """These rows (by position) must not leave any more. Nothing was written."""

    def __init__(self, reasons: Mapping[int, str]) -> None:
        super().__init__("some mails of a request must not leave any more")
        self.reasons = reasons


class _Guard:
    """Stands between an open connection and the first byte."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._messages = messages
        self.passed = False

    def go(self) -> None:
        reasons = {}
        for at, message in enumerate(self._messages):
            try:
                message.go()
            except TooLate as late:
                reasons[at] = str(late)
        if reasons:
            raise _SomeTooLate(reasons)
        self.passed = True


_GUARD: ContextVar[_Guard] = ContextVar("sendgrid_guard")


class _GuardedRequest(aiohttp.ClientRequest):
    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        _GUARD.get().go()
        return await super().send(conn)


class SendGrid:
    """One account. Made by `sendgrid`, which owns the connections."""

    max_batch = MAX_BATCH

    def __init__(self, http: aiohttp.ClientSession, url: str, account: Account) -> None:
        self._http, self._url, self._account = http, url.rstrip("/") + PATH, account
        self._hold = Hold()

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """See Provider. Messages that must not share a request are sent by one more."""
        outcomes: dict[int, Outcome] = {}
        for positions in requests(messages):
            told = await self._deliver([messages[at] for at in positions])
            outcomes |= dict(zip(positions, told, strict=True))
        return [outcomes[at] for at in range(len(messages))]

    async def _deliver(self, messages: Sequence[Message]) -> list[Outcome]:
        """One request. Only what was certainly refused as a whole is asked again in halves, each row guarded anew;
        the bad rows are found after about 2 log2(n) requests each."""
        held = await self._hold.over()
        if held is not None:
            return [held] * len(messages)
        try:
            outcome = await self._ask(messages)
        except _SomeTooLate as late:
            return await self._without(messages, late.reasons)
        self._hold.obey(outcome)
        # Sandbox mode's 200 is no refusal: every row of it was found good.
        if len(messages) > 1 and outcome.kind == "rejected" and outcome.status != 200:
            middle = len(messages) // 2
            return [*await self._deliver(messages[:middle]), *await self._deliver(messages[middle:])]
        return [outcome] * len(messages)

    async def _without(self, messages: Sequence[Message], late: Mapping[int, str]) -> list[Outcome]:
        others = [message for at, message in enumerate(messages) if at not in late]
        told = iter(await self._deliver(others) if others else ())
        return [
            Outcome("not_sent", f"not sent: {late[at]}") if at in late else next(told) for at in range(len(messages))
        ]

    async def _ask(self, messages: Sequence[Message]) -> Outcome:
        try:
            payload = body(messages, self._account)
        except DataError as error:
            return Outcome("rejected", f"cannot be encoded: {error}")
        digest = hashlib.sha256(payload).hexdigest()
        guard = _Guard(messages)
        token = _GUARD.set(guard)
        try:
            answer = await self._http.post(self._url, data=payload, allow_redirects=False)
            try:
                return await outcome_of(answer, digest, sandbox_mode=self._account.sandbox_mode)
            finally:
                answer.release()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            what = type(error).__name__
            if guard.passed:
                return Outcome("unknown", f"no answer: {what}", payload_sha256=digest)
            return Outcome("not_sent", f"not sent: no connection ({what})", wait_seconds=REFUSED_WAIT_SECONDS)
        finally:
            _GUARD.reset(token)


def _sockets(limits: Limits) -> Callable[[Any], socket.socket]:
    """Sockets whose unsent bytes die with our patience: the kernel would go on delivering a request that we gave up."""
    patience = int(1000 * (limits.connect_seconds + limits.read_seconds))

    def make(address: Any) -> socket.socket:
        family, kind, protocol, *_ = address
        made = socket.socket(family, kind, protocol)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience)
        return made

    return make


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
        connector=aiohttp.TCPConnector(
            limit=concurrency, keepalive_timeout=KEEP_ALIVE_SECONDS, socket_factory=_sockets(limits)
        ),
        timeout=timeout,
        headers=headers,
        request_class=_GuardedRequest,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    ) as http:
        yield SendGrid(http, settings.require("sendgrid_url"), Account.of(settings))
