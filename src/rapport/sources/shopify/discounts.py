"""Discount codes made in the store. Every call may be repeated: a code exists once, whoever asks for it how often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from rapport.errors import PermanentError, TransientError
from rapport.sources.records import dig
from rapport.sources.shopify.client import ShopifyClient

# What discountRedeemCodeBulkAdd takes at most.
CODES_AT_ONCE = 250
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0
PATIENCE_SECONDS = 900.0


class DiscountRefused(PermanentError):
    """The store made no discount of these terms."""


@dataclass(frozen=True)
class Discount:
    """What a code is worth on the whole order: `percent` (0 to 100), or else `amount` in the shop's currency."""

    title: str
    starts_at: datetime
    ends_at: datetime | None
    percent: Decimal | None = None
    amount: Decimal | None = None

    def body(self, code: str) -> dict[str, Any]:
        """Shopify's `DiscountCodeBasicInput`."""
        value: dict[str, Any] = (
            {"percentage": float(self.percent / 100)}
            if self.percent is not None
            else {"discountAmount": {"amount": str(self.amount), "appliesOnEachItem": False}}
        )
        return {
            "title": self.title,
            "code": code,
            "startsAt": self.starts_at.isoformat(),
            "endsAt": self.ends_at.isoformat() if self.ends_at else None,
            "context": {"all": "ALL"},
            "customerGets": {"items": {"all": True}, "value": value},
            # Shopify counts the uses of each code by itself, not those of the whole discount.
            "usageLimit": 1,
            "appliesOncePerCustomer": False,
        }


def shop_currency(client: ShopifyClient) -> str:
    """ISO code of the currency that fixed amounts are in. Raises as `ShopifyClient.run`."""
    return str(dig(client.run("shopCurrency", {}), "shop", "currencyCode") or "")


def discount_of(client: ShopifyClient, code: str) -> str | None:
    """Id of the discount that a code redeems. Raises as `ShopifyClient.run`."""
    found = dig(client.run("discountByCode", {"code": code}), "codeDiscountNodeByCode", "id")
    return str(found) if found else None


def create_discount(client: ShopifyClient, discount: Discount, code: str) -> str:
    """Id of the discount whose first code this is; the one that is there when an earlier try made it.

    Raises DiscountRefused with Shopify's reasons, and as `ShopifyClient.run`.
    """
    found = discount_of(client, code)
    if found:
        return found
    payload = client.run("createDiscount", {"discount": discount.body(code)}).get("discountCodeBasicCreate") or {}
    errors = payload.get("userErrors") or []
    if errors:
        # The client repeats a call whose answer was lost, and then the code is taken: by this very discount.
        found = discount_of(client, code) if _codes(errors) == {"TAKEN"} else None
        if found:
            return found
        raise DiscountRefused(f"Shopify: the discount was refused: {_told(errors)}")
    made = dig(payload, "codeDiscountNode", "id")
    if not made:
        raise TransientError("Shopify: createDiscount answered no discount; run it again")
    return str(made)


def add_codes(client: ShopifyClient, discount_id: str, codes: Sequence[str]) -> dict[str, str]:
    """Adds at most CODES_AT_ONCE codes and waits until Shopify has: those it refused, each with the reason.

    A code that this discount has already counts as added. Raises PermanentError when the batch is refused as a whole,
    TransientError when it takes too long, and as `ShopifyClient.run`.
    """
    values = {"discount": discount_id, "codes": [{"code": code} for code in codes]}
    payload = client.run("addCodes", values).get("discountRedeemCodeBulkAdd") or {}
    errors = payload.get("userErrors") or []
    if errors:
        raise PermanentError(f"Shopify: the codes were refused: {_told(errors)}")
    creation = _finished(client, str(dig(payload, "bulkCreation", "id") or ""))
    told = {node["code"].upper(): node.get("errors") or [] for node in dig(creation, "codes", "nodes") or []}
    missing = [code for code in codes if code.upper() not in told]
    if missing:
        raise TransientError(f"Shopify: nothing was said of {len(missing)} of {len(codes)} codes; run it again")
    return {
        code: _told(told[code.upper()])
        for code in codes
        if told[code.upper()] and discount_of(client, code) != discount_id
    }


def _finished(client: ShopifyClient, creation_id: str) -> Mapping[str, Any]:
    pause, waited = FIRST_PAUSE, 0.0
    while creation_id and waited < PATIENCE_SECONDS:
        creation = client.run("addedCodes", {"id": creation_id}).get("discountRedeemCodeBulkCreation") or {}
        if creation.get("done"):
            return creation
        client.wait(pause)
        waited += pause
        pause = min(pause * 1.5, LONGEST_PAUSE)
    raise TransientError(f"Shopify: codes are not made after {PATIENCE_SECONDS / 60:.0f} minutes; run it again later")


def _codes(errors: Sequence[Mapping[str, Any]]) -> set[str]:
    return {str(error.get("code") or "") for error in errors}


def _told(errors: Sequence[Mapping[str, Any]]) -> str:
    """Field and message of the first few. Shopify's messages name no code, so they may be shown and logged."""
    parts = [f"{'.'.join(error.get('field') or ()) or 'code'}: {error.get('message', '')}" for error in errors[:5]]
    return "; ".join(part[:200] for part in parts)
