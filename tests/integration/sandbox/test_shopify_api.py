"""The store's server speaks Shopify's Admin GraphQL: paging, filters, cost, throttling, bulk operations, faults."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from rapport.clock import FixedClock
from rapport.sandbox import shopify
from rapport.sandbox.faults import Faults
from rapport.sandbox.limits import LeakyBucket
from rapport.sandbox.shopify_cost import list_weight
from rapport.sandbox.store import open_world
from rapport.sandbox.world import generate, place_order

ORIGIN = datetime(2026, 3, 2, 6, tzinfo=UTC)
IDS = "query($n: Int!, $after: String, $q: String) { %s(first: $n, after: $after, query: $q, sortKey: UPDATED_AT) {" \
      " nodes { id updatedAt } pageInfo { hasNextPage endCursor } } }"  # fmt: skip
Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def world_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("shop")
    generate(directory, seed=11, customers=60, origin=ORIGIN)
    return directory


def client(
    directory: Path, at: datetime = ORIGIN, faults: Faults | None = None, bucket: LeakyBucket | None = None
) -> TestClient:
    app = shopify.app(directory, FixedClock(at), faults, bucket=bucket or LeakyBucket(1e9, 1))
    return TestClient(app, headers={"X-Shopify-Access-Token": shopify.TOKEN})


def asker(http: TestClient) -> Ask:
    def ask(query: str, **variables: Any) -> dict[str, Any]:
        response = http.post(shopify.PATH, json={"query": query, "variables": variables})
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    return ask


@pytest.fixture
def ask(world_dir: Path) -> Ask:
    return asker(client(world_dir))


def pages(ask: Ask, kind: str, size: int, filter_: str | None = None) -> list[list[dict[str, Any]]]:
    found, after = [], None
    while True:
        listing = ask(IDS % kind, n=size, after=after, q=filter_)["data"][kind]
        found.append(listing["nodes"])
        if not listing["pageInfo"]["hasNextPage"]:
            return found
        after = listing["pageInfo"]["endCursor"]


@pytest.mark.parametrize("kind", ["customers", "orders", "products"])
def test_pages_hold_everything_once_in_order(world_dir: Path, ask: Ask, kind: str) -> None:
    total = open_world(world_dir).execute(f"select count(*) from shopify_{kind}").fetchone()[0]
    size = max(2, total // 3 + total % 3 - 1)
    found = pages(ask, kind, size)
    assert len(found) >= 3
    assert 0 < len(found[-1]) < size
    flat = [node for page in found for node in page]
    assert len({node["id"] for node in flat}) == len(flat) == total
    assert [node["updatedAt"] for node in flat] == sorted(node["updatedAt"] for node in flat)


def test_a_search_bounds_the_time_of_change(ask: Ask) -> None:
    every = [node["updatedAt"] for page in pages(ask, "orders", 250) for node in page]
    edge = every[len(every) // 2]
    late = [node["updatedAt"] for page in pages(ask, "orders", 250, f"updated_at:>='{edge}'") for node in page]
    later = [node["updatedAt"] for page in pages(ask, "orders", 250, f"updated_at:>'{edge}'") for node in page]
    assert late == [at for at in every if at >= edge]
    assert later == [at for at in every if at > edge]
    both = f"updated_at:>='{every[3]}' AND updated_at:<{edge}"
    assert len([1 for page in pages(ask, "orders", 250, both) for _ in page]) == sum(
        every[3] <= at < edge for at in every
    )


@pytest.mark.parametrize("search", ["updated:>='2026-01-01'", "updated_at:>=yesterday", "shoes"])
def test_a_search_it_does_not_understand_is_refused(ask: Ask, search: str) -> None:
    answer = ask(IDS % "orders", n=5, after=None, q=search)
    assert "does not understand" in answer["errors"][0]["message"]


def test_money_is_decimal_text(world_dir: Path, ask: Ask) -> None:
    stored = json.loads(open_world(world_dir).execute("select doc from shopify_orders order by id").fetchone()["doc"])
    order = ask(
        "query($id: ID!) { order(id: $id) { totalPriceSet { shopMoney { amount currencyCode } }"
        " customer { id displayName }"
        " lineItems(first: 9) { nodes { product { title } variant { price sku } quantity } } } }", id=stored["id"]
    )["data"]["order"]  # fmt: skip
    amount = order["totalPriceSet"]["shopMoney"]["amount"]
    assert isinstance(amount, str)
    assert round(float(amount) * 100) == stored["totalPriceSet"]
    assert [line["quantity"] for line in order["lineItems"]["nodes"]] == [
        line["quantity"] for line in stored["lineItems"]
    ]
    assert all(line["product"]["title"] and line["variant"]["sku"] for line in order["lineItems"]["nodes"])


def test_lines_of_an_order_are_paged_too(world_dir: Path, ask: Ask) -> None:
    row = open_world(world_dir).execute(
        "select doc from shopify_orders where json_array_length(doc, '$.lineItems') >= 3 limit 1"
    ).fetchone()  # fmt: skip
    stored = json.loads(row["doc"])
    query = (
        "query($id: ID!, $after: String) { order(id: $id) { lineItems(first: 2, after: $after) {"
        " edges { cursor node { id } } pageInfo { hasNextPage endCursor } } } }"
    )
    found, after, more = [], None, True
    while more:
        lines = ask(query, id=stored["id"], after=after)["data"]["order"]["lineItems"]
        found += [edge["node"]["id"] for edge in lines["edges"]]
        after, more = lines["pageInfo"]["endCursor"], lines["pageInfo"]["hasNextPage"]
    assert found == [line["id"] for line in stored["lineItems"]]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("{ orders { nodes { id } } }", "first or last"),
        ("{ orders(first: 251) { nodes { id } } }", "between 1 and 250"),
        ('{ orders(first: 1, after: "zzz") { nodes { id } } }', "Invalid cursor"),
        ("{ customers(first: 1) { nodes { acceptsMarketing } } }", "acceptsMarketing"),
        ("{ orders(first: 1) {", "Syntax Error"),
    ],
)
def test_a_wrong_query_says_why(ask: Ask, query: str, reason: str) -> None:
    assert reason in ask(query)["errors"][0]["message"]


def test_a_bad_token_and_a_bad_body_are_refused(world_dir: Path) -> None:
    http = client(world_dir)
    refused = http.post(shopify.PATH, json={"query": "{ shop { name } }"}, headers={"X-Shopify-Access-Token": "x"})
    assert refused.status_code == 401
    assert "Invalid API key" in refused.json()["errors"]
    assert http.post(shopify.PATH, content=b"{").status_code == 400


def test_the_answer_states_its_cost(ask: Ask) -> None:
    cost = ask("{ products(first: 50) { nodes { id priceRangeV2 { minVariantPrice { amount } } } } }")["extensions"][
        "cost"
    ]
    assert cost["requestedQueryCost"] == -(-(2 + list_weight(50) * 3) // 1)
    assert 0 < cost["actualQueryCost"] <= cost["requestedQueryCost"]
    assert set(cost["throttleStatus"]) == {"maximumAvailable", "currentlyAvailable", "restoreRate"}


def test_an_empty_bucket_throttles_until_it_has_refilled(world_dir: Path) -> None:
    now = [0.0]
    ask = asker(client(world_dir, bucket=LeakyBucket(60, 10, lambda: now[0])))
    query = "{ customers(first: 100) { nodes { id defaultAddress { city } defaultEmailAddress { emailAddress } } } }"
    first = ask(query)
    assert "errors" not in first
    second = third = ask(query)
    while "errors" not in second:
        second = ask(query)
    assert second["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert "data" not in second
    status = second["extensions"]["cost"]
    now[0] += (status["requestedQueryCost"] - status["throttleStatus"]["currentlyAvailable"]) / 10 + 0.1
    third = ask(query)
    assert "errors" not in third


def test_a_query_dearer_than_any_may_be_is_refused(ask: Ask) -> None:
    line = "product { title } variant { price } originalUnitPriceSet { shopMoney { amount } }"
    dear = f"{{ orders(first: 250) {{ nodes {{ lineItems(first: 250) {{ nodes {{ {line} }} }} }} }} }}"
    dearer = dear.replace(
        "product {", "discounted: totalDiscountSet { shopMoney { amount } presentmentMoney { amount } } product {"
    )
    answer = ask(dearer.replace("lineItems(", "shippingAddress { city } billingAddress { city } lineItems("))
    assert answer["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"


def test_nothing_after_now_is_shown(world_dir: Path) -> None:
    earlier = ORIGIN - timedelta(days=200)
    ask = asker(client(world_dir, earlier))
    limit = earlier.strftime("%Y-%m-%dT%H:%M:%SZ")
    seen = [node for page in pages(ask, "orders", 100) for node in page]
    assert seen
    assert all(node["updatedAt"] <= limit for node in seen)
    hidden = open_world(world_dir).execute(
        "select json_extract(doc, '$.id') from shopify_orders where updated_at > ?", (earlier.timestamp(),)
    ).fetchone()[0]  # fmt: skip
    assert ask("query($id: ID!) { order(id: $id) { id } }", id=hidden)["data"] == {"order": None}


def test_what_happens_while_it_runs_is_seen(tmp_path: Path) -> None:
    generate(tmp_path, seed=2, customers=10, origin=ORIGIN)
    at = ORIGIN + timedelta(hours=1)
    ask = asker(client(tmp_path, at))
    order_id = place_order(open_world(tmp_path), 1, at, campaign="win_back")
    found = [node["id"] for page in pages(ask, "orders", 50, f"updated_at:>='{ORIGIN.isoformat()}'") for node in page]
    assert f"gid://shopify/Order/{order_id}" in found


BULK_ORDERS = "{ orders { edges { node { id name updatedAt lineItems { edges { node { id quantity } } } } } } }"
START = "mutation($q: String!, $g: Boolean!) { bulkOperationRunQuery(query: $q, groupObjects: $g) {" \
        " bulkOperation { id status } userErrors { message } } }"  # fmt: skip


def bulk(http: TestClient, query: str, *, grouped: bool = True) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    ask = asker(http)
    payload = ask(START, q=query, g=grouped)["data"]["bulkOperationRunQuery"]
    assert payload["userErrors"] == []
    poll = "query($id: ID!) { node(id: $id) { ... on BulkOperation { status objectCount rootObjectCount url } } }"
    for _ in range(600):
        operation: dict[str, Any] = ask(poll, id=payload["bulkOperation"]["id"])["data"]["node"]
        if operation["status"] not in ("CREATED", "RUNNING"):
            break
        time.sleep(0.02)
    assert operation["status"] == "COMPLETED"
    return operation, [json.loads(line) for line in http.get(operation["url"]).text.splitlines()]


def test_a_bulk_file_holds_what_paging_shows(world_dir: Path) -> None:
    http = client(world_dir)
    operation, lines = bulk(http, BULK_ORDERS)
    assert operation["objectCount"] == str(len(lines))
    orders = [line for line in lines if "__parentId" not in line]
    listed = asker(http)("{ orders(first: 250, sortKey: ID) { nodes { id name updatedAt lineItems(first: 20) {"
                         " nodes { id quantity } } } } }")["data"]["orders"]["nodes"]  # fmt: skip
    by_parent: dict[str, list[dict[str, Any]]] = {}
    parent = ""
    for line in lines:
        if "__parentId" not in line:
            parent = line["id"]
            continue
        assert line["__parentId"] == parent
        by_parent.setdefault(line.pop("__parentId"), []).append(line)
    whole = [order | {"lineItems": {"nodes": by_parent[order["id"]]}} for order in orders]
    assert whole[:250] == listed
    assert operation["rootObjectCount"] == str(len(orders))
    current = asker(http)("{ currentBulkOperation { status } }")
    assert current["data"]["currentBulkOperation"] == {"status": "COMPLETED"}


def test_an_ungrouped_bulk_file_puts_children_anywhere(world_dir: Path) -> None:
    _, lines = bulk(client(world_dir), BULK_ORDERS, grouped=False)
    kinds = ["__parentId" in line for line in lines]
    assert kinds == sorted(kinds)
    assert any(kinds)


@pytest.mark.parametrize(
    "query", ["{ shop { name } }", "{ orders { edges { node { nothing } } } }", "{ orders", "mutation { x }"]
)
def test_a_query_that_cannot_run_in_bulk_is_a_user_error(ask: Ask, query: str) -> None:
    payload = ask(START, q=query, g=True)["data"]["bulkOperationRunQuery"]
    assert payload["bulkOperation"] is None
    assert payload["userErrors"][0]["message"]


def test_faults_come_as_often_as_asked_and_then_end(world_dir: Path) -> None:
    http = client(world_dir)
    body = {"query": "{ products(first: 3) { nodes { id } pageInfo { hasNextPage endCursor } } }"}
    for kind, status in (("error_500", 500), ("rate_limited", 429), ("expired_token", 401)):
        assert http.post("/_sandbox/faults", json={kind: 1}).json()[kind] == 1
        response = http.post(shopify.PATH, json=body)
        assert response.status_code == status
        assert http.post(shopify.PATH, json=body).status_code == 200
    assert http.post("/_sandbox/faults", json={"typo": 1}).status_code == 400


def test_a_truncated_body_is_no_json(world_dir: Path) -> None:
    http = client(world_dir, faults=Faults(truncated=1))
    body = {"query": "{ products(first: 3) { nodes { id } } }"}
    with pytest.raises(json.JSONDecodeError):
        http.post(shopify.PATH, json=body).json()
    assert len(http.post(shopify.PATH, json=body).json()["data"]["products"]["nodes"]) == 3


def test_an_empty_page_leads_on_to_the_records(world_dir: Path) -> None:
    ask = asker(client(world_dir, faults=Faults(empty_page=2)))
    found = pages(ask, "products", 50)
    assert [len(page) for page in found] == [0, 0, 50, 30]
