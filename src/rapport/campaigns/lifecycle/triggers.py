"""What can set off a flow, and what its mails may print of it: the rows of `activation.campaign_triggers`."""

from collections.abc import Mapping
from typing import Any, Literal

Trigger = Literal[
    "signed_up",
    "cart_abandoned",
    "browse_abandoned",
    "order_delivered",
    "review_request",
    "cross_sell",
    "replenishment_due",
    "lapsed",
    "birthday",
    "price_dropped",
    "back_in_stock",
    "tier_reached",
    "points_expiring",
    "ticket_solved",
]

# Under this name the mails of a flow see what happened.
FIELD = "trigger"
# A mail of a survey prints it: where the answer's page is.
SURVEY_LINK = "survey_url"

_PRODUCT = {
    "product_id": "files:shop:17",
    "title": "Stoneware mug & saucer",
    "category": "Kitchen",
    "price": 24.5,
    "currency_code": "GBP",
    "url": "https://shop.example/products/17",
    "image_url": "https://shop.example/images/17.jpg",
}
_ORDER = {
    "order_id": "files:shop:1001",
    "name": "#1001",
    "ordered_at": "2026-03-14T18:40:00+00:00",
    "currency_code": "GBP",
    "revenue": 49.0,
    "products": [{"product_id": "files:shop:17", "title": "Stoneware mug & saucer", "quantity": 2}],
}
_POINTS = {"tier": "gold", "balance": 420, "expiring": 120, "expire_on": "2026-12-31"}

# What the sample reader's mails print, and so what a template may rely on.
SAMPLES: Mapping[str, Mapping[str, Any]] = {
    "signed_up": {},
    "cart_abandoned": {
        "cart": {
            "cart_id": "c1",
            "updated_at": "2026-03-14T18:40:00Z",
            "value": 49.0,
            "currency_code": "GBP",
            "url": "https://shop.example/cart",
            "items": [
                {
                    "product_id": "files:shop:17",
                    "title": "Stoneware mug & saucer",
                    "quantity": 2,
                    "price": 24.5,
                    "url": "https://shop.example/products/17",
                    "image_url": "https://shop.example/images/17.jpg",
                }
            ],
        }
    },
    "browse_abandoned": {"product": _PRODUCT},
    "order_delivered": {"order": _ORDER},
    "review_request": {"order": _ORDER, "product": _PRODUCT},
    "cross_sell": {"order": _ORDER, "bought": _PRODUCT, "product": _PRODUCT | {"title": "Saucer"}},
    "replenishment_due": {"product": _PRODUCT, "last_bought_on": "2026-02-01", "due_on": "2026-03-14"},
    "lapsed": {"last_order_at": "2026-03-14T18:40:00+00:00", "product_title": "Stoneware mug & saucer"},
    "birthday": {"birthday_on": "2026-12-31"},
    "price_dropped": {"product": _PRODUCT, "former_price": 32.0},
    "back_in_stock": {"product": _PRODUCT, "asked_at": "2026-03-14T18:40:00+00:00"},
    "tier_reached": {"points": {"tier": "gold", "balance": 420}},
    "points_expiring": {"points": _POINTS},
    "ticket_solved": {
        "ticket": {
            "ticket_id": 7,
            "subject": "A chipped mug",
            "created_at": "2026-03-10T09:00:00+00:00",
            "solved_at": "2026-03-14T18:40:00+00:00",
            "satisfaction": None,
        }
    },
}
