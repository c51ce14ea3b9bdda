"""Visitors' events from the gateway to marts: sessions, whose they are, carts, searches, and what a mail may show."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from rapport.clock import FixedClock
from rapport.db import connect
from rapport.gateway import create_app
from rapport.landing import prepare_raw
from rapport.quality import run_suite
from rapport.settings import Settings

from .conftest import FIRST, Build, rows, run_script

SHOP = "https://shop.example"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari/604"
)
ROBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
MUG, COFFEE = ("shopify:gid://shopify/Product/1", "shopify:gid://shopify/Product/3")
Event = dict[str, Any]


class Device:
    """Says what a page on this device would say."""

    def __init__(self, device_id: str, at: str, user: str | None = None, **context: Any) -> None:
        self.device_id, self.user, self.events = device_id, user, list[Event]()
        self.at = datetime.fromisoformat(at).replace(tzinfo=UTC)
        consent = {"consent": {"categoryPreferences": {"Analytics": True}}}
        self.context = consent | {"userAgent": PHONE} | context

    def after(self, minutes: float) -> "Device":
        self.at += timedelta(minutes=minutes)
        return self

    def say(self, kind: str, name: str | None = None, **properties: Any) -> "Device":
        self.at += timedelta(seconds=10)
        event = {"type": kind, "anonymousId": self.device_id, "timestamp": self.at.isoformat(), "context": self.context}
        event |= {"messageId": f"{self.device_id} {self.at.isoformat()}", "properties": properties}
        event |= {"event" if kind == "track" else "name": name} if name else {}
        self.events.append(event | ({"userId": self.user} if self.user else {}))
        return self

    def track(self, name: str, product: str | None = None, **properties: Any) -> "Device":
        given = {"product_id": product, "url": f"{SHOP}/products/{product}"} if product else {}
        return self.say("track", name, **given, **properties)


def visits() -> Iterator[Device]:
    mail = {"campaign": {"source": "rapport", "medium": "email", "name": "win_back"}}
    ada = Device("ada-phone", "2026-03-20T10:00", **mail).say("page", "Home", path="/", url=f"{SHOP}/?utm_x=1")
    ada.track("Products Searched", query="Mugs ", results_count=1).track("Product Viewed", "1")
    ada.user = "1"
    ada.say("identify").track("Product Viewed", "3").track("Product Viewed", "nope")
    ada.track("Product Added", "3", cart_id="ca", quantity=2, price="1.00").track("Product Added", "nope", cart_id="ca")
    yield ada.track("Product Removed", "3", cart_id="ca").track("Cart Viewed", cart_id="ca", url=f"{SHOP}/cart")
    ada.context, ada.user, ada.events = ada.context | {"campaign": {}}, None, []
    yield ada.after(31).say("page", "Category", path="/mugs", referrer="https://www.google.com/search?q=mugs")
    yield Device("ada-tablet", "2026-03-21T09:00", "gid://shopify/Customer/2").say("page", "Home", path="/")
    for user, day in (("3", "10"), ("4", "11"), (None, "12")):
        yield Device("home", f"2026-03-{day}T20:00", user).say("page", "Home", path="/").track("Product Viewed", "2")
    eve = Device("eve-app", "2026-03-23T18:00", "10", library={"name": "analytics-ios"}, device={"type": "ios"})
    yield eve.say("screen", "Coffee").track("Product Viewed", "3").after(2).track("Product Viewed", "3")
    finn = Device("finn", "2026-02-28T23:55", "11").say("page", "Cart", path="/cart")
    finn.track("Product Added", "1", cart_id="cf").track("Checkout Started", cart_id="cf")
    yield finn.after(5).track("Order Completed", order_id="13", total="100").track("Product Added", "1", cart_id="cf")
    yield Device("cleo", "2025-07-30T12:00", "5").track("Product Added", "1", quantity=1)
    yield Device("gil", "2026-03-25T06:00", "21").track("Product Added", "1").track("Product Added", "2", quantity=3)
    empty = Device("empty", "2026-03-22T12:00").track("Product Added", "1", quantity=2)
    yield empty.track("Product Removed", "1", quantity=2)
    yield Device("stranger", "2026-03-22T15:00", "999").track("Products Searched", query="ada@example.com")
    yield Device("robot", "2026-03-22T16:00", userAgent=ROBOT).say("page", "Home")
    yield Device("refused", "2026-03-22T17:00", consent={"categoryPreferences": {"Analytics": False}}).say(
        "page", "Home"
    )


@pytest.fixture(scope="module")
def tables(module_database: Settings, build: Build) -> dict[str, list[dict[str, Any]]]:
    prepare_raw(module_database)
    for name in ("raw_defaults.sql", "raw_rows.sql", "more_rows.sql"):
        run_script(module_database, name)
    settings = module_database.model_copy(update={"web_write_keys": ("wk",), "web_origins": (SHOP,)})
    with TestClient(create_app(settings, FixedClock(FIRST))) as gateway:
        for device in visits():
            answer = gateway.post("/v1/batch", json={"writeKey": "wk", "batch": device.events})
            assert answer.json() == {"success": True}
    build(module_database, FIRST)
    keys = {
        "marts.sessions": "started_at",
        "marts.page_views": "viewed_at",
        "marts.product_views": "viewed_at",
        "marts.searches": "searched_at",
        "marts.carts": "opened_at",
        "marts.web_funnel": "month",
        "marts.customers": "customer_id",
        "segments.customer_segments": "customer_id",
        "activation.campaign_audience": "email",
        "intermediate.int_web_devices": "device_id",
        "identity.members": "profile_key",
    }
    return {relation.split(".")[1]: rows(module_database, relation, key) for relation, key in keys.items()}


def owner(tables: Any, number: str) -> str:
    """The customer of an account of the store, else of the till's export."""
    owners = {row["profile_key"]: row["customer_id"] for row in tables["members"]}
    return str(owners.get(f"shopify:gid://shopify/Customer/{number}") or owners[f"files:till:{number}"])


