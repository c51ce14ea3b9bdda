"""Sending: every planned message once, or the reason why not. See docs/delivery.md for the protocol."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from rapport.clock import Clock
from rapport.delivery.dispatch import Dispatcher
from rapport.delivery.limits import Limits
from rapport.delivery.providers import Provider
from rapport.delivery.providers.sendgrid import sendgrid
from rapport.delivery.providers.smtp import smtp
from rapport.delivery.reconcile import reconcile_once
from rapport.delivery.records import DispatchReport, ReconcileReport
from rapport.delivery.render import Renderer
from rapport.delivery.worker import Worker
from rapport.settings import Settings

__all__ = ["DispatchReport", "Limits", "ReconcileReport", "reconcile_once", "run_dispatcher"]

log = logging.getLogger(__name__)

CONCURRENCY = 32
PROVIDERS: dict[str, Callable[[Settings, Limits, int], AbstractAsyncContextManager[Provider]]] = {
    "sendgrid": sendgrid,
    "smtp": smtp,
}


def run_dispatcher(
    settings: Settings,
    clock: Clock,
    *,
    seconds: float | None = None,
    until_idle: bool = False,
    concurrency: int = CONCURRENCY,
    limits: Limits | None = None,
) -> DispatchReport:
    """Sends what is due until nothing is (`until_idle`) or `seconds` real seconds are over, with at most `concurrency`
    requests at a time. Any number of dispatchers may run beside each other.

    Raises PermanentError when a setting or the provider's account is wrong, TransientError when Postgres stays away;
    in both cases nothing is lost: another run goes on.
    """
    return asyncio.run(_run(settings, clock, seconds, until_idle, concurrency, limits or Limits()))


async def _run(
    settings: Settings, clock: Clock, seconds: float | None, until_idle: bool, concurrency: int, limits: Limits
) -> DispatchReport:
    limits.check()
    renderer = Renderer(settings)
    chosen = PROVIDERS[settings.mail_provider]
    async with chosen(settings, limits, concurrency) as provider, Worker(settings) as worker:
        dispatcher = Dispatcher(settings, worker, provider, renderer, clock, limits, concurrency)
        try:
            await dispatcher.run(seconds, until_idle)
        finally:
            log.info("%s", dispatcher.report, extra={"epoch": worker.epoch, **vars(dispatcher.report)})
        return dispatcher.report
