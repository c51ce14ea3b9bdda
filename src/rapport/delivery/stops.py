"""What may still stop a mail that was claimed: asked anew all the time, so that a kill switch works within seconds."""

import asyncio
import logging
import time

from rapport.clock import Clock, elapsed_seconds
from rapport.db import load_queries
from rapport.delivery.preflight import require_preflight
from rapport.delivery.records import Claimed
from rapport.delivery.worker import Worker
from rapport.errors import PermanentError, TransientError
from rapport.settings import Settings

log = logging.getLogger(__name__)

SQL = load_queries("rapport.delivery", "lanes.sql")
ASK_SECONDS = 1.0
# Beside the time of one request in flight, the longest that a mail leaves after somebody threw a switch.
TRUST_SECONDS = 4.0
PREFLIGHT_SECONDS = 60.0


class Stops:
    """Kill switch, marketing stop and paused campaigns as they were a moment ago, preflight as it was a minute ago."""

    def __init__(self, settings: Settings, worker: Worker, clock: Clock) -> None:
        self._settings, self._worker, self._clock = settings, worker, clock
        self._everything = self._marketing = self._red = False
        self._campaigns: frozenset[str] = frozenset()
        self._read_at = float("-inf")

    async def read(self) -> None:
        """Raises TransientError when Postgres is away."""
        asked_at = elapsed_seconds()
        found = (await self._worker.rows(SQL["stops"], {}))[0]
        self._everything, self._marketing = found["everything"], found["marketing"]
        self._campaigns = frozenset(found["campaigns"])
        self._read_at = asked_at

    async def read_preflight(self) -> None:
        """Raises PermanentError while a check is red or none was made, TransientError when Postgres is away."""
        now = self._clock.now()
        await self._worker.transaction(lambda conn: require_preflight(self._settings, conn, now))

    async def watch(self) -> None:
        """Until cancelled."""
        preflight_at = time.monotonic()
        while True:
            await asyncio.sleep(ASK_SECONDS)
            try:
                await self.read()
                if time.monotonic() - preflight_at >= PREFLIGHT_SECONDS:
                    preflight_at = time.monotonic()
                    await self.read_preflight()
                    self._red = False
            except TransientError as lost:
                log.warning("the switches cannot be read, nothing leaves until they can: %s", lost)
            except PermanentError as refused:
                log.error("%s", refused)
                self._red = True

    def against(self, row: Claimed) -> str | None:
        """Why this mail must not leave, or None."""
        if elapsed_seconds() - self._read_at > TRUST_SECONDS:
            return "the switches could not be read"
        if self._red:
            return "preflight is red"
        if self._everything:
            return "the kill switch is on"
        if self._marketing and row.policy != "at_least_once":
            return "marketing is stopped"
        if row.campaign_id in self._campaigns:
            return "its campaign is paused"
        return None
