"""The dispatcher: claims, sends and settles side by side. It never holds a transaction over HTTP."""

import asyncio
import logging
import time
from collections import deque
from contextlib import suppress
from uuid import UUID
from zoneinfo import ZoneInfo

from rapport.clock import Clock, elapsed_seconds
from rapport.delivery import backoff
from rapport.delivery.claim import claim_batch, open_lanes, soonest_wait
from rapport.delivery.flight import Finished, Flight
from rapport.delivery.limits import Limits
from rapport.delivery.providers import Provider
from rapport.delivery.records import Claim, Claimed, DispatchReport, Settlement
from rapport.delivery.render import Renderer, together
from rapport.delivery.settle import pause_provider, return_batch, settle
from rapport.delivery.stops import Stops
from rapport.delivery.worker import Worker
from rapport.errors import PermanentError, TransientError
from rapport.keys import uuid7
from rapport.settings import Settings

log = logging.getLogger(__name__)

# Results wait this long for company, so that one statement settles many; they are what a crash leaves in doubt.
SETTLE_SECONDS = 0.05
SETTLE_ROWS = 200
# A claim takes what the last second's pace will send in about half a second, within these bounds: enough to keep every
# connection busy while the database works, little enough that a mail leaves soon after its intent.
CLAIM_MOST = 500
CLAIM_AHEAD_SECONDS = 0.5


