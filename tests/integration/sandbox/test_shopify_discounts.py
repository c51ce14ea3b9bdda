"""The store's discount codes over its Admin GraphQL: made in the background, each once."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from rapport.clock import FixedClock
from rapport.sandbox import shopify

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
CREATE = (
    "mutation($d: DiscountCodeBasicInput!) { discountCodeBasicCreate(basicCodeDiscount: $d) {"
    " codeDiscountNode { id codeDiscount { ... on DiscountCodeBasic { title usageLimit } } }"
    " userErrors { code field message } } }"
)
ADD = (
    "mutation($id: ID!, $codes: [DiscountRedeemCodeInput!]!) {"
    " discountRedeemCodeBulkAdd(discountId: $id, codes: $codes) {"
    " bulkCreation { id done } userErrors { code field message } } }"
)
STATE = (
    "query($id: ID!) { discountRedeemCodeBulkCreation(id: $id) { done importedCount failedCount"
    " codes(first: 250) { nodes { code discountRedeemCode { id } errors { code } } } } }"
)
DISCOUNT = {
    "title": "Ten",
    "code": "TEN-1",
    "startsAt": "2026-03-02T06:00:00Z",
    "context": {"all": "ALL"},
    "customerGets": {"items": {"all": True}, "value": {"percentage": 0.1}},
    "usageLimit": 1,
}


@pytest.fixture
def ask(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    http = TestClient(shopify.app(tmp_path, FixedClock(NOW)), headers={"X-Shopify-Access-Token": shopify.TOKEN})

    def post(query: str, **variables: Any) -> dict[str, Any]:
        answer: dict[str, Any] = http.post(shopify.PATH, json={"query": query, "variables": variables}).json()
        return answer

    return post


def test_codes_of_a_discount_are_made_in_the_background_and_once(ask: Callable[..., dict[str, Any]]) -> None:
    node = ask(CREATE, d=DISCOUNT)["data"]["discountCodeBasicCreate"]["codeDiscountNode"]
    assert node["codeDiscount"] == {"title": "Ten", "usageLimit": 1}
    taken = ask(CREATE, d=DISCOUNT | {"code": "ten-1"})["data"]["discountCodeBasicCreate"]
    assert taken["codeDiscountNode"] is None
    assert taken["userErrors"][0]["code"] == "TAKEN"
    assert taken["userErrors"][0]["field"] == ["basicCodeDiscount", "code"]
    added = ask(ADD, id=node["id"], codes=[{"code": "TEN-2"}, {"code": "Ten-1"}])
    assert added["extensions"]["cost"]["requestedQueryCost"] == 10
    creation = added["data"]["discountRedeemCodeBulkAdd"]["bulkCreation"]
    assert creation["done"] is False
    states = [ask(STATE, id=creation["id"])["data"]["discountRedeemCodeBulkCreation"] for _ in range(2)]
    assert [(state["done"], state["importedCount"], state["failedCount"]) for state in states] == [
        (False, 0, 0),
        (True, 1, 1),
    ]
    made, refused = states[1]["codes"]["nodes"]
    assert made["discountRedeemCode"]
    assert not made["errors"]
    assert refused["discountRedeemCode"] is None
    assert refused["errors"] == [{"code": "TAKEN"}]
    by_code = "query($code: String!) { codeDiscountNodeByCode(code: $code) { id } }"
    assert ask(by_code, code="tEn-2")["data"]["codeDiscountNodeByCode"] == {"id": node["id"]}
    assert ask(by_code, code="TEN-3")["data"]["codeDiscountNodeByCode"] is None


def test_too_many_codes_at_once_are_refused_as_a_whole(ask: Callable[..., dict[str, Any]]) -> None:
    node = ask(CREATE, d=DISCOUNT)["data"]["discountCodeBasicCreate"]["codeDiscountNode"]
    answer = ask(ADD, id=node["id"], codes=[{"code": f"C-{at}"} for at in range(251)])
    assert answer["errors"][0]["extensions"]["code"] == "MAX_INPUT_SIZE_EXCEEDED"
    unknown = ask(ADD, id="gid://shopify/DiscountCodeNode/7", codes=[{"code": "C"}])["data"][
        "discountRedeemCodeBulkAdd"
    ]
    assert unknown["userErrors"][0]["field"] == ["discountId"]


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        ({"title": " "}, "BLANK"),
        ({"customerGets": {"value": {"percentage": 10}}}, "VALUE_OUTSIDE_RANGE"),
        ({"endsAt": "2026-03-01T06:00:00Z"}, "END_DATE_BEFORE_START_DATE"),
    ],
    ids=["title", "percentage", "end"],
)
def test_a_discount_that_makes_no_sense_is_refused(
    ask: Callable[..., dict[str, Any]], edit: dict[str, Any], code: str
) -> None:
    payload = ask(CREATE, d=DISCOUNT | edit)["data"]["discountCodeBasicCreate"]
    assert payload["codeDiscountNode"] is None
    assert [error["code"] for error in payload["userErrors"]] == [code]
