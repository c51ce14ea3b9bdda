"""Visitors' events through the gateway, batched as libraries do, beside a plain COPY of the rows they become."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import orjson

from rapport.bench.through_gateway import Load, Request, Result, event_numbers, measure
from rapport.db import connect, load_queries
from rapport.settings import Settings

SQL = load_queries("rapport.bench", "visits.sql")
# As many requests as the gateway takes of one network at once.
ROWS = 150_000
SEED = 2014
TARGET_PER_SECOND = 1_000
BATCH = 500
WRITE_KEY, SHOP = "bench-pages", "https://shop.example"
BEGAN = datetime(2026, 6, 1, tzinfo=UTC)


def run(rows: int | None = None, seed: int = SEED) -> Result:
    """Starts a server and a gateway of its own; `rows` is how many events are posted, repetitions included."""
    load = Load(
        name="visitors' events",
        told="events of visitors in batches",
        batch=BATCH,
        target_per_second=TARGET_PER_SECOND,
        path="/v1/batch",
        variables={"RAPPORT_WEB_WRITE_KEYS": WRITE_KEY, "RAPPORT_WEB_ORIGINS": SHOP},
        request=_request,
        kept=SQL["kept"],
        plain_copy=_plain_copy,
    )
    return measure(load, event_numbers(rows or ROWS, seed))


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


def _request(numbers: Sequence[int]) -> Request:
    return orjson.dumps({"writeKey": WRITE_KEY, "batch": [event(number) for number in numbers]}), {}


def _plain_copy(settings: Settings) -> tuple[int, float]:
    """The rows that the gateway has made, into a table of the same shape and key."""
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
        return len(rows), time.perf_counter() - began
