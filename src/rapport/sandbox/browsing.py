"""One visit to the shop as the events its pages send: Segment's calls, by the names of its e-commerce specification."""

from __future__ import annotations

import random
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from rapport.sandbox.catalogue import (
    BY_CATEGORY,
    CATEGORIES,
    CURRENCY,
    PRODUCTS,
    SHOP,
    Product,
    handle_of,
    page_of,
    picture_of,
)
from rapport.sandbox.devices import Device
from rapport.sandbox.spelling import slug
from rapport.sandbox.times import iso_ms

BY_ID = {str(product.product_id): product for product in PRODUCTS}
# Where visits come from: weight, campaign as analytics.js reads it from the address, and the site before.
SOURCES: tuple[tuple[int, dict[str, str], str | None], ...] = (
    (40, {}, None),
    (26, {}, "https://www.google.com/"),
    (12, {"source": "instagram", "medium": "social"}, "https://www.instagram.com/"),
    (9, {"source": "google", "medium": "cpc", "name": "brand"}, "https://www.google.com/"),
    (7, {"source": "newsletter", "medium": "email"}, None),
    (6, {}, "https://www.homeandtable.example/"),
)
NONSENSE = ("gift card", "opening hours", "blue sofa", "returns", "iphone case")
Events = list[tuple[float, dict[str, Any]]]


class Visit:
    """Collects (epoch seconds, event) of one device from `at` on. `user_id` is the store's id of who may log in."""

    def __init__(
        self, rng: random.Random, device: Device, at: float, user_id: str | None, landing: str | None = None
    ) -> None:
        self.events: Events = []
        self.rng, self._device, self._at, self._user_id = rng, device, at, user_id
        self._known: str | None = None
        self._cart_id = f"c{rng.getrandbits(48):012x}"
        self._landing = landing
        weights = [weight for weight, _, _ in SOURCES]
        _, self._campaign, self._referrer = rng.choices(SOURCES, weights)[0]
        if landing is not None:
            utm = dict(parse_qsl(urlsplit(landing).query))
            self._campaign = {
                "name" if key == "utm_campaign" else key.removeprefix("utm_"): value
                for key, value in utm.items()
                if key.startswith("utm_")
            }
            self._referrer = None

    def log_in(self) -> None:
        """From here on each event carries the store's id, as libraries do it until somebody logs out."""
        if self._user_id is not None and self._known is None:
            self._known = self._user_id
            self._add("identify", None, {})

    def page(self, category: str, path: str = "/", name: str | None = None) -> None:
        url = self._landing or f"{SHOP}{path}"
        self._landing = None
        shown = {"name": name or category, "category": category, "path": urlsplit(url).path or "/", "url": url}
        self._add("screen" if self._device.kind == "app" else "page", None, shown)

    def view(self, product: Product) -> None:
        self.page("Product", _path(product), product.title)
        self._track("Product Viewed", _goods(product))

    def search(self) -> None:
        rng = self.rng
        words = rng.choice(PRODUCTS).title.lower().split()
        query = rng.choice(NONSENSE) if rng.random() < 0.15 else rng.choice((words[-1], " ".join(words[:2]), words[0]))
        found = sum(query in product.title.lower() for product in PRODUCTS)
        self.page("Search", "/search")
        self._track("Products Searched", {"query": query, "results_count": found})

    def put_in_cart(self, product: Product, quantity: int = 1) -> None:
        self._track("Product Added", _goods(product) | {"cart_id": self._cart_id, "quantity": quantity})

    def take_out(self, product: Product, quantity: int = 1) -> None:
        self._track("Product Removed", _goods(product) | {"cart_id": self._cart_id, "quantity": quantity})

    def look_at_cart(self) -> None:
        self.page("Cart", "/cart")
        self._track("Cart Viewed", {"cart_id": self._cart_id, "url": f"{SHOP}/cart"})

    def check_out(self) -> None:
        self.page("Checkout", "/checkout")
        self._track("Checkout Started", {"cart_id": self._cart_id, "currency": CURRENCY})

    def ask_for(self, product: Product) -> None:
        """Wants to be told when it is there again."""
        self._track("Back In Stock Requested", _goods(product))

    def complete(self, order: dict[str, Any]) -> None:
        total = f"{order['totalPriceSet'] / 100:.2f}"
        given = {"order_id": order["legacyResourceId"], "cart_id": self._cart_id, "total": total, "currency": CURRENCY}
        self._track("Order Completed", given)

    def _track(self, name: str, properties: dict[str, Any]) -> None:
        self._add("track", name, properties)

    def _add(self, kind: str, name: str | None, properties: dict[str, Any]) -> None:
        # Who logs in or puts something into a cart does so on a page that they have read.
        self._at += self.rng.uniform(8, 70) if kind in ("page", "screen") else self.rng.uniform(0.2, 6)
        app = self._device.kind == "app"
        event: dict[str, Any] = {
            "type": kind,
            "messageId": str(UUID(int=self.rng.getrandbits(128), version=4)),
            "anonymousId": self._device.device_id,
            "timestamp": iso_ms(self._at),
            "properties": properties,
            "context": {
                "consent": {"categoryPreferences": {"Analytics": self._device.consents, "Advertising": False}},
                "userAgent": self._device.user_agent,
                "library": {"name": "analytics-ios" if app else "analytics.js"},
                "campaign": self._campaign,
                "page": {} if app else {"referrer": self._referrer},
            },
        }
        if name is not None:
            event["event"] = name
        elif "name" in properties:
            event["name"] = properties["name"]
        if self._known is not None:
            event["userId"] = self._known
        if app:
            event["context"]["device"] = {"type": "ios"}
        self.events.append((self._at, event))


