"""Shopify as a dlt source: customers, orders and products into `raw_shopify`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

from rapport.clock import Clock
from rapport.errors import PermanentError
from rapport.settings import Settings
from rapport.sources.dlt_source import Feed, State, TimeCursor, newest
from rapport.sources.http import Refused
from rapport.sources.records import Intake, Record, Table
from rapport.sources.shopify.bulk import bulk_listing
from rapport.sources.shopify.client import ShopifyClient
from rapport.sources.shopify.tables import CUSTOMERS, ORDERS, PRODUCTS, TABLES, customer_row, order_row, product_row

__all__ = ["TABLES", "feeds"]

SHAPES: dict[str, tuple[Table, Callable[[Record], Record]]] = {
    "customers": (CUSTOMERS, customer_row),
    "orders": (ORDERS, order_row),
    "products": (PRODUCTS, product_row),
}


def feeds(settings: Settings, clock: Clock, intake: Intake, wait: Callable[[float], None] = time.sleep) -> list[Feed]:
    """What a load reads. Raises PermanentError when a setting is missing."""
    client = ShopifyClient(settings, wait)
    return [Feed(table, partial(_pages, client, clock, intake, kind)) for kind, (table, _) in SHAPES.items()]


def _pages(
    client: ShopifyClient, clock: Clock, intake: Intake, kind: str, state: State
) -> Iterator[list[dict[str, Any]]]:
    table, shape = SHAPES[kind]
    cursor = TimeCursor(state)
    until = clock.now()
    for page in _changed(client, kind, cursor.start, until):
        rows = list(intake.rows(table, page, shape))
        yield rows
        cursor.advance(newest(rows, "updated_at"), until)


def _changed(
    client: ShopifyClient, kind: str, start: datetime | None, until: datetime
) -> Iterator[list[dict[str, Any]]]:
    """Records changed in [start, until), or the whole history when there is no start."""
    if start is not None:
        yield from client.listing(kind, f"updated_at:>='{_stamp(start)}' AND updated_at:<'{_stamp(until)}'")
        return
    pages = bulk_listing(client, kind)
    try:
        first = next(pages, None)
    except Refused:
        raise
    except PermanentError:
        # Another app may hold the shop's bulk slot; paging is slower but always there, and names its own refusals.
        yield from client.listing(kind, f"updated_at:<'{_stamp(until)}'")
        return
    if first is not None:
        yield first
        yield from pages


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
