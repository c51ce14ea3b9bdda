"""Orders: what a person buys at one moment, and the document the store keeps of it. Money is pence throughout."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rapport.sandbox.catalogue import BY_CATEGORY, CATEGORIES, CURRENCY, HIGH_SEASON, Product
from rapport.sandbox.codes import Code
from rapport.sandbox.people import Person
from rapport.sandbox.spelling import misspelt, other_phone, without_accents
from rapport.sandbox.times import DAY, HOUR, iso

CODES = (Code("WELCOME10", 10), Code("SPRING15", 15), Code("BLACKFRIDAY25", 25), Code("THANKYOU5", 5))
SHIPPING = 395
FREE_SHIPPING_FROM = 5_000


@dataclass(frozen=True)
class Account:
    """One store account of a person, as an order needs it; email and phone in the account's own spelling."""

    customer_id: int
    person_id: int
    email: str | None
    phone: str | None


@dataclass(frozen=True)
class Placing:
    """Who buys when and how. `account` is None for a guest; `channel` is web, app or pos."""

    order_id: int
    number: int
    person: Person
    account: Account | None
    at: int
    until: int
    channel: str = "web"
    email: str | None = None
    campaign: str | None = None
    landing: str | None = None
    code: Code | None = None


def taste(seed: str, person_id: int) -> tuple[str, ...]:
    """The two categories a person comes back to; the same for a world's whole life."""
    return tuple(random.Random(f"{seed}:taste:{person_id}").sample(CATEGORIES, 2))


def compose_order(rng: random.Random, placing: Placing, favourites: tuple[str, ...]) -> dict[str, Any]:
    """The order's document; nothing in it is later than `placing.until`."""
    bargain = placing.person.persona == "bargain_hunter"
    code = _code(rng, placing, bargain)
    percent = 0 if code is None else code.percent
    lines = [
        _line(rng, placing.order_id * 10 + at, product, percent)
        for at, product in enumerate(_basket(rng, placing, favourites))
    ]
    if code is not None:
        _take_off(lines, code.pence)
    gross = sum(line["originalUnitPriceSet"] * line["quantity"] for line in lines)
    discount = sum(line["totalDiscountSet"] for line in lines)
    subtotal = gross - discount
    shipping = 0 if placing.channel == "pos" or subtotal >= FREE_SHIPPING_FROM else SHIPPING
    total = subtotal + shipping
    doc = _head(rng, placing) | {
        "currencyCode": CURRENCY,
        "presentmentCurrencyCode": CURRENCY,
        "subtotalPriceSet": subtotal,
        "totalDiscountsSet": discount,
        "totalShippingPriceSet": shipping,
        "totalTaxSet": round(total * 20 / 120) if placing.person.country == "GB" else 0,
        "totalPriceSet": total,
        "currentTotalPriceSet": total,
        "totalRefundedSet": 0,
        "taxesIncluded": True,
        "discountCode": None if code is None else code.text,
        "discountCodes": [] if code is None else [code.text],
        "lineItems": lines,
    }
    _age(rng, doc, placing)
    return doc


def refund(doc: dict[str, Any], lines: list[dict[str, Any]], at: int) -> None:
    """Take `lines` of the order back: quantities, sums and status follow; the last line takes shipping along."""
    for line in lines:
        back = line["originalUnitPriceSet"] * line["quantity"] - line["totalDiscountSet"]
        doc["totalRefundedSet"] += back
        line["currentQuantity"] = 0
    whole = all(line["currentQuantity"] == 0 for line in doc["lineItems"])
    if whole:
        doc["totalRefundedSet"] = doc["totalPriceSet"]
    doc["currentTotalPriceSet"] = doc["totalPriceSet"] - doc["totalRefundedSet"]
    doc["displayFinancialStatus"] = "REFUNDED" if whole else "PARTIALLY_REFUNDED"
    doc["updatedAt"] = iso(at)


def _head(rng: random.Random, placing: Placing) -> dict[str, Any]:
    person, account, pos = placing.person, placing.account, placing.channel == "pos"
    address = None if pos else _address(rng, person)
    return {
        "id": f"gid://shopify/Order/{placing.order_id}",
        "legacyResourceId": str(placing.order_id),
        "name": f"#{placing.number}",
        "number": placing.number,
        "customer": None if account is None else {"id": f"gid://shopify/Customer/{account.customer_id}"},
        "email": placing.email if account is None else account.email,
        "phone": None if account is None or rng.random() < 0.5 else account.phone,
        "createdAt": iso(placing.at),
        "processedAt": iso(placing.at),
        "updatedAt": iso(placing.at),
        "cancelledAt": None,
        "cancelReason": None,
        "closedAt": None,
        "test": rng.random() < 0.002,
        "sourceName": placing.channel,
        "customerLocale": None if pos else person.locale,
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "FULFILLED" if pos else "UNFULFILLED",
        "shippingAddress": address,
        "billingAddress": address,
        "customerJourneySummary": None if pos else _journey(rng, placing),
        "tags": [],
        "note": None,
    }


