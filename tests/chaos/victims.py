"""Processes that are struck at a named point: the product's own code, wrapped from outside around one call."""

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

from rapport.clock import SystemClock
from rapport.delivery import dispatch, reconcile_once, run_dispatcher
from rapport.delivery.providers import Message
from rapport.delivery.providers.sendgrid import SendGrid
from rapport.settings import Settings
from tests.chaos.times import Times

ACTIONS = ("SIGKILL", "pause", "exception", "Postgres")
CONCURRENCY = 4
Hit = Callable[[], None]
Transport = asyncio.selector_events._SelectorSocketTransport  # type: ignore[attr-defined]


class Struck(Exception):
    """A bug that nobody foresaw."""


@dataclass
class Failpoint:
    """Strikes once, at the `nth` time the point is reached. The supervisor is told, and says when to go on: with
    `Postgres` it has crashed the server by then."""

    action: str
    wire: Connection
    nth: int = 1
    error: type[Exception] = Struck

    def hit(self) -> None:
        self.nth -= 1
        if self.nth:
            return
        self.wire.send("hit")
        self.wire.recv()
        if self.action == "SIGKILL":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.action == "pause":
            os.kill(os.getpid(), signal.SIGSTOP)
        if self.action == "exception":
            raise self.error("struck")


def dispatch_until_struck(settings: Settings, times: Times, point: str, failpoint: Failpoint) -> None:
    """A dispatcher with one failpoint, until nothing is due."""
    POINTS[point](failpoint.hit)
    run_dispatcher(settings, SystemClock(), until_idle=True, limits=times.limits, concurrency=CONCURRENCY)


def before_claim(hit: Hit) -> None:
    _around_claim(before=hit)


def after_claim(hit: Hit) -> None:
    _around_claim(after=hit)


def before_settle(hit: Hit) -> None:
    _around_settle(before=hit)


def after_settle(hit: Hit) -> None:
    _around_settle(after=hit)


def before_request(hit: Hit) -> None:
    _around_send(before=hit)


def after_answer(hit: Hit) -> None:
    _around_send(after=hit)


def before_first_byte(hit: Hit) -> None:
    """The connection stands, and the last check has passed."""
    real = SendGrid.send

    async def send(self: SendGrid, messages: Sequence[Message]) -> Any:
        return await real(self, [replace(message, go=_both(message.go, hit)) for message in messages])

    SendGrid.send = send  # type: ignore[method-assign]


def half_written(hit: Hit) -> None:
    """Half of the request has been handed to the network."""
    real = Transport.write

    def write(self: Any, data: Any) -> None:
        if b"POST /v3/mail/send" not in bytes(data[:100]):
            real(self, data)
            return
        middle = len(data) // 2
        real(self, data[:middle])
        hit()
        real(self, data[middle:])

    Transport.write = write
    Transport.writelines = lambda self, parts: write(self, b"".join(parts))


POINTS: dict[str, Callable[[Hit], None]] = {
    one.__name__: one
    for one in (
        before_claim,
        after_claim,
        before_request,
        before_first_byte,
        half_written,
        after_answer,
        before_settle,
        after_settle,
    )
}


def _nothing() -> None:
    pass


def _both(first: Hit, second: Hit) -> Hit:
    def go() -> None:
        first()
        second()

    return go


def _around_claim(before: Hit = _nothing, after: Hit = _nothing) -> None:
    real = dispatch.claim_batch

    async def claim_batch(*arguments: Any, **named: Any) -> Any:
        before()
        claim = await real(*arguments, **named)
        if claim.rows:
            after()
        return claim

    dispatch.claim_batch = claim_batch


def _around_settle(before: Hit = _nothing, after: Hit = _nothing) -> None:
    real = dispatch.settle

    async def settle(*arguments: Any) -> Any:
        before()
        states = await real(*arguments)
        after()
        return states

    dispatch.settle = settle


def _around_send(before: Hit = _nothing, after: Hit = _nothing) -> None:
    real = SendGrid.send

    async def send(self: SendGrid, messages: Sequence[Message]) -> Any:
        before()
        outcomes = await real(self, messages)
        after()
        return outcomes

    SendGrid.send = send  # type: ignore[method-assign]


class Counter:
    """Kills its process at the k-th operation. After one is before the next: nobody outside can tell the difference."""

    def __init__(self, fatal: int) -> None:
        self._left = fatal

    def step(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def dispatch_until_operation(settings: Settings, times: Times, fatal: int) -> None:
    """A dispatcher that dies at its `fatal`-th database or HTTP operation."""
    _count_operations(Counter(fatal))
    run_dispatcher(settings, SystemClock(), until_idle=True, limits=times.limits, concurrency=1)


def reconcile_until_operation(settings: Settings, times: Times, fatal: int) -> None:
    """One pass of the reconciler that dies at its `fatal`-th operation."""
    times.shorten_gate()
    _count_operations(Counter(fatal))
    reconcile_once(settings, SystemClock(), limits=times.limits)


def _count_operations(counter: Counter) -> None:
    """Every round trip to Postgres; every request before and after it is written, and when it is answered."""
    import psycopg

    wait, write = psycopg.Connection.wait, Transport.write

    def counted_wait(self: Any, *arguments: Any, **named: Any) -> Any:
        counter.step()
        return wait(self, *arguments, **named)

    def counted_write(self: Any, data: Any) -> None:
        counter.step()
        write(self, data)
        counter.step()

    psycopg.Connection.wait = counted_wait  # type: ignore[method-assign]
    Transport.write = counted_write
    Transport.writelines = lambda self, parts: counted_write(self, b"".join(parts))
    _around_send(after=counter.step)
