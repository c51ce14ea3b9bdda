"""Shopify's client: three pages with a short last one, the cost bucket, lines beyond the first page, bulk files."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from rapport.errors import PermanentError, TransientError
from rapport.settings import Settings
from rapport.sources.shopify.bulk import bulk_listing
from rapport.sources.shopify.client import PATH, ShopifyClient
from rapport.sources.shopify.discounts import Discount, add_codes, create_discount
from rapport.sources.testing import Answer, FakeVendor, Request


def connection(nodes: list[Any], after: str | None = None) -> dict[str, Any]:
    return {"nodes": nodes, "pageInfo": {"hasNextPage": after is not None, "endCursor": after}}


def cost(requested: int, available: int) -> dict[str, Any]:
    status = {"maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": 100.0}
    return {"cost": {"requestedQueryCost": requested, "actualQueryCost": requested, "throttleStatus": status}}


def error(message: str, code: str) -> dict[str, Any]:
    return {"errors": [{"message": message, "extensions": {"code": code}}], "extensions": cost(500, 100)}


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def client(at_vendor: Settings, waits: list[float]) -> ShopifyClient:
    return ShopifyClient(at_vendor, wait=waits.append)


def test_every_page_is_read_past_an_empty_one(client: ShopifyClient, vendor: FakeVendor) -> None:
    pages = {None: (["a", "b"], "1"), "1": ([], "2"), "2": (["c", "d"], "3"), "3": (["e"], None)}

    def answer(request: Request) -> Answer:
        ids, after = pages[request.body["variables"]["after"]]
        return Answer({"data": {"customers": connection([{"id": i} for i in ids], after)}})

    vendor.answer = answer
    assert [[c["id"] for c in page] for page in client.listing("customers", None)] == [["a", "b"], ["c", "d"], ["e"]]
    assert vendor.requests[0].path == PATH
    assert vendor.requests[0].headers["x-shopify-access-token"] == "shopify-token"


def test_it_waits_for_the_bucket_before_the_next_call_and_when_throttled(
    client: ShopifyClient, vendor: FakeVendor, waits: list[float]
) -> None:
    vendor.faults.append(Answer(error("Throttled", "THROTTLED")))
    vendor.answer = lambda _: Answer({"data": {"products": connection([])}, "extensions": cost(500, 300)})
    assert list(client.listing("products", None)) == []
    assert waits == [4.0, 2.0]


def test_lines_beyond_the_first_page_are_fetched(client: ShopifyClient, vendor: FakeVendor) -> None:
    def answer(request: Request) -> Answer:
        if request.body["operationName"] == "orders":
            order = {"id": "o1", "lineItems": connection([{"id": "l1"}], "1")}
            return Answer({"data": {"orders": connection([order])}})
        after = {"1": "2", "2": None}[request.body["variables"]["after"]]
        return Answer({"data": {"order": {"lineItems": connection([{"id": f"l{after}"}], after)}}})

    vendor.answer = answer
    ((order,),) = client.listing("orders", None)
    assert [line["id"] for line in order["lineItems"]["nodes"]] == ["l1", "l2", "lNone"]


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("ACCESS_DENIED", PermanentError, "RAPPORT_SHOPIFY_TOKEN lacks a scope"),
        ("INTERNAL_SERVER_ERROR", TransientError, "internal error at Shopify"),
        ("MAX_COST_EXCEEDED", PermanentError, "customers was refused: too dear"),
    ],
)
def test_errors_of_graphql_say_whether_a_retry_helps(
    client: ShopifyClient, vendor: FakeVendor, code: str, kind: type[Exception], words: str
) -> None:
    vendor.answer = lambda _: Answer(error("too dear", code))
    with pytest.raises(kind, match=words):
        list(client.listing("customers", None))


class Bulk:
    """A shop that makes `lines` into a result file, which breaks off the first `broken` times it is fetched."""

    def __init__(self, vendor: FakeVendor, lines: list[Any], broken: int = 0) -> None:
        self.vendor, self.broken = vendor, broken
        self.file = "\n".join(json.dumps(line) for line in lines).encode()
        self.count = len(lines)

    def __call__(self, request: Request) -> Answer:
        if request.path != PATH:
            assert "x-shopify-access-token" not in request.headers
            self.broken -= 1
            return Answer(raw=self.file[: len(self.file) // 2] if self.broken >= 0 else self.file)
        if request.body["operationName"] == "startBulk":
            assert "$" not in request.body["variables"]["query"]
            started = {"bulkOperation": {"id": "b1", "status": "CREATED"}, "userErrors": []}
            return Answer({"data": {"bulkOperationRunQuery": started}})
        done = {"id": "b1", "status": "COMPLETED", "objectCount": str(self.count), "url": f"{self.vendor.url}/f.jsonl"}
        return Answer({"data": {"node": done}})


ORDERS = [{"id": "o1"}, {"id": "l1", "__parentId": "o1"}, {"id": "l2", "__parentId": "o1"}, {"id": "o2"}]


@pytest.mark.parametrize("broken", [0, 2])
def test_a_bulk_file_gives_orders_with_their_lines(client: ShopifyClient, vendor: FakeVendor, broken: int) -> None:
    vendor.answer = Bulk(vendor, ORDERS, broken)
    assert list(bulk_listing(client, "orders")) == [
        [
            {"id": "o1", "lineItems": {"nodes": [{"id": "l1"}, {"id": "l2"}]}},
            {"id": "o2", "lineItems": {"nodes": []}},
        ]
    ]


def test_a_bulk_file_that_keeps_breaking_off_gives_nothing(client: ShopifyClient, vendor: FakeVendor) -> None:
    vendor.answer = Bulk(vendor, ORDERS, broken=99)
    with pytest.raises(TransientError, match=r"bulk file of orders breaks off after \d of 4"):
        list(bulk_listing(client, "orders"))


def test_a_token_that_may_make_no_discounts_is_told_its_scope(client: ShopifyClient, vendor: FakeVendor) -> None:
    vendor.answer = lambda _: Answer(error("Access denied for discountCodeBasicCreate field.", "ACCESS_DENIED"))
    discount = Discount("Spring", datetime(2026, 3, 1, tzinfo=UTC), None, percent=Decimal(10))
    with pytest.raises(PermanentError, match="read_discounts and write_discounts"):
        create_discount(client, discount, "SPRING-1")


def test_a_batch_of_which_nothing_is_said_is_not_taken_for_made(client: ShopifyClient, vendor: FakeVendor) -> None:
    answers = {
        "addCodes": {"discountRedeemCodeBulkAdd": {"bulkCreation": {"id": "c1"}, "userErrors": []}},
        "addedCodes": {
            "discountRedeemCodeBulkCreation": {"done": True, "codes": connection([{"code": "A", "errors": []}])}
        },
    }
    vendor.answer = lambda request: Answer({"data": answers[request.body["operationName"]]})
    with pytest.raises(TransientError, match="nothing was said of 1 of 2 codes"):
        add_codes(client, "d1", ["A", "B"])


def test_codes_that_never_come_end_the_waiting(client: ShopifyClient, vendor: FakeVendor, waits: list[float]) -> None:
    answers = {
        "addCodes": {"discountRedeemCodeBulkAdd": {"bulkCreation": {"id": "c1"}, "userErrors": []}},
        "addedCodes": {"discountRedeemCodeBulkCreation": {"done": False}},
    }
    vendor.answer = lambda request: Answer({"data": answers[request.body["operationName"]]})
    with pytest.raises(TransientError, match="after 15 minutes"):
        add_codes(client, "d1", ["A"])
    assert sum(waits) >= 900
