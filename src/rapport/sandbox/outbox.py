"""What the shop's pages have to tell goes to the gateway in batches, as their library sends it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection, Row

import httpx

from rapport.db import load_queries

log = logging.getLogger(__name__)
SQL = load_queries("rapport.sandbox", "web.sql")
BATCH, BATCHES_PER_TICK = 400, 15


@dataclass(frozen=True)
class Gateway:
    """Where the pages send to, and the key that stands in them."""

    url: str
    write_key: str


class Outbox:
    """Empties itself as far as the gateway takes it; what it does not take waits for the next time."""

    def __init__(self, con: Connection, gateway: Gateway, http: httpx.Client) -> None:
        self._con, self._gateway, self._http = con, gateway, http

    def send(self, now: float) -> int:
        """Events that were due at `now` (epoch seconds) and that the gateway has taken, a bounded number at a time."""
        sent = 0
        for _ in range(BATCHES_PER_TICK):
            rows = self._con.execute(SQL["due"], {"now": now, "limit": BATCH}).fetchall()
            if not rows or not self._deliver(rows):
                break
            self._con.executemany(SQL["delivered"], [{"position": row["position"]} for row in rows])
            sent += len(rows)
        return sent

    def _deliver(self, rows: Sequence[Row]) -> bool:
        """Repeats carry the same message ids, so a lost answer does no harm."""
        events = ",".join(row["event"] for row in rows)
        try:
            answer = self._http.post(
                f"{self._gateway.url.rstrip('/')}/v1/batch",
                # No sentAt, so that times are taken as given: on the demo's fast clock the way itself takes minutes.
                content=f'{{"batch":[{events}]}}',
                auth=(self._gateway.write_key, ""),
                headers={"Content-Type": "application/json"},
            )
        except httpx.HTTPError as problem:
            log.info("the gateway takes no web events: %s", type(problem).__name__)
            return False
        if not answer.is_success:
            log.info("web events refused with status %s", answer.status_code)
        return answer.is_success
