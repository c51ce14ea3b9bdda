"""The store's discount codes: one made with its discount, others added in the background, each at most once."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from sqlite3 import Connection
from typing import TYPE_CHECKING, Any

import orjson
from graphql import GraphQLError, GraphQLResolveInfo

from rapport.db import load_queries
from rapport.sandbox.store import transaction
from rapport.sandbox.times import epoch_of, iso

if TYPE_CHECKING:
    from rapport.sandbox.shopify_schema import Context

Doc = dict[str, Any]
SQL = load_queries("rapport.sandbox", "discounts.sql")
# The vendor's limit of every list that is an argument.
CODES_AT_ONCE = 250
LONGEST_CODE = 255
_KEPT = ("title", "startsAt", "endsAt", "usageLimit")


def _by_code(_: Any, info: GraphQLResolveInfo[Context], code: str) -> Doc | None:
    row = info.context.con.execute(SQL["by_code"], {"code": code}).fetchone()
    return None if row is None else _node(row["discount_id"], row["doc"])


def _create(_: Any, info: GraphQLResolveInfo[Context], basicCodeDiscount: Doc) -> Doc:  # noqa: N803 - the API's spelling
    con, asked = info.context.con, basicCodeDiscount
    errors = _faults(asked)
    if not errors and con.execute(SQL["by_code"], {"code": asked["code"]}).fetchone():
        errors = [_error("TAKEN", "Code must be unique. Please try a different code.", "code")]
    if errors:
        return {"codeDiscountNode": None, "userErrors": errors}
    doc = {key: asked.get(key) for key in _KEPT}
    doc |= {"appliesOncePerCustomer": bool(asked.get("appliesOncePerCustomer")), "value": asked["customerGets"]}
    text = orjson.dumps(doc, default=str).decode()
    with transaction(con):
        number = con.execute(SQL["add_discount"], {"doc": text}).fetchone()["id"]
        con.execute(SQL["add_code"], {"code": asked["code"], "discount_id": number}).fetchone()
    return {"codeDiscountNode": _node(number, text), "userErrors": []}


def _add(_: Any, info: GraphQLResolveInfo[Context], codes: list[Doc], discountId: str) -> Doc:  # noqa: N803
    if len(codes) > CODES_AT_ONCE:
        raise GraphQLError(
            f"The input array size of {len(codes)} is greater than the maximum allowed of {CODES_AT_ONCE}.",
            extensions={"code": "MAX_INPUT_SIZE_EXCEEDED"},
        )
    con, number = info.context.con, _number(discountId)
    if con.execute(SQL["discount"], {"id": number}).fetchone() is None:
        return {"bulkCreation": None, "userErrors": [_error("INVALID", "Code discount does not exist.", "discountId")]}
    if not codes:
        return {"bulkCreation": None, "userErrors": [_error("BLANK", "Codes can't be blank", "codes")]}
    with transaction(con):
        results = [_added(con, number, code["code"]) for code in codes]
        creation: Doc = {"discount": number, "createdAt": iso(info.context.now), "codes": results}
        key = con.execute(SQL["add_creation"], {"doc": orjson.dumps(creation).decode()}).fetchone()["id"]
    return {"bulkCreation": _creation(con, key, creation, done=False), "userErrors": []}


def _added(con: Connection, discount: int, code: str) -> Doc:
    fault = ("BLANK", "Code can't be blank") if not code.strip() else None
    if len(code) > LONGEST_CODE:
        fault = ("TOO_LONG", f"Code is too long (maximum is {LONGEST_CODE} characters)")
    row = None if fault else con.execute(SQL["add_code"], {"code": code, "discount_id": discount}).fetchone()
    if row is None:
        fault = fault or ("TAKEN", "Code must be unique. Please try a different code.")
        return {"code": code, "discountRedeemCode": None, "errors": [_error(*fault, "code")]}
    made = {"id": f"gid://shopify/DiscountRedeemCode/{row['id']}", "code": code, "asyncUsageCount": 0}
    return {"code": code, "discountRedeemCode": made, "errors": []}


def _state(_: Any, info: GraphQLResolveInfo[Context], id: str) -> Doc | None:
    """Queued when it is asked for the first time, as a busy store would say, and run after that."""
    row = info.context.con.execute(SQL["poll"], {"id": _number(id)}).fetchone()
    return None if row is None else _creation(info.context.con, _number(id), orjson.loads(row["doc"]), row["polls"] > 1)


def _creation(con: Connection, key: int, doc: Mapping[str, Any], done: bool) -> Doc:
    results: list[Doc] = doc["codes"]
    failed = sum(bool(result["errors"]) for result in results)
    row = con.execute(SQL["discount"], {"id": doc["discount"]}).fetchone()
    return {
        "id": f"gid://shopify/DiscountRedeemCodeBulkCreation/{key}",
        "codes": results if done else [result | {"discountRedeemCode": None, "errors": []} for result in results],
        "codesCount": len(results),
        "createdAt": doc["createdAt"],
        "discountCode": _node(doc["discount"], row["doc"]),
        "done": done,
        "failedCount": failed if done else 0,
        "importedCount": len(results) - failed if done else 0,
    }


def _node(number: int, doc: str) -> Doc:
    discount = orjson.loads(doc) | {"__typename": "DiscountCodeBasic"}
    return {"id": f"gid://shopify/DiscountCodeNode/{number}", "codeDiscount": discount}


def _faults(asked: Doc) -> list[Doc]:
    faults = [
        _error("BLANK", f"{key.capitalize()} can't be blank", key)
        for key in ("title", "code")
        if not (asked.get(key) or "").strip()
    ]
    value = (asked.get("customerGets") or {}).get("value") or {}
    if not _is_value(value):
        faults.append(_error("VALUE_OUTSIDE_RANGE", "Value must be between 0.0 and 1.0", "customerGets", "value"))
    if "context" not in asked:
        faults.append(_error("BLANK", "Context can't be blank", "context"))
    if not asked.get("startsAt"):
        faults.append(_error("BLANK", "Starts at can't be blank", "startsAt"))
    elif asked.get("endsAt") and epoch_of(asked["endsAt"]) <= epoch_of(asked["startsAt"]):
        faults.append(_error("END_DATE_BEFORE_START_DATE", "Ends at must be after starts at", "endsAt"))
    return faults


def _is_value(value: Doc) -> bool:
    if "percentage" in value:
        return bool(0 < value["percentage"] <= 1)
    try:
        return Decimal(str(value["discountAmount"]["amount"])) > 0
    except (KeyError, InvalidOperation):
        return False


def _error(code: str, message: str, *path: str) -> Doc:
    within = () if path[0] in ("codes", "discountId") else ("basicCodeDiscount",)
    return {"code": code, "extraInfo": None, "field": [*within, *path], "message": message}


def _number(gid: str) -> int:
    tail = gid.rpartition("/")[2]
    return int(tail) if tail.isdigit() else 0


RESOLVERS: dict[str, Any] = {
    "QueryRoot.codeDiscountNodeByCode": _by_code,
    "QueryRoot.discountRedeemCodeBulkCreation": _state,
    "Mutation.discountCodeBasicCreate": _create,
    "Mutation.discountRedeemCodeBulkAdd": _add,
}