def _age(rng: random.Random, doc: dict[str, Any], placing: Placing) -> None:
    luck, at = rng.random(), placing.at
    if luck < 0.02 and placing.channel != "pos":
        cancelled = at + rng.randrange(HOUR // 4, DAY)
        if cancelled <= placing.until:
            refund(doc, doc["lineItems"], cancelled)
            doc |= {"cancelledAt": iso(cancelled), "cancelReason": rng.choice(("CUSTOMER", "INVENTORY", "FRAUD"))}
            doc["closedAt"] = iso(cancelled)
        return
    shipped = at + rng.randrange(4 * HOUR, 3 * DAY)
    if placing.channel != "pos" and shipped <= placing.until:
        doc |= {"displayFulfillmentStatus": "FULFILLED", "updatedAt": iso(shipped), "closedAt": iso(shipped)}
    back = shipped + rng.randrange(4 * DAY, 28 * DAY)
    if luck < 0.09 and back <= placing.until:
        lines = doc["lineItems"]
        refund(doc, lines if rng.random() < 0.4 else lines[:1], back)


def _code(rng: random.Random, placing: Placing, bargain: bool) -> Code | None:
    if placing.code is not None:
        return placing.code
    month = datetime.fromtimestamp(placing.at, UTC).month
    if placing.campaign is not None:
        return Code("COMEBACK15", 15) if rng.random() < 0.6 else None
    if month == 11 and rng.random() < (0.8 if bargain else 0.35):
        return CODES[2]
    return rng.choice(CODES[:2] + CODES[3:]) if rng.random() < (0.7 if bargain else 0.12) else None


def _basket(rng: random.Random, placing: Placing, favourites: tuple[str, ...]) -> list[Product]:
    month = datetime.fromtimestamp(placing.at, UTC).month
    seasonal = [category for category, months in HIGH_SEASON.items() if month in months]
    chosen: dict[int, Product] = {}
    for _ in range(rng.choices((1, 2, 3, 4, 6), (38, 30, 18, 10, 4))[0]):
        luck = rng.random()
        pool = favourites if luck < 0.6 else seasonal if luck < 0.8 and seasonal else CATEGORIES
        product = rng.choice(BY_CATEGORY[rng.choice(pool)])
        chosen[product.product_id] = product
    return list(chosen.values())


def _line(rng: random.Random, line_id: int, product: Product, percent: int) -> dict[str, Any]:
    quantity = rng.choices((1, 2, 3, 4), (74, 17, 5, 4))[0]
    discount = product.price * quantity * percent // 100
    return {
        "id": f"gid://shopify/LineItem/{line_id}",
        "product": {"id": f"gid://shopify/Product/{product.product_id}"},
        "variant": {"id": f"gid://shopify/ProductVariant/{product.variant_id}", "sku": product.sku},
        "sku": product.sku,
        "title": product.title,
        "name": product.title,
        "vendor": product.vendor,
        "quantity": quantity,
        "currentQuantity": quantity,
        "originalUnitPriceSet": product.price,
        "totalDiscountSet": discount,
    }


def _take_off(lines: list[dict[str, Any]], pence: int) -> None:
    """Takes an amount off the order, line by line; a discount never exceeds what it is taken off."""
    for line in lines:
        share = min(pence, line["originalUnitPriceSet"] * line["quantity"] - line["totalDiscountSet"])
        line["totalDiscountSet"] += share
        pence -= share


def _address(rng: random.Random, person: Person) -> dict[str, Any]:
    luck = rng.random()
    first, last = person.first_name, person.last_name
    if luck < 0.08:
        first, last = without_accents(first), without_accents(last)
    elif luck < 0.11:
        last = misspelt(rng, last)
    elif luck < 0.14:
        first = first[:1] + "."
    return {
        "id": f"gid://shopify/MailingAddress/{9_000_000_000 + person.person_id}?model_name=Address",
        "firstName": first,
        "lastName": last,
        "name": f"{first} {last}",
        "address1": misspelt(rng, person.address) if rng.random() < 0.04 else person.address,
        "address2": None,
        "city": person.city,
        "zip": person.zip.lower().replace(" ", "") if rng.random() < 0.1 else person.zip,
        "provinceCode": None,
        "countryCodeV2": person.country,
        "phone": other_phone(rng, person.phone) if rng.random() < 0.6 else None,
    }


def _journey(rng: random.Random, placing: Placing) -> dict[str, Any]:
    utm: dict[str, Any] | None = None
    source, landing = "direct", placing.landing or "https://shop.example/"
    if placing.campaign is not None:
        source = "email"
        utm = {"source": "rapport", "medium": "email", "campaign": placing.campaign, "content": None, "term": None}
        if placing.landing is None:
            landing = f"https://shop.example/?utm_source=rapport&utm_medium=email&utm_campaign={placing.campaign}"
    elif rng.random() < 0.45:
        source = rng.choice(("Google", "Instagram", "Bluesky", "Newsletter"))
        medium = "organic" if source == "Google" else "social"
        utm = {"source": source.lower(), "medium": medium, "campaign": None, "content": None, "term": None}
    visit = {
        "id": f"gid://shopify/CustomerVisit/{placing.order_id}",
        "source": source,
        "landingPage": landing,
        "referrerUrl": None,
        "occurredAt": iso(placing.at - rng.randrange(60, 1_800)),
        "utmParameters": utm,
    }
    return {"ready": True, "customerOrderIndex": None, "daysToConversion": 0, "firstVisit": visit, "lastVisit": visit}
