"""What a template may name: fields of the audience relation, links, and what every mail of the shop carries."""

from typing import Any

# Fields that a template sees as text; a missing one stops the message wherever it would have been printed.
TEXT_FIELDS = frozenset(
    {
        "first_name",
        "last_name",
        "locale",
        "language",
        "country_code",
        "time_zone",
        "rfm_group",
        "last_product_title",
        "favourite_category",
        "favourite_brand",
        "replenishment_product_title",
        "first_order_channel",
        "currency_code",
        "loyalty_tier",
    }
)
VALUE_FIELDS = frozenset(
    {
        "orders_count",
        "revenue",
        "first_order_at",
        "last_order_at",
        "days_since_last_order",
        "average_order_value",
        "orders_count_365d",
        "days_until_birthday",
        "open_tickets_count",
        "segments",
        "cart",
        "viewed_products",
        "recommended_products",
        "purchased_products",
        "loyalty_points",
        "loyalty_points_expiring",
        "loyalty_points_expire_on",
        "last_seen_at",
    }
)
AUDIENCE_FIELDS = TEXT_FIELDS | VALUE_FIELDS

# Given when a send is claimed, where `campaign.yml` has a `coupon`; not stored with the send.
COUPON = "coupon"

# Given by whoever renders, not stored with the send. See content.standard_links.
LINK_FIELDS = frozenset({"shop_url", "unsubscribe_url", "preferences_url", "shop_name", "shop_postal_address"})
ALLOWED_FIELDS = AUDIENCE_FIELDS | LINK_FIELDS

# Who asks for mail may be a stranger, so a confirmation knows the request and nothing else.
CONFIRMATION_FIELDS = LINK_FIELDS | {"topic_title", "confirm_url"}

SAMPLE_CONTEXT: dict[str, Any] = {
    "first_name": "Amélie",
    "last_name": "O'Brien",
    "locale": "en-GB",
    "language": "en",
    "country_code": "GB",
    "time_zone": "Europe/London",
    "rfm_group": "lapsed",
    "last_product_title": "Stoneware mug & saucer",
    "favourite_category": "Kitchen",
    "favourite_brand": "Clay & Sons",
    "replenishment_product_title": "Coffee beans",
    "first_order_channel": "web",
    "currency_code": "GBP",
    "orders_count": 3,
    "revenue": 128.5,
    "first_order_at": "2025-02-03T10:15:00+00:00",
    "last_order_at": "2026-03-14T18:40:00+00:00",
    "days_since_last_order": 190,
    "average_order_value": 42.83,
    "orders_count_365d": 2,
    "days_until_birthday": 12,
    "open_tickets_count": 0,
    "segments": ["lapsed"],
    "cart": {
        "cart_id": "c1",
        "updated_at": "2026-09-20T18:40:00Z",
        "value": 34.0,
        "currency_code": "GBP",
        "url": "https://shop.example/cart",
        "items": [
            {
                "product_id": "p1",
                "title": "Oven glove",
                "quantity": 2,
                "price": 17.0,
                "url": "https://shop.example/products/oven-glove",
                "image_url": "https://shop.example/images/oven-glove.jpg",
            }
        ],
    },
    "viewed_products": [
        {
            "product_id": "p2",
            "title": "Table runner",
            "price": 29.0,
            "currency_code": "GBP",
            "url": "https://shop.example/products/table-runner",
            "image_url": "https://shop.example/images/table-runner.jpg",
            "viewed_at": "2026-09-19T10:50:00Z",
        }
    ],
    "recommended_products": [
        {
            "product_id": "p3",
            "title": "Salad bowl",
            "price": 24.0,
            "currency_code": "GBP",
            "url": "https://shop.example/products/salad-bowl",
            "image_url": "https://shop.example/images/salad-bowl.jpg",
        }
    ],
    "purchased_products": [
        {
            "product_id": "p4",
            "title": "Stoneware mug & saucer",
            "ordered_at": "2026-03-14T18:40:00+00:00",
            "url": "https://shop.example/products/mug",
            "image_url": None,
        }
    ],
    "loyalty_tier": "silver",
    "loyalty_points": 420,
    "loyalty_points_expiring": 120,
    "loyalty_points_expire_on": "2026-12-31",
    "last_seen_at": "2026-09-20T18:41:00+00:00",
}

SAMPLE_COUPON: dict[str, Any] = {"code": "SAMPLE-7K2M", "expires_at": "2026-10-04T18:40:00+00:00"}
SAMPLE_REQUEST: dict[str, Any] = {"topic_title": "News & offers"}
