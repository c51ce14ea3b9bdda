"""Visitors' events through the gateway, batched as libraries do, beside a plain COPY of the rows they become."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import orjson

from rapport.bench.events import CONCURRENCY, event_numbers, gateway
from rapport.db import connect, load_queries, migrate
from rapport.db.embedded import EmbeddedPostgres
from rapport.settings import Settings

SQL = load_queries("rapport.bench", "visits.sql")
# As many requests as the gateway takes of one network at once.
ROWS = 150_000
SEED = 2014
TARGET_PER_SECOND = 1_000
BATCH = 500
STRETCH = 40
WRITE_KEY, SHOP = "bench-pages", "https://shop.example"
BEGAN = datetime(2026, 6, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Result:
    """Seconds of wall clock; `cpu_seconds` is what the gateway's own process used of it."""

    posted: int
    kept: int
    seconds: float
    cpu_seconds: float
    copy_seconds: float

    @property
    def per_second(self) -> float:
        return self.posted / self.seconds

    @property
    def reached(self) -> bool:
        return self.per_second >= TARGET_PER_SECOND

    def row(self) -> tuple[str, ...]:
        peer = f"{self.kept / self.copy_seconds:,.0f}"
        ratio = f"1 : {self.per_second and self.kept / self.copy_seconds / self.per_second:.1f}"
        return ("visitors' events", f"{self.per_second:,.0f}", "events/s", "plain COPY", peer, ratio)

    def lines(self) -> list[str]:
        return [
            f"{self.posted:,} events of visitors in batches of {BATCH}, shuffled, some of them twice: "
            f"{self.seconds:.1f} s, {self.per_second:,.0f} events/s (wanted: {TARGET_PER_SECOND:,}); "
            f"{self.kept:,} kept, each once",
            f"the gateway's process used {self.cpu_seconds / self.seconds:.2f} of a core",
            f"plain COPY of the same rows: {self.copy_seconds:.1f} s, {self.kept / self.copy_seconds:,.0f} rows/s",
        ]


def run(rows: int | None = None, seed: int = SEED) -> Result:
    """Starts a server and a gateway of its own; `rows` is how many events are posted, repetitions included."""
    numbers = event_numbers(rows or ROWS, seed)
    with tempfile.TemporaryDirectory(prefix="rapport-bench-") as name:
        folder = Path(name)
        server = EmbeddedPostgres(folder / "server")
        server.start()
        try:
            settings = Settings(home=folder, database_url=server.url("rapport"))
            with connect(settings=settings) as conn:
                migrate(conn)
            keys = {"RAPPORT_WEB_WRITE_KEYS": WRITE_KEY, "RAPPORT_WEB_ORIGINS": SHOP}
            with gateway(settings, "/v1/batch", **keys) as (url, process):
                before = sum(process.cpu_times()[:2])
                seconds = asyncio.run(_post_all(url, numbers))
                cpu_seconds = sum(process.cpu_times()[:2]) - before
            with connect(settings=settings) as conn:
                kept = (conn.execute(SQL["kept"]).fetchone() or {})["rows"]
            if kept != len(set(numbers)):
                raise RuntimeError(f"{len(set(numbers))} different events were posted, {kept} were kept")
            return Result(len(numbers), kept, seconds, cpu_seconds, _plain_copy(settings))
        finally:
            server.stop("immediate")


def event(number: int) -> dict[str, object]:
    """A look at a product by one of the shop's visitors, eight events each."""
    visitor, at = number // 8, BEGAN + timedelta(seconds=number)
    return {
        "type": "track",
        "event": "Product Viewed",
        "messageId": f"ajs-next-{number:032x}",
        "anonymousId": f"{visitor:08x}-0000-4000-8000-000000000000",
        "timestamp": at.isoformat(),
        "properties": {
            "product_id": str(8_100_000_000_001 + number % 80 * 37),
            "name": "Stoneware bowl",
            "price": "12.50",
            "currency": "GBP",
            "url": f"{SHOP}/products/stoneware-bowl",
        },
        "context": {
            "consent": {"categoryPreferences": {"Analytics": True, "Advertising": False}},
            "page": {"path": "/products/stoneware-bowl", "url": f"{SHOP}/products/stoneware-bowl?utm_source=mail"},
            "userAgent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137",
            "library": {"name": "analytics.js", "version": "next-1.81.0"},
        },
    }


async def _post_all(url: str, numbers: list[int]) -> float:
    """Seconds from the first byte of each stretch to its last answer, summed."""
    seconds = 0.0
    async with aiohttp.ClientSession() as session:
        for start in range(0, len(numbers), BATCH * STRETCH):
            stretch = numbers[start : start + BATCH * STRETCH]
            bodies = iter([_body(stretch[at : at + BATCH]) for at in range(0, len(stretch), BATCH)])

            async def post(bodies: Iterator[bytes] = bodies) -> None:
                for body in bodies:
                    async with session.post(url, data=body) as answer:
                        if answer.status != 200:
                            raise RuntimeError(f"the gateway refused events with status {answer.status}")

            began = time.perf_counter()
            await asyncio.gather(*(post() for _ in range(CONCURRENCY)))
            seconds += time.perf_counter() - began
    return seconds


def _body(numbers: list[int]) -> bytes:
    return orjson.dumps({"writeKey": WRITE_KEY, "batch": [event(number) for number in numbers]})


def _plain_copy(settings: Settings) -> float:
    """Seconds for writing the rows that the gateway has made into a table of the same shape and key."""
    with connect(settings=settings) as conn:
        conn.execute(SQL["plain_table"])
        conn.commit()
        with conn.cursor() as cursor, cursor.copy(SQL["copy_out"]) as copy:
            rows = [bytes(part) for part in copy]
        began = time.perf_counter()
        with conn.cursor() as cursor, cursor.copy(SQL["copy_in"]) as copy:
            for row in rows:
                copy.write(row)
        conn.commit()
        return time.perf_counter() - began
