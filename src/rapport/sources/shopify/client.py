"""Shopify Admin GraphQL over HTTP: paging that heeds the cost bucket, and nested pages read to their end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rapport.errors import PermanentError, TransientError
from rapport.settings import Settings
from rapport.sources.http import LONGEST_WAIT, Api
from rapport.sources.pages import PageGuard
from rapport.sources.records import dig
from rapport.sources.shopify.documents import document

API_VERSION = "2026-10"
PATH = f"/admin/api/{API_VERSION}/graphql.json"
PAGE_SIZES = {"customers": 100, "orders": 25, "products": 100}
LINES_PAGE_SIZE = 100
THROTTLED_TRIES = 20
DISCOUNT_OPERATIONS = {"discountByCode", "createDiscount", "addCodes", "addedCodes"}
SETTINGS = "RAPPORT_SHOPIFY_URL and RAPPORT_SHOPIFY_TOKEN"


class ShopifyClient:
    """Reads one shop. Raises TransientError or PermanentError, naming the operation."""

    def __init__(self, settings: Settings, wait: Callable[[float], None] = time.sleep) -> None:
        self.wait = wait
        self.api = Api(
            vendor="Shopify",
            base_url=settings.require("shopify_url"),
            settings=SETTINGS,
            headers={"X-Shopify-Access-Token": settings.require("shopify_token")},
            wait=wait,
        )

    def listing(self, kind: str, filter_: str | None) -> Iterator[list[dict[str, Any]]]:
        """Pages of `customers`, `orders` or `products` by time of change, oldest first."""
        guard = PageGuard(f"Shopify: {kind}")
        variables: dict[str, Any] = {"first": PAGE_SIZES[kind], "after": None, "filter": filter_}
        while True:
            connection = _connection(self.run(kind, variables), kind)
            page = connection["nodes"]
            if kind == "orders":
                for order in page:
                    self._complete_lines(order)
            if page:
                yield page
            after = _next(connection)
            if after is None:
                return
            guard.seen(len(page), after)
            variables = {**variables, "after": after}

    def _complete_lines(self, order: Any) -> None:
        """Reads the rest of an order's lines, beyond those that came with it."""
        lines = dig(order, "lineItems") if isinstance(order, dict) else None
        if not isinstance(lines, dict):
            return
        guard = PageGuard("Shopify: lines of an order")
        after = _next(lines)
        while after is not None:
            answer = self.run("orderLines", {"id": order["id"], "first": LINES_PAGE_SIZE, "after": after})
            more = _connection(answer.get("order") or {}, "lineItems")
            lines["nodes"].extend(more["nodes"])
            after = _next(more)
            if after is not None:
                guard.seen(len(more["nodes"]), after)

    def run(self, name: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """`data` of one operation of `queries.graphql`; waits for the cost bucket before and after it is empty."""
        body = {"query": document(name), "variables": dict(variables), "operationName": name}
        for _ in range(THROTTLED_TRIES):
            answer = self.api.post(PATH, body)
            errors = answer.get("errors")
            if not errors:
                self._rest(answer)
                data = answer.get("data")
                if not isinstance(data, dict):
                    raise TransientError(f"Shopify: {name} answered neither data nor errors")
                return data
            if not _is_throttled(errors):
                raise _refusal(name, errors)
            self.wait(max(0.5, seconds_to_refill(answer)))
        raise TransientError(f"Shopify: {name} was throttled {THROTTLED_TRIES} times; other apps share the bucket")

    def _rest(self, answer: Mapping[str, Any]) -> None:
        """Waits until the bucket holds the cost of one more call like this, so that it is not refused first."""
        seconds = seconds_to_refill(answer)
        if seconds > 0:
            self.wait(seconds)


def seconds_to_refill(answer: Mapping[str, Any]) -> float:
    """Seconds until the cost bucket covers the query just made; 0 when it does or nothing is known."""
    cost = dig(answer, "extensions", "cost") or {}
    status = cost.get("throttleStatus") or {}
    rate = float(status.get("restoreRate") or 0)
    lacking = float(cost.get("requestedQueryCost") or 0) - float(status.get("currentlyAvailable") or 0)
    if rate <= 0 or lacking <= 0:
        return 0.0
    return min(lacking / rate, LONGEST_WAIT)


def _is_throttled(errors: Any) -> bool:
    return isinstance(errors, list) and any(_code(error) == "THROTTLED" for error in errors)


def _code(error: Any) -> str:
    return str(dig(error, "extensions", "code") or "") if isinstance(error, dict) else ""


def _refusal(name: str, errors: Any) -> Exception:
    if not isinstance(errors, list):
        return PermanentError(f"Shopify: {name} was refused; check {SETTINGS}")
    codes = {_code(error) for error in errors}
    if "INTERNAL_SERVER_ERROR" in codes:
        return TransientError(f"Shopify: {name} met an internal error at Shopify")
    if "ACCESS_DENIED" in codes and name in DISCOUNT_OPERATIONS:
        return PermanentError(
            f"Shopify: {name} was denied: the token of RAPPORT_SHOPIFY_TOKEN lacks a scope; making coupons needs "
            "read_discounts and write_discounts, and a new token after they were granted"
        )
    if "ACCESS_DENIED" in codes:
        return PermanentError(
            f"Shopify: {name} was denied: the token of RAPPORT_SHOPIFY_TOKEN lacks a scope; "
            "read_customers, read_orders (and read_all_orders for orders older than 60 days), read_products are needed"
        )
    first = errors[0].get("message", "") if isinstance(errors[0], dict) else ""
    return PermanentError(f"Shopify: {name} was refused: {str(first)[:200]}")


def _connection(data: Mapping[str, Any], kind: str) -> dict[str, Any]:
    connection = data.get(kind)
    if not isinstance(connection, dict) or not isinstance(connection.get("nodes"), list):
        raise TransientError(f"Shopify: {kind} answered without its list of nodes")
    return connection


def _next(connection: Mapping[str, Any]) -> str | None:
    info = connection.get("pageInfo") or {}
    return (info.get("endCursor") or None) if info.get("hasNextPage") else None