def of(tables: Any, table: str, **wanted: Any) -> list[dict[str, Any]]:
    return [row for row in tables[table] if all(row[name] == value for name, value in wanted.items())]


def test_a_pause_of_half_an_hour_ends_a_session_and_midnight_does_not(tables: Any) -> None:
    one, other = of(tables, "sessions", device_id="ada-phone")
    assert (one["page_views_count"], one["product_views_count"], one["searches_count"]) == (1, 3, 1)
    assert (one["has_cart"], one["has_checkout"], one["is_bounce"], other["is_bounce"]) == (True, False, False, True)
    (night,) = of(tables, "sessions", device_id="finn")
    assert (night["started_on"].isoformat(), night["ended_at"].date().isoformat()) == ("2026-02-28", "2026-03-01")
    assert night["has_order"]


def test_the_way_in_and_the_kind_of_device_are_told(tables: Any) -> None:
    one, other = of(tables, "sessions", device_id="ada-phone")
    assert (one["source_group"], one["utm_campaign"], one["landing_path"]) == ("email", "win_back", "/")
    assert (other["source_group"], other["referrer_host"], other["landing_path"]) == (
        "search", "www.google.com", "/mugs",
    )  # fmt: skip
    (app,) = of(tables, "sessions", device_id="eve-app")
    assert (app["channel"], app["device_kind"], app["source_group"]) == ("app", "mobile", "direct")


def test_a_device_belongs_to_the_one_person_who_logged_in(tables: Any) -> None:
    devices = {row["device_id"]: (row["customer_id"], row["rule"]) for row in tables["int_web_devices"]}
    ada = owner(tables, "1")
    assert owner(tables, "2") == ada
    assert devices["ada-phone"] == devices["ada-tablet"] == (ada, "device_logged_in")
    assert [row["customer_id"] for row in of(tables, "sessions", device_id="ada-phone")] == [ada, ada]


def test_a_shared_computer_belongs_to_nobody_and_joins_nobody(tables: Any) -> None:
    bea, ben = owner(tables, "3"), owner(tables, "4")
    assert bea != ben
    assert of(tables, "int_web_devices", device_id="home")[0]["customer_id"] is None
    assert [row["customer_id"] for row in of(tables, "sessions", device_id="home")] == [bea, ben, None]


def test_an_account_nobody_knows_and_who_did_not_agree_are_nobody(tables: Any) -> None:
    (stranger,) = of(tables, "sessions", device_id="stranger")
    assert (stranger["customer_id"], stranger["has_login"]) == (None, True)
    assert {row["device_id"] for row in tables["sessions"]}.isdisjoint({"robot", "refused", None})


def test_searches_lead_somewhere_and_name_nobody(tables: Any) -> None:
    address, mugs = tables["searches"] if tables["searches"][0]["search_query"] is None else tables["searches"][::-1]
    assert (mugs["search_query"], mugs["results_count"], mugs["led_to_product_view"]) == ("mugs", 1, True)
    assert (address["search_query"], address["led_to_product_view"]) == (None, False)


def test_carts_are_open_abandoned_ordered_or_empty(tables: Any) -> None:
    found = {row["cart_id"]: row for row in tables["carts"]}
    assert {key: (row["status"], row["ordered_by"]) for key, row in found.items()} == {
        "ca:0": ("abandoned", None),
        "cf:0": ("ordered", "event"),
        "cf:1": ("abandoned", None),
        "device:cleo:0": ("ordered", "customer"),
        "device:gil:0": ("open", None),
        "device:empty:0": ("empty", None),
    }
    # The catalogue's price, whatever the page says; what it does not know is not counted.
    assert (found["ca:0"]["items_count"], found["ca:0"]["value"], found["ca:0"]["customer_id"]) == (
        1, 9, owner(tables, "1"),
    )  # fmt: skip
    assert (found["cf:0"]["order_id"], found["cf:0"]["has_checkout"]) == ("shopify:gid://shopify/Order/13", True)
    assert found["device:cleo:0"]["order_id"] == "shopify:gid://shopify/Order/4"
    assert (found["device:gil:0"]["items_count"], found["device:gil:0"]["value"]) == (4, 70)


