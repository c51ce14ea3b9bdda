"""Tables of `raw_shopify` and how Shopify's records fill them."""

from __future__ import annotations

from typing import Any

from rapport.sources.records import Record, Table, Unreadable, dig

KEPT = frozenset({"id", "created_at", "updated_at"})

CUSTOMERS = Table(
    name="customers",
    columns={
        "id": "text",
        "first_name": "text",
        "last_name": "text",
        "email": "text",
        "phone": "text",
        "email_marketing_state": "text",
        "email_marketing_opt_in_level": "text",
        "email_consent_updated_at": "timestamp",
        "locale": "text",
        "country_code": "text",
        "city": "text",
        "zip": "text",
        "address1": "text",
        "province_code": "text",
        "note": "text",
        "tags": "json",
        "number_of_orders": "bigint",
        "amount_spent": "decimal",
        "currency_code": "text",
        "created_at": "timestamp",
        "updated_at": "timestamp",
    },
    required=KEPT,
    version="updated_at",
)
ORDERS = Table(
    name="orders",
    columns={
        "id": "text",
        "name": "text",
        "customer_id": "text",
        "email": "text",
        "phone": "text",
        "created_at": "timestamp",
        "processed_at": "timestamp",
        "updated_at": "timestamp",
        "cancelled_at": "timestamp",
        "test": "bool",
        "financial_status": "text",
        "fulfillment_status": "text",
        "currency_code": "text",
        "total_amount": "decimal",
        "subtotal_amount": "decimal",
        "discount_amount": "decimal",
        "shipping_amount": "decimal",
        "tax_amount": "decimal",
        "refunded_amount": "decimal",
        "source_name": "text",
        "customer_locale": "text",
        "discount_codes": "json",
        "shipping_address": "json",
        "customer_journey": "json",
        "line_items": "json",
    },
    required=KEPT | {"currency_code", "total_amount"},
    version="updated_at",
)
PRODUCTS = Table(
    name="products",
    columns={
        "id": "text",
        "title": "text",
        "handle": "text",
        "url": "text",
        "image_url": "text",
        "vendor": "text",
        "product_type": "text",
        "status": "text",
        "tags": "json",
        "total_inventory": "bigint",
        "price_min_amount": "decimal",
        "price_max_amount": "decimal",
        "currency_code": "text",
        "created_at": "timestamp",
        "updated_at": "timestamp",
    },
    required=KEPT,
    version="updated_at",
)
TABLES = (CUSTOMERS, ORDERS, PRODUCTS)


def customer_row(node: Record) -> Record:
    """A GraphQL Customer in the columns of `raw_shopify.customers`."""
    email = node.get("defaultEmailAddress") or {}
    address = node.get("defaultAddress") or {}
    return {
        "id": node.get("id"),
        "first_name": node.get("firstName"),
        "last_name": node.get("lastName"),
        "email": email.get("emailAddress"),
        "phone": dig(node, "defaultPhoneNumber", "phoneNumber"),
        "email_marketing_state": email.get("marketingState"),
        "email_marketing_opt_in_level": email.get("marketingOptInLevel"),
        "email_consent_updated_at": email.get("marketingUpdatedAt"),
        "locale": node.get("locale"),
        "country_code": address.get("countryCodeV2"),
        "city": address.get("city"),
        "zip": address.get("zip"),
        "address1": address.get("address1"),
        "province_code": address.get("provinceCode"),
        "note": node.get("note"),
        "tags": node.get("tags"),
        "number_of_orders": node.get("numberOfOrders"),
        "amount_spent": dig(node, "amountSpent", "amount"),
        "currency_code": dig(node, "amountSpent", "currencyCode"),
        "created_at": node.get("createdAt"),
        "updated_at": node.get("updatedAt"),
    }


def order_row(node: Record) -> Record:
    """A GraphQL Order with its lines in the columns of `raw_shopify.orders`."""
    lines = dig(node, "lineItems", "nodes")
    if not isinstance(lines, list):
        raise Unreadable("line_items is missing")
    return {
        "id": node.get("id"),
        "name": node.get("name"),
        "customer_id": dig(node, "customer", "id"),
        "email": node.get("email"),
        "phone": node.get("phone"),
        "created_at": node.get("createdAt"),
        "processed_at": node.get("processedAt"),
        "updated_at": node.get("updatedAt"),
        "cancelled_at": node.get("cancelledAt"),
        "test": node.get("test"),
        "financial_status": node.get("displayFinancialStatus"),
        "fulfillment_status": node.get("displayFulfillmentStatus"),
        "currency_code": node.get("currencyCode"),
        "total_amount": _shop_money(node, "totalPriceSet"),
        "subtotal_amount": _shop_money(node, "subtotalPriceSet"),
        "discount_amount": _shop_money(node, "totalDiscountsSet"),
        "shipping_amount": _shop_money(node, "totalShippingPriceSet"),
        "tax_amount": _shop_money(node, "totalTaxSet"),
        "refunded_amount": _shop_money(node, "totalRefundedSet"),
        "source_name": node.get("sourceName"),
        "customer_locale": node.get("customerLocale"),
        "discount_codes": node.get("discountCodes"),
        "shipping_address": node.get("shippingAddress"),
        "customer_journey": _journey(node),
        "line_items": [_line(line) for line in lines],
    }


def product_row(node: Record) -> Record:
    """A GraphQL Product in the columns of `raw_shopify.products`."""
    return {
        "id": node.get("id"),
        "title": node.get("title"),
        "handle": node.get("handle"),
        # Null while the product is not on sale in the online store.
        "url": node.get("onlineStoreUrl"),
        "image_url": dig(node, "featuredMedia", "preview", "image", "url"),
        "vendor": node.get("vendor"),
        "product_type": node.get("productType"),
        "status": node.get("status"),
        "tags": node.get("tags"),
        "total_inventory": node.get("totalInventory"),
        "price_min_amount": dig(node, "priceRangeV2", "minVariantPrice", "amount"),
        "price_max_amount": dig(node, "priceRangeV2", "maxVariantPrice", "amount"),
        "currency_code": dig(node, "priceRangeV2", "minVariantPrice", "currencyCode"),
        "created_at": node.get("createdAt"),
        "updated_at": node.get("updatedAt"),
    }


def _shop_money(node: Record, name: str) -> Any:
    return dig(node, name, "shopMoney", "amount")


def _journey(node: Record) -> Record | None:
    visit = dig(node, "customerJourneySummary", "lastVisit")
    if visit is None:
        return None
    return {
        "utm_source": dig(visit, "utmParameters", "source"),
        "utm_campaign": dig(visit, "utmParameters", "campaign"),
        "landing_page": visit.get("landingPage"),
    }


def _line(line: Record) -> Record:
    if not line.get("id"):
        raise Unreadable("line_items: a line without id")
    return {
        "id": line["id"],
        "product_id": dig(line, "product", "id"),
        "variant_id": dig(line, "variant", "id"),
        "sku": line.get("sku"),
        "title": line.get("title"),
        "quantity": line.get("quantity"),
        "current_quantity": line.get("currentQuantity"),
        "unit_price_amount": _shop_money(line, "originalUnitPriceSet"),
        "discount_amount": _shop_money(line, "totalDiscountSet"),
        "currency_code": dig(line, "originalUnitPriceSet", "shopMoney", "currencyCode"),
    }
