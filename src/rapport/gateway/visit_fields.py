"""What is kept of an event's contents: named fields of known kinds, and no others. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson

MAX_TEXT_CHARS = 500
MAX_URL_CHARS = 2_000
MAX_PRODUCTS = 50
UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
# Parts of a path that may stand for one person: an address, a token, a number of an order.
_PERSONAL = re.compile(r"[^/]*(?:@|%40)[^/]*|[0-9A-Fa-f-]{16,}|[^/]*[0-9]{6,}[^/]*")
_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,6})?")

TEXTS = (
    "product_id", "sku", "variant", "brand", "category", "currency", "query", "cart_id", "checkout_id", "order_id",
    "coupon", "list_id",
)  # fmt: skip
NUMBERS = ("price", "quantity", "value", "total", "revenue", "position", "results_count")
TITLES = ("name", "category")
SOURCES = ("source", "medium", "name", "content", "term")


class Kept:
    """Keeps addresses of pages and pictures only from `hosts`, so that no forged event can bring another's link into a
    mail; queries of addresses are dropped but for utm_*, since they may name a person."""

    def __init__(self, hosts: Iterable[str]) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)

    def of(self, kind: str, event: Mapping[str, Any], context: Mapping[str, Any]) -> tuple[str, str, str]:
        """Properties, page and campaign as JSON text. Traits of people are dropped: the store knows them itself."""
        given = _dict(event.get("properties"))
        page = _dict(context.get("page")) | (given if kind in ("page", "screen") else {})
        properties = self._product(given) if kind == "track" else {}
        products = given.get("products")
        if kind == "track" and isinstance(products, list):
            properties["products"] = [self._product(_dict(entry)) for entry in products[:MAX_PRODUCTS]]
        shown = {name: text for name in TITLES if kind != "track" and (text := text_of(page.get(name)))}
        url = self._url(page.get("url"))
        where = {
            "url": url and urlsplit(url)._replace(path=_nameless(urlsplit(url).path)).geturl(),
            "path": _path(url or page.get("path")),
            "referrer_host": _host(page.get("referrer")),
        }
        campaign = _dict(context.get("campaign")) or _utm(url)
        named = {name: text for name in SOURCES if (text := text_of(campaign.get(name)))}
        return _json(properties), _json(shown | {k: v for k, v in where.items() if v}), _json(named)

    def _product(self, given: Mapping[str, Any]) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for names, read in ((TEXTS, text_of), (NUMBERS, _number), (("url", "image_url"), self._url)):
            reader: Callable[[Any], Any] = read
            kept |= {name: value for name in names if (value := reader(given.get(name))) is not None}
        return kept

    def _url(self, value: Any) -> str | None:
        """An address of the shop's own, with no more than its utm_* in the query."""
        parts = _split(value)
        if parts is None or (parts.hostname or "") not in self._hosts or parts.username is not None:
            return None
        query = urlencode([(key, item[:MAX_TEXT_CHARS]) for key, item in parse_qsl(parts.query) if key in UTM])
        return str(parts._replace(query=query, fragment="").geturl())[:MAX_URL_CHARS]


def text_of(value: Any) -> str | None:
    """Trimmed text of bounded length, of a number too; None for anything else and for nothing."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    return value.replace("\0", "").strip()[:MAX_TEXT_CHARS] or None


def _number(value: Any) -> str | None:
    """A plain decimal number as text, so that no digit is lost between here and a numeric column."""
    text = text_of(value)
    return text if text and _NUMBER.fullmatch(text) else None


def _path(value: Any) -> str | None:
    parts = _split(value)
    if parts is not None:
        return text_of(_nameless(parts.path)) or "/"
    text = text_of(value)
    # What is no whole address is a path, or it is nothing.
    return _nameless(text.partition("?")[0].partition("#")[0]) if text and text.startswith("/") else None


def _nameless(path: str) -> str:
    return "/".join("-" if _PERSONAL.fullmatch(part) else part for part in path.split("/"))


def _host(value: Any) -> str | None:
    parts = _split(value)
    return parts.hostname if parts is not None else None


def _split(value: Any) -> Any:
    if not isinstance(value, str) or len(value) > MAX_URL_CHARS or "\0" in value:
        return None
    try:
        parts = urlsplit(value)
        return parts if parts.scheme in ("http", "https") and parts.hostname else None
    except ValueError:
        return None


def _utm(url: str | None) -> dict[str, str]:
    names = dict(zip(UTM, ("source", "medium", "name", "content", "term"), strict=True))
    found = parse_qsl(urlsplit(url).query) if url else []
    return {names[key]: value for key, value in found if key in names}


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _json(value: Mapping[str, Any]) -> str:
    return orjson.dumps(value).decode()