def stroll(visit: Visit, favourites: tuple[str, ...], logs_in: bool, sold_out: frozenset[int] = frozenset()) -> Events:
    """A visit without a purchase; one of eight leaves something in the cart, half ask for what they see sold out."""
    rng = visit.rng
    visit.page("Home")
    if logs_in:
        visit.log_in()
    if rng.random() < 0.22:
        visit.search()
    looked_at = [_some(rng, favourites) for _ in range(rng.choices((0, 1, 2, 3, 5), (22, 34, 24, 14, 6))[0])]
    for product in looked_at:
        visit.view(product)
        if product.product_id in sold_out and rng.random() < 0.5:
            visit.ask_for(product)
    looked_at = [product for product in looked_at if product.product_id not in sold_out]
    if looked_at and rng.random() < 0.16:
        for product in looked_at[:2]:
            visit.put_in_cart(product, rng.choice((1, 1, 1, 2)))
        if len(looked_at) > 1 and rng.random() < 0.25:
            visit.take_out(looked_at[0], 1)
        if rng.random() < 0.6:
            visit.look_at_cart()
        if rng.random() < 0.3:
            visit.check_out()
    return visit.events


def purchase(visit: Visit, order: dict[str, Any], favourites: tuple[str, ...]) -> Events:
    """The visit in which an order of the store came about, whatever the order was paid with."""
    if visit.rng.random() < 0.4:
        visit.page("Category", f"/collections/{slug(favourites[0])}", favourites[0])
    visit.log_in()
    for line in order["lineItems"]:
        product = BY_ID[line["product"]["id"].rpartition("/")[2]]
        visit.view(product)
        visit.put_in_cart(product, line["quantity"])
    visit.look_at_cart()
    visit.check_out()
    visit.complete(order)
    return visit.events


def crawl(visit: Visit) -> Events:
    """A machine goes through the catalogue."""
    for product in visit.rng.sample(PRODUCTS, 4):
        visit.view(product)
    return visit.events


def _some(rng: random.Random, favourites: tuple[str, ...]) -> Product:
    return rng.choice(BY_CATEGORY[rng.choice(favourites if rng.random() < 0.7 else CATEGORIES)])


def _path(product: Product) -> str:
    return f"/products/{handle_of(product)}"


def _goods(product: Product) -> dict[str, Any]:
    return {
        "product_id": str(product.product_id),
        "sku": product.sku,
        "name": product.title,
        "category": product.category,
        "price": f"{product.price / 100:.2f}",
        "currency": CURRENCY,
        "url": page_of(product),
        "image_url": picture_of(product),
    }
