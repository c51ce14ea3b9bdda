"""What the simulated shop sells: eighty products in eight categories, priced in minor units (pence)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rapport.sandbox.spelling import slug
from rapport.sandbox.times import DAY, iso

CURRENCY = "GBP"
SHOP = "https://shop.example"
VENDORS = ("Harbour & Hill", "Northfold", "Maison Brune", "Kettle Lane", "Sanbiki")

# Category: names with their price in pence. Months of a category's high season follow below.
_GOODS: dict[str, tuple[tuple[str, int], ...]] = {
    "Coffee": (
        ("House Espresso Beans 250 g", 895), ("House Espresso Beans 1 kg", 2995), ("Filter Roast Ethiopia 250 g", 1150),
        ("Decaf Colombia 250 g", 1050), ("Pour-over Dripper", 2400), ("Paper Filters 100", 650),
        ("Hand Grinder", 6900), ("Gooseneck Kettle", 5900), ("Cold Brew Jug", 3200), ("Travel Press", 2850),
    ),
    "Tea": (
        ("Breakfast Tea 100 g", 780), ("Earl Grey 100 g", 820), ("Sencha 80 g", 1390), ("Rooibos Orange 100 g", 790),
        ("Peppermint 50 g", 590), ("Darjeeling First Flush 80 g", 1790), ("Cast Iron Teapot", 4900),
        ("Glass Infuser Mug", 1850), ("Matcha Set", 3600), ("Tea Advent Box", 2900),
    ),
    "Kitchen": (
        ("Chef's Knife 20 cm", 7900), ("Bread Knife", 4500), ("Oak Chopping Board", 3900),
        ("Cast Iron Pan 26 cm", 6400),
        ("Pepper Mill", 2900), ("Mixing Bowl Set", 3400), ("Silicone Spatula", 990), ("Kitchen Scale", 2700),
        ("Measuring Spoons", 1200), ("Baking Tin", 1650),
    ),
    "Tableware": (
        ("Stoneware Plate", 1450), ("Stoneware Bowl", 1250), ("Dinner Set for Four", 12900), ("Water Glass Pair", 1600),
        ("Wine Glass Set of Six", 4200), ("Espresso Cup Pair", 1900), ("Serving Platter", 3300), ("Butter Dish", 2100),
        ("Cutlery Set 24", 8900), ("Milk Jug", 1550),
    ),
    "Linen": (
        ("Linen Tea Towel", 1200), ("Linen Apron", 3800), ("Table Runner", 2900), ("Napkins Set of Four", 2400),
        ("Tablecloth 250 cm", 6500), ("Oven Glove", 1700), ("Linen Bread Bag", 1400), ("Cushion Cover", 2600),
        ("Wool Throw", 7900), ("Bath Towel", 3100),
    ),
    "Candles": (
        ("Beeswax Pillar Candle", 1650), ("Fig Scented Candle", 2800), ("Cedar Scented Candle", 2800),
        ("Taper Candles Set of Six", 1400), ("Brass Candle Holder", 2200), ("Tea Light Lantern", 1950),
        ("Winter Spice Candle", 3000), ("Reed Diffuser Citrus", 2600), ("Match Bottle", 850), ("Candle Snuffer", 1300),
    ),
    "Garden": (
        ("Herb Seeds Trio", 750), ("Terracotta Pot", 1300), ("Hand Trowel", 1900), ("Pruning Shears", 3400),
        ("Watering Can 5 l", 3900), ("Gardening Gloves", 1500), ("Plant Labels", 600), ("Wildflower Mix", 550),
        ("Bird Feeder", 2700), ("Raised Bed Kit", 9900),
    ),
    "Paper": (
        ("Recipe Notebook", 1600), ("Weekly Planner", 1850), ("Letter Writing Set", 2200),
        ("Greeting Cards Pack", 1200),
        ("Wall Calendar", 1950), ("Fountain Pen", 4800), ("Ink Bottle Blue", 1250), ("Gift Wrap Roll", 700),
        ("Washi Tape Trio", 690), ("Wax Seal Kit", 2500),
    ),
}  # fmt: skip

HIGH_SEASON: dict[str, tuple[int, ...]] = {
    "Garden": (3, 4, 5, 6),
    "Candles": (10, 11, 12),
    "Linen": (1, 11, 12),
    "Paper": (11, 12),
    "Tea": (1, 2, 10, 11),
}
CATEGORIES: tuple[str, ...] = tuple(_GOODS)
FIRST_PRODUCT_ID = 8_100_000_000_001


@dataclass(frozen=True)
class Product:
    """One thing with one variant; `price` in pence."""

    product_id: int
    variant_id: int
    title: str
    category: str
    price: int
    sku: str
    vendor: str


def _products() -> Iterator[Product]:
    number = 0
    for category, goods in _GOODS.items():
        for at, (title, price) in enumerate(goods):
            yield Product(
                product_id=FIRST_PRODUCT_ID + number * 37,
                variant_id=44_100_000_000_001 + number * 41,
                title=title,
                category=category,
                price=price,
                sku=f"{category[:3].upper()}-{at + 1:03d}",
                vendor=VENDORS[number % len(VENDORS)],
            )
            number += 1


PRODUCTS: tuple[Product, ...] = tuple(_products())
BY_CATEGORY: dict[str, tuple[Product, ...]] = {
    category: tuple(product for product in PRODUCTS if product.category == category) for category in CATEGORIES
}


def page_of(product: Product) -> str:
    return f"{SHOP}/products/{handle_of(product)}"


def picture_of(product: Product) -> str:
    return f"{SHOP}/images/{product.sku}.jpg"


def handle_of(product: Product) -> str:
    return "-".join(filter(None, (slug(word) for word in product.title.split())))


def product_doc(rng: random.Random, product: Product, since: int, until: int) -> dict[str, Any]:
    """The product as the store keeps it; made within the 90 days before `since`, changed by `until` (epoch seconds)."""
    created = since - rng.randrange(1, 90 * DAY)
    updated = rng.randrange(created, until)
    gone = rng.random() < 0.04
    return {
        "id": f"gid://shopify/Product/{product.product_id}",
        "legacyResourceId": str(product.product_id),
        "title": product.title,
        "handle": handle_of(product),
        # What is not on sale has no page.
        "onlineStoreUrl": None if gone else page_of(product),
        "featuredMedia": {"__typename": "MediaImage", "preview": {"image": {"url": picture_of(product)}}},
        "vendor": product.vendor,
        "productType": product.category,
        "status": "ARCHIVED" if gone else "ACTIVE",
        "tags": sorted({product.category.lower(), *rng.sample(("gift", "bestseller", "new", "handmade"), 1)}),
        "totalInventory": 0 if gone else rng.randrange(0, 400),
        "priceRangeV2": {"minVariantPrice": product.price, "maxVariantPrice": product.price},
        "variants": [
            {
                "id": f"gid://shopify/ProductVariant/{product.variant_id}",
                "legacyResourceId": str(product.variant_id),
                "title": "Default Title",
                "sku": product.sku,
                "price": product.price,
            }
        ],
        "createdAt": iso(created),
        "updatedAt": iso(updated),
    }
