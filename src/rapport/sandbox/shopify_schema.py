"""The store's GraphQL schema with its resolvers: documents from the world, money from pence to decimal text."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from sqlite3 import Connection
from typing import Any

import orjson
from graphql import GraphQLError, GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema, build_schema, get_named_type

from rapport.db import load_queries
from rapport.sandbox.catalogue import CURRENCY
from rapport.sandbox.faults import Faults
from rapport.sandbox.records import loads
from rapport.sandbox.shopify_discounts import RESOLVERS
from rapport.sandbox.shopify_search import Window, window

Doc = dict[str, Any]
PAGES = load_queries("rapport.sandbox", "pages.sql")
PAGE_LIMIT = 250
BULK_PAGE = 500
_SORTS = {"UPDATED_AT": "updated_at", "CREATED_AT": "created_at", "PROCESSED_AT": "created_at", "ID": "id"}
_KINDS = {"Customer": "customer", "Order": "order", "Product": "product"}
_START = {"last_id": 0, "last_value": -1}


@dataclass
class Context:
    """What one execution may see: the world up to `now` (epoch seconds). `bulk` lifts the page limits."""

    con: Connection
    now: float
    faults: Faults
    bulk: bool = False
    after: str | None = None
    start_bulk: Callable[[str, bool], Doc] | None = None
    bulk_operations: dict[str, Doc] = field(default_factory=dict)
    products: dict[str, Doc] = field(default_factory=dict)


class _Reference(dict[str, Any]):
    """A document known by its id and read only when something else of it is asked."""

    def __init__(self, gid: str, load: Callable[[], Doc | None]) -> None:
        super().__init__(id=gid)
        self._load = load

    def __missing__(self, key: str) -> Any:
        self.update(self._load() or {})
        return self.get(key)


class _Listing(dict[str, Any]):
    """A connection; its edges are made only when asked for."""

    def __init__(self, nodes: list[Doc], cursors: list[str], more: bool, first_page: bool, end: str | None) -> None:
        info = {"hasNextPage": more, "hasPreviousPage": not first_page, "endCursor": end}
        super().__init__(nodes=nodes, pageInfo=info | {"startCursor": cursors[0] if cursors else None})
        self._cursors = cursors

    def __missing__(self, key: str) -> Any:
        if key != "edges":
            return None
        return [{"cursor": cursor, "node": node} for cursor, node in zip(self._cursors, self["nodes"], strict=True)]


def resolve(source: Any, info: GraphQLResolveInfo[Context], **_: Any) -> Any:
    """The default: the document's key of the field's name."""
    return source.get(info.field_name) if type(source) is dict else source[info.field_name]


@cache
def schema() -> GraphQLSchema:
    """The executable schema, made once."""
    text = files("rapport.sandbox").joinpath("admin_2026_10.graphql").read_text(encoding="utf-8")
    made = build_schema(text)
    for type_ in made.type_map.values():
        if isinstance(type_, GraphQLObjectType):
            for name, described in type_.fields.items():
                resolver = _BY_TYPE.get(get_named_type(described.type).name)
                described.resolve = _BY_FIELD.get(f"{type_.name}.{name}", resolver)
    made.type_map["Node"].resolve_type = _type_of  # type: ignore[attr-defined]
    return made


def load(context: Context, gid: str) -> Doc | None:
    """The document of a `gid://shopify/Kind/id`, or None when the world holds none yet."""
    kind, _, number = gid.removeprefix("gid://shopify/").partition("/")
    if kind == "BulkOperation":
        return context.bulk_operations.get(gid)
    if kind not in _KINDS or not number.isdigit():
        return None
    row = context.con.execute(PAGES[f"one_{_KINDS[kind]}"], {"id": int(number), "now": context.now}).fetchone()
    return None if row is None else loads(row["doc"])


def _listing(kind: str) -> Callable[..., _Listing]:
    def resolver(
        _: Any, info: GraphQLResolveInfo[Context], first: int | None = None, after: str | None = None,
        query: str | None = None, sortKey: str = "ID", reverse: bool = False,  # noqa: N803 - the API's spelling
    ) -> _Listing:  # fmt: skip
        context: Context = info.context
        if reverse:
            raise GraphQLError("the sandbox lists forward only")
        size = BULK_PAGE if context.bulk else _size(first)
        after = context.after if context.bulk else after
        position = _decode(after) if after else _START
        if not context.bulk and context.faults.take("empty_page"):
            # Another cursor for the same place, as a pager that goes on would give.
            again = _encode(position | {"skipped": position.get("skipped", 0) + 1})
            return _Listing([], [], True, after is None, again)
        listing = _page(context, kind, _SORTS[sortKey], size, position, window(query), after is None)
        if context.bulk:
            context.after = listing["pageInfo"]["endCursor"] if listing["pageInfo"]["hasNextPage"] else None
        return listing

    return resolver


def _page(
    context: Context, kind: str, sort: str, size: int, position: Doc, within: Window, first_page: bool
) -> _Listing:
    values = within.values() | {
        "id": position["last_id"],
        "value": position["last_value"],
        "now": context.now,
        "limit": size + 1,
    }
    rows = context.con.execute(PAGES[f"{kind}_by_{sort}"], values).fetchall()
    page = rows[:size]
    cursors = [_encode({"last_id": row["id"], "last_value": row["value"]}) for row in page]
    nodes = [loads(row["doc"]) for row in page]
    return _Listing(nodes, cursors, len(rows) > size, first_page, cursors[-1] if cursors else None)


def _nested(
    source: Doc, info: GraphQLResolveInfo[Context], first: int | None = None, after: str | None = None
) -> _Listing:
    items: list[Doc] = source[info.field_name]
    bulk = info.context.bulk
    start = 0 if bulk or not after else int(_decode(after)["last_id"])
    end = len(items) if bulk else start + _size(first)
    cursors = [_encode({"last_id": at + 1}) for at in range(start, min(end, len(items)))]
    return _Listing(items[start:end], cursors, end < len(items), start == 0, cursors[-1] if cursors else None)


def _size(first: int | None) -> int:
    if first is None:
        raise GraphQLError("you must provide one of first or last", extensions={"code": "BAD_REQUEST"})
    if not 1 <= first <= PAGE_LIMIT:
        raise GraphQLError(f"first must be between 1 and {PAGE_LIMIT}", extensions={"code": "BAD_REQUEST"})
    return first


def _encode(position: Doc) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(position)).decode()


def _decode(cursor: str) -> Doc:
    try:
        position: Doc = orjson.loads(base64.urlsafe_b64decode(cursor))
        return {"last_id": position["last_id"], "last_value": position.get("last_value", -1)} | position
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise GraphQLError("Invalid cursor for current pagination sort.") from error


def _money(source: Any, info: GraphQLResolveInfo[Context]) -> Any:
    pence = resolve(source, info)
    return _amount(pence) if isinstance(pence, int) else pence


def _bag(source: Any, info: GraphQLResolveInfo[Context]) -> Any:
    pence = resolve(source, info)
    return {"shopMoney": _amount(pence), "presentmentMoney": _amount(pence)} if isinstance(pence, int) else pence


def _amount(pence: int) -> Doc:
    return {"amount": _decimal(pence), "currencyCode": CURRENCY}


def _decimal(pence: int) -> str:
    """`12.34`, and `12.0` for whole pounds, as the store writes them."""
    text = f"{pence // 100}.{pence % 100:02d}"
    return text[:-1] if text.endswith("0") else text


def _price(source: Any, info: GraphQLResolveInfo[Context]) -> str:
    return _decimal(resolve(source, info))


def _big_number(source: Any, info: GraphQLResolveInfo[Context]) -> str | None:
    """The API writes numbers beyond 32 bits as text."""
    number = resolve(source, info)
    return None if number is None else str(number)


def _order_customer(source: Doc, info: GraphQLResolveInfo[Context]) -> Doc | None:
    return _referred(source["customer"], info.context)


def _line_product(source: Doc, info: GraphQLResolveInfo[Context]) -> Doc | None:
    return _referred(source["product"], info.context)


def _line_variant(source: Doc, info: GraphQLResolveInfo[Context]) -> Doc | None:
    variant = source["variant"]
    if variant is None:
        return None
    context: Context = info.context
    return _Reference(variant["id"], lambda: _product(context, source["product"]["id"])["variants"][0])


def _referred(stub: Doc | None, context: Context) -> Doc | None:
    if stub is None:
        return None
    gid = stub["id"]
    return _Reference(gid, lambda: _product(context, gid) if "/Product/" in gid else load(context, gid))


def _product(context: Context, gid: str) -> Doc:
    if gid not in context.products:
        context.products[gid] = load(context, gid) or {"variants": [{}]}
    return context.products[gid]


def _by_id(_: Any, info: GraphQLResolveInfo[Context], id: str) -> Doc | None:
    found = load(info.context, id)
    expected = get_named_type(info.return_type).name
    return found if expected in ("Node", id.split("/")[3] if id.count("/") == 4 else "") else None


def _by_ids(_: Any, info: GraphQLResolveInfo[Context], ids: list[str]) -> list[Doc | None]:
    return [load(info.context, gid) for gid in ids]


def _type_of(value: Doc, *_: Any) -> str:
    return str(value["id"]).split("/")[3]


def _shop(*_: Any) -> Doc:
    return {
        "id": "gid://shopify/Shop/1",
        "name": "The Shop",
        "currencyCode": CURRENCY,
        "ianaTimezone": "Europe/London",
        "myshopifyDomain": "shop.example",
    }


def _current_bulk(_: Any, info: GraphQLResolveInfo[Context], type: str = "QUERY") -> Doc | None:
    operations = list(info.context.bulk_operations.values())
    return operations[-1] if operations and type == "QUERY" else None


def _run_bulk(_: Any, info: GraphQLResolveInfo[Context], query: str, groupObjects: bool = False) -> Doc:  # noqa: N803
    starter = info.context.start_bulk
    if starter is None:
        raise GraphQLError("no bulk operation can be started here")
    payload: Doc = starter(query, groupObjects)
    return payload


_BY_TYPE: dict[str, Any] = {
    "MoneyV2": _money,
    "MoneyBag": _bag,
    "Money": _price,
    "UnsignedInt64": _big_number,
    "LineItemConnection": _nested,
    "ProductVariantConnection": _nested,
    "DiscountRedeemCodeBulkCreationCodeConnection": _nested,
}
_BY_FIELD: dict[str, Any] = {
    "MoneyBag.shopMoney": resolve,
    "MoneyBag.presentmentMoney": resolve,
    "Order.customer": _order_customer,
    "LineItem.product": _line_product,
    "LineItem.variant": _line_variant,
    "QueryRoot.customers": _listing("customers"),
    "QueryRoot.orders": _listing("orders"),
    "QueryRoot.products": _listing("products"),
    "QueryRoot.customer": _by_id,
    "QueryRoot.order": _by_id,
    "QueryRoot.product": _by_id,
    "QueryRoot.node": _by_id,
    "QueryRoot.nodes": _by_ids,
    "QueryRoot.bulkOperation": _by_id,
    "QueryRoot.currentBulkOperation": _current_bulk,
    "QueryRoot.shop": _shop,
    "Mutation.bulkOperationRunQuery": _run_bulk,
} | RESOLVERS