class Dispatcher:
    """One run over one session."""

    def __init__(
        self,
        settings: Settings,
        worker: Worker,
        provider: Provider,
        renderer: Renderer,
        clock: Clock,
        limits: Limits,
        concurrency: int,
    ) -> None:
        self._worker, self._provider, self._renderer = worker, provider, renderer
        self._clock, self._limits, self._concurrency = clock, limits, concurrency
        self._zone = ZoneInfo(settings.shop_time_zone)
        self._stops = Stops(settings, worker, clock)
        self._flight = Flight(provider, renderer, self._stops, clock)
        self._slots = asyncio.Semaphore(concurrency)
        self._flying: set[asyncio.Task[list[Finished]]] = set()
        self._waiting = 0
        self._results: list[Settlement] = []
        self._oldest_result = 0.0
        self._halted: str | None = None
        # A claim that was begun and whose rows nobody holds yet.
        self._batch_in_doubt: UUID | None = None
        self._epoch_in_doubt = 0
        self._next_claim = 0.0
        self._progress = time.monotonic()
        self._pace: deque[tuple[float, int]] = deque()
        self.report = DispatchReport()

    async def run(self, seconds: float | None, until_idle: bool) -> None:
        """Until nothing is due (`until_idle`), or `seconds` real seconds are over, or for ever. Raises PermanentError
        when preflight is red or the account is refused, TransientError when Postgres stays away; results known by then
        are written."""
        end = time.monotonic() + seconds if seconds is not None else float("inf")
        await self._stops.read_preflight()
        await self._stops.read()
        watching = asyncio.create_task(self._stops.watch())
        try:
            while time.monotonic() < end and self._halted is None:
                drained = await self._round()
                if drained and not self._flying and not self._results:
                    if until_idle and await self._idle():
                        break
                    await asyncio.sleep(min(self._limits.poll_seconds, max(0.0, end - time.monotonic())))
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            await self._land()
        if self._halted is not None:
            raise PermanentError(f"sending stopped, nothing is lost: {self._halted}. Check the provider's key and URL.")

    async def _round(self) -> bool:
        """One turn; whether a claim found nothing."""
        claimed: int | None = None
        want = self._want()
        if self._waiting <= want // 2 and time.monotonic() >= self._next_claim:
            claimed = await self._claim(want)
            if claimed < want:
                self._next_claim = time.monotonic() + self._limits.poll_seconds
        if self._flying:
            await self._collect(SETTLE_SECONDS)
        elif claimed is None and not self._results:
            await asyncio.sleep(max(0.0, self._next_claim - time.monotonic()))
        await self._settle_when_ripe()
        return claimed == 0

    def _want(self) -> int:
        horizon = time.monotonic() - 1.0
        while self._pace and self._pace[0][0] < horizon:
            self._pace.popleft()
        ahead = sum(count for _, count in self._pace) * CLAIM_AHEAD_SECONDS
        return max(self._concurrency, min(int(ahead), CLAIM_MOST))

    async def _claim(self, want: int) -> int:
        """Claims from the most urgent lanes and starts what it got; returns how many rows the claims moved."""
        moved = 0
        try:
            for lane in await open_lanes(self._worker, self._clock.now()):
                self._batch_in_doubt, self._epoch_in_doubt = uuid7(), self._worker.epoch
                started = elapsed_seconds()
                now = self._clock.now()
                claim = await claim_batch(
                    self._worker,
                    self._limits,
                    lane,
                    now,
                    want - moved,
                    self._batch_in_doubt,
                    today=now.astimezone(self._zone).date(),
                    sending_domain=self._renderer.sending_domain,
                )
                await self._renderer.load(self._worker, {row.template_version for row in claim.rows})
                self._batch_in_doubt = None
                self._start(claim, started + self._limits.deadline_seconds)
                moved += claim.moved
                if moved >= want:
                    break
        except TransientError as lost:
            await self._recover(lost)
        return moved

    def _start(self, claim: Claim, deadline: float) -> None:
        self.report.suppressed += claim.suppressed
        self.report.expired += claim.expired
        self.report.held += claim.held
        if claim.moved > len(claim.rows):
            self._progress = time.monotonic()
        self._waiting += len(claim.rows)
        for rows in together(claim.rows, self._provider.max_batch):
            self._flying.add(asyncio.create_task(self._fly(rows, deadline)))

    async def _fly(self, rows: list[Claimed], deadline: float) -> list[Finished]:
        async with self._slots:
            self._waiting -= len(rows)
            return await self._flight.send(rows, deadline)

    async def _collect(self, timeout: float | None) -> None:
        """Takes in what has finished."""
        done, self._flying = await asyncio.wait(self._flying, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finished = [one for task in done for one in task.result()]
        if not finished:
            return
        now = time.monotonic()
        if not self._results:
            self._oldest_result = now
        self._pace.append((now, len(finished)))
        self._results += [result for result, _ in finished]
        if any(result.outcome != "not_sent" for result, _ in finished):
            self._progress = now
        outcomes = [outcome for _, outcome in finished]
        self._halted = self._halted or next((one.detail for one in outcomes if one.halt), None)
        patience = max(outcomes, key=lambda one: one.wait_seconds)
        if patience.wait_seconds:
            try:
                await pause_provider(self._worker, patience.wait_seconds, patience.detail)
            except TransientError as lost:
                await self._recover(lost)

    async def _settle_when_ripe(self) -> None:
        ripe = time.monotonic() - self._oldest_result >= SETTLE_SECONDS or len(self._results) >= SETTLE_ROWS
        if self._results and (ripe or not self._flying):
            try:
                await self._settle()
            except TransientError as lost:
                await self._recover(lost)

    async def _settle(self) -> None:
        results = self._results
        if not results:
            return
        states = await settle(self._worker, results)
        self._results = []
        self.report.accepted += states["accepted"]
        self.report.failed += states["failed"]
        self.report.unknown += states["unknown"]
        self.report.retried += states["pending"]
        self.report.late += len(results) - states.total()

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
            if self._epoch_in_doubt == self._worker.epoch:
                # The session lives: only the answer to what followed the claim was missing. Its lock is ours.
                await self._worker.reopen()
            self.report.retried += await return_batch(self._worker, self._batch_in_doubt, self._epoch_in_doubt)
            self._batch_in_doubt = None

    async def _idle(self) -> bool:
        """Whether a run that ends when idle may end: nothing due is left, or what is left waits too long."""
        try:
            wait = await soonest_wait(self._worker, self._clock.now())
        except TransientError as lost:
            await self._recover(lost)
            return False
        return wait is None or time.monotonic() - self._progress > self._limits.patience_seconds

    async def _land(self) -> None:
        """No request is abandoned: each has its own timeout, and its result is worth waiting for."""
        while self._flying:
            await self._collect(None)
        try:
            await self._return_claimed()
            await self._settle()
        except TransientError as lost:
            await self._recover(lost)