def test_what_the_catalogue_does_not_know_is_counted_and_not_shown(tables: Any) -> None:
    views = of(tables, "product_views", customer_id=owner(tables, "1"))
    assert [row["product_id"] for row in views] == [MUG, COFFEE, None]
    (row,) = of(tables, "campaign_audience", customer_id=owner(tables, "1"))
    assert [item["product_id"] for item in row["viewed_products"]] == [COFFEE, MUG]
    assert [item["title"] for item in row["viewed_products"]] == ["Coffee", "Blue mug"]


def test_a_mail_may_show_the_cart(tables: Any) -> None:
    (row,) = of(tables, "campaign_audience", customer_id=owner(tables, "1"))
    (item,) = row["cart"]["items"]
    assert (item["title"], item["quantity"], item["price"], item["url"]) == ("Coffee", 1, 9, f"{SHOP}/products/3")
    assert (row["cart"]["value"], row["cart"]["currency_code"], row["cart"]["url"]) == (9, "GBP", f"{SHOP}/cart")
    assert row["last_seen_at"].date().isoformat() == "2026-03-21"
    (bea,) = of(tables, "campaign_audience", customer_id=owner(tables, "3"))
    assert (bea["cart"], [item["title"] for item in bea["viewed_products"]]) == (None, ["Red plate"])
    assert of(tables, "campaign_audience", email="front@office.example")[0]["viewed_products"] is None


def test_customers_tell_what_they_did_on_the_pages(tables: Any) -> None:
    (ada,) = of(tables, "customers", customer_id=owner(tables, "1"))
    assert (ada["sessions_count_30d"], ada["sessions_count_90d"], ada["product_views_count_30d"]) == (3, 3, 3)
    assert (ada["searches_count_30d"], ada["last_search"], ada["carts_abandoned_count_90d"]) == (1, "mugs", 1)
    assert ada["most_viewed_category"] == "Coffee"
    (cleo,) = of(tables, "customers", customer_id=owner(tables, "5"))
    assert (cleo["sessions_count_90d"], cleo["last_seen_at"].date().isoformat()) == (0, "2025-07-30")
    nobody = [row for row in tables["customers"] if row["last_seen_at"] is None]
    assert nobody
    assert {(row["sessions_count_90d"], row["carts_abandoned_count_90d"]) for row in nobody} == {(0, 0)}


def test_segments_find_carts_and_looks_without_a_purchase(tables: Any) -> None:
    def members(segment: str) -> set[str]:
        return {row["customer_id"] for row in of(tables, "customer_segments", segment=segment, left_at=None)}

    assert members("abandoned_cart") == {owner(tables, "1")}
    assert members("viewed_not_bought") == {owner(tables, "10")}


def test_the_funnel_of_the_pages_narrows(tables: Any) -> None:
    (row,) = of(tables, "web_funnel", month=datetime(2026, 2, 1, tzinfo=UTC).date())
    steps = ("sessions_count", "with_product_view", "with_cart", "with_checkout", "with_order")
    assert [row[step] for step in steps] == [1, 1, 1, 1, 1]
    assert sum(row["sessions_count"] for row in tables["web_funnel"]) == len(tables["sessions"])


@pytest.mark.usefixtures("tables")
def test_the_gate_names_what_staging_could_not_read(module_database: Settings) -> None:
    assert run_suite("raw_web", module_database, FixedClock(FIRST)).passed
    with connect(settings=module_database) as conn:
        conn.execute(
            "update raw_web.events set properties = properties || '{\"price\": \"free\"}' where device_id = 'gil'"
        )
    verdict = run_suite("raw_web", module_database, FixedClock(FIRST))
    assert (verdict.passed, len(verdict.failures)) == (False, 1)
    assert "numbers that staging cannot cast" in verdict.failures[0]


def test_a_shop_without_tracking_passes_the_gate(database: Settings) -> None:
    assert run_suite("raw_web", database, FixedClock(FIRST)).passed


def test_every_web_mart_stands_in_the_page_for_analysts() -> None:
    page = (Path(__file__).parents[3] / "docs" / "marts.md").read_text()
    for path in (Path(__file__).parents[3] / "dbt_project" / "models" / "marts" / "web").glob("*.sql"):
        assert f"| `{path.stem}` |" in page
