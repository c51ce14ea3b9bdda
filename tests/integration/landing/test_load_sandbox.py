"""Every source against the sandbox over real HTTP: whole, twice, after changes, and through the vendors' faults."""

import asyncio
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rapport.clock import FixedClock
from rapport.db import connect
from rapport.errors import PermanentError
from rapport.landing import load_source
from rapport.quality import require_gate
from rapport.sandbox import bluesky, shopify, zendesk
from rapport.sandbox.faults import Faults
from rapport.sandbox.limits import LeakyBucket
from rapport.sandbox.servers import Servers
from rapport.sandbox.store import open_world
from rapport.sandbox.world import generate
from rapport.settings import Settings
from rapport.sources.shopify.client import ShopifyClient
from rapport.sources.shopify.tables import order_row

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CLOCK = FixedClock(NOW)
TABLES = {
    "shopify": ("customers", "orders", "products"),
    "zendesk": ("tickets", "users"),
    "bluesky": ("interactions", "profiles"),
}
COUNTS = "select (select count(*) from {0}) as rows, (select count(distinct id) from {0}) as ids"
CONTENT = """
select md5(string_agg((to_jsonb(t) - '_dlt_id' - '_dlt_load_id')::text, '' order by id)) as digest from {0} as t
"""


class Sandbox:
    """The three servers in a thread, with the faults of each by name."""

    def __init__(self, world: Path) -> None:
        self.world = world
        self.faults = {name: Faults() for name in TABLES}
        self._loop = asyncio.new_event_loop()
        self._servers = Servers("127.0.0.1")
        apps = {
            "shopify": shopify.app(world, CLOCK, self.faults["shopify"], bucket=LeakyBucket(50_000, 50_000)),
            "zendesk": zendesk.app(world, CLOCK, self.faults["zendesk"], per_minute=1_000),
            "bluesky": bluesky.app(world, CLOCK, self.faults["bluesky"]),
        }
        self.ports = {name: self._servers.add(name, app, 0) for name, app in apps.items()}
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        asyncio.run_coroutine_threadsafe(self._servers.start(), self._loop).result(30)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._servers.stop(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)

    def products(self) -> list[dict[str, Any]]:
        rows = open_world(self.world).execute("select doc from shopify_products")
        return [json.loads(row["doc"]) for row in rows]

    def settings(self) -> dict[str, Any]:
        return {f"{name}_url": f"http://127.0.0.1:{port}" for name, port in self.ports.items()} | {
            "shopify_token": shopify.TOKEN,
            "zendesk_email": zendesk.EMAIL,
            "zendesk_token": zendesk.TOKEN,
            "bluesky_handle": bluesky.HANDLE,
            "bluesky_app_password": bluesky.APP_PASSWORD,
        }


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    world = tmp_path_factory.mktemp("world")
    generate(world, customers=120, seed=5, origin=NOW)
    made = Sandbox(world)
    yield made
    made.stop()


@pytest.fixture
def shop(database: Settings, sandbox: Sandbox) -> Iterator[Settings]:
    yield database.model_copy(update=sandbox.settings())
    for faults in sandbox.faults.values():
        faults.set(dict.fromkeys(faults.left(), 0))


def ask(settings: Settings, query: str) -> dict[str, Any]:
    with connect("transformer", settings=settings) as conn:
        row = conn.execute(query).fetchone()
    assert row is not None
    return row


def digest(settings: Settings, name: str) -> list[str]:
    return [ask(settings, CONTENT.format(f"raw_{name}.{table}"))["digest"] for table in TABLES[name]]


@pytest.mark.parametrize("name", sorted(TABLES))
def test_a_source_lands_whole_and_twice_changes_nothing_and_passes_its_gate(shop: Settings, name: str) -> None:
    report = load_source(name, shop, CLOCK)
    assert report.rows_quarantined == 0
    before = digest(shop, name)
    for table in TABLES[name]:
        found = ask(shop, COUNTS.format(f"raw_{name}.{table}"))
        assert found["rows"] == found["ids"] > 0
    again = load_source(name, shop, CLOCK)
    assert digest(shop, name) == before
    assert again.rows_read < report.rows_read
    require_gate(f"raw_{name}", shop, CLOCK)


def test_products_bring_their_page_and_picture(shop: Settings, sandbox: Sandbox) -> None:
    load_source("shopify", shop, CLOCK)
    held = {doc["id"]: doc for doc in sandbox.products()}
    with connect("transformer", settings=shop) as conn:
        landed = conn.execute("select id, status, url, image_url from raw_shopify.products").fetchall()
    assert len(landed) == len(held) > 0
    assert any(row["url"] for row in landed)
    for row in landed:
        assert row["url"] == held[row["id"]]["onlineStoreUrl"]
        assert row["image_url"] == held[row["id"]]["featuredMedia"]["preview"]["image"]["url"]
        assert (row["url"] is None) == (row["status"] == "ARCHIVED")


@pytest.fixture(scope="module")
def whole(module_database: Settings, sandbox: Sandbox) -> dict[str, list[str]]:
    """What each source holds, loaded without a fault."""
    shop = module_database.model_copy(update=sandbox.settings())
    for name in TABLES:
        load_source(name, shop, CLOCK)
    return {name: digest(shop, name) for name in TABLES}


@pytest.mark.parametrize("fault", ["error_500", "rate_limited", "truncated", "empty_page", "expired_token"])
@pytest.mark.parametrize("name", sorted(TABLES))
def test_a_source_survives_a_fault_or_says_what_to_do(
    shop: Settings,
    sandbox: Sandbox,
    whole: dict[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    fault: str,
) -> None:
    waits: list[float] = []
    if (name, fault) == ("shopify", "empty_page"):
        # A bulk file has no pages; with the shop's one bulk slot taken, the connector reads them.
        monkeypatch.setattr("rapport.sources.shopify.bulk_listing", slot_taken)
    sandbox.faults[name].set({fault: 2 if fault != "expired_token" else 1})
    if fault == "expired_token" and name != "bluesky":
        with pytest.raises(PermanentError, match=f"answered 401.*RAPPORT_{name.upper()}_TOKEN"):
            load_source(name, shop, CLOCK, wait=waits.append)
    load_source(name, shop, CLOCK, wait=waits.append)
    assert sandbox.faults[name].left()[fault] == 0, "the fault never happened"
    assert digest(shop, name) == whole[name]
    if fault == "rate_limited":
        assert waits.count(1.0) >= 2


def slot_taken(client: ShopifyClient, kind: str) -> Iterator[list[dict[str, Any]]]:
    raise PermanentError("a bulk operation of another app is running")
    yield []


def test_orders_carry_their_lines_by_bulk_and_by_paging_alike(shop: Settings, sandbox: Sandbox) -> None:
    load_source("shopify", shop, CLOCK)
    landed = ask(
        shop, "select count(*) as orders, min(jsonb_array_length(line_items)) as least from raw_shopify.orders"
    )
    world = open_world(sandbox.world)
    try:
        assert landed["orders"] == world.execute("select count(*) from shopify_orders").fetchone()[0]
    finally:
        world.close()
    assert landed["least"] >= 1
    client = ShopifyClient(shop, wait=lambda _: None)
    paged = {order["id"]: order_row(order)["line_items"] for page in client.listing("orders", None) for order in page}
    with connect("transformer", settings=shop) as conn:
        rows = conn.execute("select id, line_items from raw_shopify.orders").fetchall()
    assert paged == {row["id"]: row["line_items"] for row in rows}
