"""Posts the ledger's events to the shop's gateway: signed, in batches, late, doubled, out of order, retried."""

import asyncio
import logging
import random
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx

from rapport.clock import Clock
from rapport.sandbox.mail.ledger import Ledger
from rapport.sandbox.mail.options import MailOptions
from rapport.sandbox.mail.signing import private_key, signed_headers

log = logging.getLogger(__name__)


class WebhookSender:
    """Sends what is due. State lives in the ledger, so a restart goes on where the last process stopped."""

    def __init__(
        self,
        directory: Path,
        ledger: Ledger,
        clock: Clock,
        options: MailOptions,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._ledger, self._clock, self.options = ledger, clock, options
        self._key = private_key(directory)
        self._random = random.Random(f"webhook {options.seed}")
        self._client = httpx.AsyncClient(timeout=options.post_timeout_seconds, transport=transport, trust_env=False)
        self.paused = False

    @property
    def url(self) -> str | None:
        return self._ledger.setting("webhook_url") or self.options.webhook_url

    async def run(self) -> None:
        """Posts until cancelled."""
        try:
            while True:
                sent = await self.post_due()
                if not sent:
                    await asyncio.sleep(self.options.poll_seconds)
        finally:
            await self._client.aclose()

    async def post_due(self) -> int:
        """Posts one batch of due events, if a URL is known; returns how many the receiver took."""
        if self.paused or not self.url:
            return 0
        now = self._clock.now().timestamp()
        due = self._ledger.rows("events_due", now=now, now_real=time.time(), limit=self.options.batch_events)
        batch = list(self._fitting(due))
        if not batch:
            return 0
        self._random.shuffle(batch)
        body = ("[" + ",\r\n".join(row["body"] for row in batch) + "]").encode()
        # Signed at the real time, whatever the demo's clock says: receivers judge a signature's age by theirs.
        if await self._post(body, int(time.time())):
            again = now + self.options.event_lag_seconds * self._random.random()
            with self._ledger.transaction():
                for row in batch:
                    self._ledger.run("event_posted", position=row["position"], next_post_after=again)
            return len(batch)
        self._put_off(batch, now)
        return 0

    def _fitting(self, rows: Iterable[Any]) -> Iterable[Any]:
        size = 0
        for row in rows:
            size += len(row["body"].encode()) + 3
            if size > self.options.batch_bytes:
                return
            yield row

    async def _post(self, body: bytes, timestamp: int) -> bool:
        headers = signed_headers(self._key, timestamp, body) | {"Content-Type": "application/json"}
        try:
            answer = await self._client.post(self.url or "", content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as problem:
            log.debug("webhook not delivered: %s", type(problem).__name__)
            return False
        if not answer.is_success:
            log.debug("webhook refused with status %s", answer.status_code)
        return answer.is_success

    def _put_off(self, batch: list[Any], now: float) -> None:
        options = self.options
        with self._ledger.transaction():
            for row in batch:
                wait = min(options.retry_seconds * 2 ** min(row["failures"], 16), options.retry_ceiling_seconds)
                given_up = row["failures"] > 0 and now - row["occurred_at"] > options.give_up_after_seconds
                self._ledger.run(
                    "event_refused",
                    position=row["position"],
                    retry_at_real=time.time() + wait,
                    abandoned=int(given_up),
                )

    async def close(self) -> None:
        await self._client.aclose()
