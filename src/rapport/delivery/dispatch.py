"""The dispatcher: claim, render, one request a mail, settle. It never holds a transaction over HTTP."""

import asyncio
import logging
import time
from collections.abc import Callable
from uuid import UUID

from rapport.clock import Clock
from rapport.delivery import backoff
from rapport.delivery.claim import claim_batch, soonest_wait
from rapport.delivery.limits import Limits
from rapport.delivery.providers import Outcome, Provider, TooLate
from rapport.delivery.records import Claimed, DispatchReport, SendState, Settlement
from rapport.delivery.render import Renderer
from rapport.delivery.settle import pause_provider, return_batch, settle
from rapport.delivery.worker import Worker
from rapport.errors import DataError, PermanentError, TransientError
from rapport.keys import uuid7

log = logging.getLogger(__name__)

_STATES: dict[str, SendState] = {
    "accepted": "accepted",
    "not_sent": "pending",
    "rejected": "failed",
    "unknown": "unknown",
}
Finished = tuple[Settlement, Outcome | None]


class Dispatcher:
    """One run. Rows are claimed only when a request can start at once, so little time lies between intent and mail."""

    def __init__(
        self, worker: Worker, provider: Provider, renderer: Renderer, clock: Clock, limits: Limits, concurrency: int
    ) -> None:
        self._worker, self._provider, self._renderer = worker, provider, renderer
        self._clock, self._limits, self._concurrency = clock, limits, concurrency
        self._flying: set[asyncio.Task[Finished]] = set()
        self._results: list[Settlement] = []
        self._halted: str | None = None
        # A claim that was begun and whose rows nobody holds yet.
        self._batch_in_doubt: UUID | None = None
        self._next_claim = 0.0
        self._progress = time.monotonic()
        self.report = DispatchReport()

    async def run(self, seconds: float | None, until_idle: bool) -> None:
        """Until nothing is due (`until_idle`), or `seconds` real seconds are over, or for ever. Raises PermanentError
        when the account is refused, TransientError when Postgres stays away; results known by then are written."""
        end = time.monotonic() + seconds if seconds is not None else float("inf")
        try:
            while time.monotonic() < end and self._halted is None:
                drained = await self._round()
                if drained and not self._flying:
                    if until_idle and await self._idle():
                        break
                    await asyncio.sleep(min(self._limits.poll_seconds, max(0.0, end - time.monotonic())))
        finally:
            await self._land()
        if self._halted is not None:
            raise PermanentError(f"sending stopped, nothing is lost: {self._halted}. Check the provider's key and URL.")

    async def _round(self) -> bool:
        """One turn; whether a claim found nothing."""
        claimed: int | None = None
        free = self._concurrency - len(self._flying)
        if free >= max(1, self._concurrency // 4) and time.monotonic() >= self._next_claim:
            claimed = await self._claim(free)
            if claimed < free:
                self._next_claim = time.monotonic() + self._limits.poll_seconds
        if self._flying:
            await self._collect(self._limits.poll_seconds)
        elif claimed is None:
            await asyncio.sleep(max(0.0, self._next_claim - time.monotonic()))
        return claimed == 0

    async def _claim(self, free: int) -> int:
        """Claims and starts what it got; returns how many rows the claim moved."""
        self._batch_in_doubt = uuid7()
        started = time.monotonic()
        try:
            claim = await claim_batch(self._worker, self._limits, self._clock.now(), free, self._batch_in_doubt)
            await self._renderer.load(self._worker, {row.template_version for row in claim.rows})
        except TransientError as lost:
            await self._recover(lost)
            return 0
        self._batch_in_doubt = None
        self.report.suppressed += claim.suppressed
        self.report.expired += claim.expired
        deadline = started + self._limits.deadline_seconds
        self._flying |= {asyncio.create_task(self._deliver(row, deadline)) for row in claim.rows}
        count = len(claim.rows) + claim.suppressed + claim.expired
        if claim.suppressed or claim.expired:
            self._progress = time.monotonic()
        return count

    async def _deliver(self, row: Claimed, deadline: float) -> Finished:
        try:
            message = self._renderer.message(row, self._gate(row, deadline))
        except DataError as error:
            return self._settlement(row, "rejected", f"cannot be rendered: {error}"), None
        except Exception as error:
            # One poisoned row must not stop the others.
            log.exception("send %s cannot be rendered", row.send_id)
            return self._settlement(row, "rejected", f"cannot be rendered: {type(error).__name__}"), None
        try:
            outcome = await self._provider.send(message)
        except Exception as error:
            log.exception("the provider's client failed for send %s", row.send_id)
            outcome = Outcome("unknown", f"the provider's client failed: {type(error).__name__}")
        return self._settlement(row, outcome.kind, outcome.detail, outcome), outcome

    def _gate(self, row: Claimed, deadline: float) -> Callable[[], None]:
        def go() -> None:
            if time.monotonic() > deadline:
                raise TooLate("the send deadline was over once the connection stood")
            if self._clock.now() >= row.expires_at:
                raise TooLate("it expired before the connection stood")

        return go

    def _settlement(self, row: Claimed, kind: str, detail: str, outcome: Outcome | None = None) -> Settlement:
        wait = outcome.wait_seconds if outcome else 0.0
        return Settlement(
            send_id=row.send_id,
            fence=row.fence,
            outcome=kind,  # type: ignore[arg-type]
            state=_STATES[kind],
            detail=detail,
            finished_at=self._clock.now(),
            http_status=outcome.status if outcome else None,
            message_id=outcome.message_id if outcome else None,
            wait_seconds=backoff.seconds(row.attempt_no, wait) if kind == "not_sent" else 0.0,
            payload_sha256=outcome.payload_sha256 if outcome else None,
        )

    async def _collect(self, timeout: float | None) -> None:
        """Takes in what has finished and writes it back."""
        done, self._flying = await asyncio.wait(self._flying, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        pause = 0.0
        because = ""
        for task in done:
            result, outcome = task.result()
            self._results.append(result)
            if outcome is not None and outcome.halt:
                self._halted = outcome.detail
            if outcome is not None and outcome.wait_seconds > pause:
                pause, because = outcome.wait_seconds, outcome.detail
            if result.outcome != "not_sent":
                self._progress = time.monotonic()
        try:
            if pause:
                await pause_provider(self._worker, pause, because)
            await self._settle()
        except TransientError as lost:
            await self._recover(lost)

    async def _settle(self) -> None:
        if not self._results:
            return
        states = await settle(self._worker, self._results)
        self.report.accepted += states["accepted"]
        self.report.failed += states["failed"]
        self.report.unknown += states["unknown"]
        self.report.retried += states["pending"]
        self.report.late += len(self._results) - states.total()
        self._results = []

    async def _recover(self, lost: TransientError) -> None:
        """Our lock went with the session, so nothing new may be claimed until a new one stands. Results are kept:
        their fences decide whether they still count."""
        log.warning("%s; opening a new session", lost)
        for attempt in range(1, backoff.RECONNECTS + 1):
            try:
                await self._worker.reopen()
                await self._return_claimed()
                await self._settle()
                return
            except TransientError as error:
                if attempt == backoff.RECONNECTS:
                    raise TransientError(f"Postgres stays away: {error}") from error
                await asyncio.sleep(backoff.reconnect_seconds(attempt))

    async def _return_claimed(self) -> None:
        if self._batch_in_doubt is not None:
            self.report.retried += await return_batch(self._worker, self._batch_in_doubt)
            self._batch_in_doubt = None

    async def _idle(self) -> bool:
        """Whether a run that ends when idle may end: nothing due is left, or what is left waits too long."""
        wait = await self._soonest()
        return wait is None or time.monotonic() - self._progress > self._limits.patience_seconds

    async def _soonest(self) -> float | None:
        try:
            return await soonest_wait(self._worker, self._clock.now())
        except TransientError as lost:
            await self._recover(lost)
            return 0.0

    async def _land(self) -> None:
        """No request is abandoned: each has its own timeout, and its result is worth waiting for."""
        while self._flying:
            await self._collect(None)
        try:
            await self._return_claimed()
            await self._settle()
        except TransientError as lost:
            await self._recover(lost)
