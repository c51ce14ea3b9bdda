"""What templates can do with a value: filters that say what is missing, and words in the reader's locale and zone."""

from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

import minijinja

# A reader's text that is longer than this is a mistake of whoever entered it.
TEXT_LIMIT = 10_000
RANGE_LIMIT = 1_000
# In the private-use area: no real text contains them, and upper-casing, trimming or joining keeps them.
OPEN, CLOSE = "\uf8f0", "\uf8f1"


class Missing:
    """Stands for a missing text: false in conditions, and traceable in whatever it gets printed into."""

    def __init__(self, name: str) -> None:
        self._text = f"{OPEN}{name}{CLOSE}"

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return self._text


def is_none(value: Any) -> bool:
    return value is None or isinstance(value, Missing)


def _lacking(value: Any, name: str) -> Missing:
    """What is missing by its own name, if it has one."""
    return value if isinstance(value, Missing) else Missing(name)


def _locale(state: Any) -> Any:
    return _known_locale(str(state.lookup("locale")), str(state.lookup("template_language")))


@lru_cache(maxsize=1024)
def _known_locale(*names: str) -> Any:
    """The first of the names that babel knows; English when none is. Reading one takes longer than a whole mail."""
    from babel import Locale, UnknownLocaleError

    for name in (*names, "en"):
        try:
            return Locale.parse(name.replace("-", "_"))
        except (ValueError, UnknownLocaleError):
            continue
    raise AssertionError("babel knows English")


@minijinja.pass_state
def _money(state: Any, value: Any, currency: Any = None) -> Any:
    currency = currency or state.lookup("currency_code")
    if is_none(value) or not currency:
        return _lacking(value, "amount") if is_none(value) else Missing("currency_code")
    return _currency_words(value, str(currency), _locale(state))


@minijinja.pass_state
def _number(state: Any, value: Any) -> Any:
    return _lacking(value, "number") if is_none(value) else _number_words(value, _locale(state))


@minijinja.pass_state
def _date(state: Any, value: Any, style: str = "long") -> Any:
    """A day in the words of the reader's locale and as it fell in the reader's zone."""
    if is_none(value):
        return _lacking(value, "date")
    moment = datetime.fromisoformat(str(value))
    zone = state.lookup("time_zone")
    if moment.tzinfo is not None and zone:
        moment = moment.astimezone(ZoneInfo(str(zone)))
    return _day_words(moment.date(), style, _locale(state))


# Amounts and days of many readers are the same. Typed, since 1 and 1.0 and true are one key and not one text.
@lru_cache(maxsize=65_536, typed=True)
def _currency_words(value: Any, currency: str, locale: Any) -> str:
    from babel.numbers import format_currency

    text: str = format_currency(value, currency, locale=locale)
    return text


@lru_cache(maxsize=65_536, typed=True)
def _number_words(value: Any, locale: Any) -> str:
    from babel.numbers import format_decimal

    text: str = format_decimal(value, locale=locale)
    return text


@lru_cache(maxsize=16_384)
def _day_words(day: date, style: str, locale: Any) -> str:
    from babel.dates import format_date

    text: str = format_date(day, style, locale=locale)
    return text


def forget_words() -> None:
    """Empties the caches of amounts and days, for a measurement that begins cold."""
    for cache in (_currency_words, _number_words, _day_words):
        cache.cache_clear()


@lru_cache(maxsize=1024)
def _page(url: Any, path: Any) -> str:
    """Another page of the same shop, keeping the query that marks the campaign."""
    parts = urlsplit(str(url))
    return urlunsplit((parts.scheme, parts.netloc, "/" + str(path).lstrip("/"), parts.query, ""))


@lru_cache(maxsize=1024)
def _with_query(url: Any, query: Any) -> str:
    parts = urlsplit(str(url))
    pairs = parse_qsl(parts.query, keep_blank_values=True) + parse_qsl(str(query))
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", urlencode(pairs), parts.fragment))


@minijinja.pass_state
def _marked(state: Any, url: Any, query: Any = "") -> Any:
    """The address with the campaign's marks, if it is the shop's own; any other, and what is missing, as it is."""
    return _marked_url(url, str(state.lookup("shop_url")), str(query)) if isinstance(url, str) else url


@lru_cache(maxsize=65_536)
def _marked_url(url: str, shop_url: str, query: str) -> str:
    try:
        parts, own = urlsplit(url), urlsplit(shop_url)
        if not parts.hostname or _host(parts.hostname) != _host(own.hostname or ""):
            return url
    except ValueError:
        return url
    there = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    added = [pair for pair in query.split("&") if pair.partition("=")[0] not in there]
    # What the shop's own address asks for stays letter by letter.
    asked = "&".join(filter(None, [parts.query, *added]))
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", asked, parts.fragment))


def _host(name: str) -> str:
    return name.lower().removeprefix("www.")


def _times(value: Any, number: Any) -> Any:
    if is_none(value) or is_none(number):
        return Missing("number")
    if isinstance(value, str | list) or isinstance(number, str | list):
        raise TypeError("only numbers are multiplied")
    return value * number


def _join(values: Any, between: Any = "") -> str:
    parts = [_text(value) for value in values]
    _fits(sum(map(len, parts)) + len(str(between)) * len(parts))
    return str(between).join(parts)


def _replace(text: Any, old: Any, new: Any) -> str:
    before, sought, put = _text(text), str(old), _text(new)
    _fits(len(before) + (before.count(sought) if sought else len(before) + 1) * len(put))
    return before.replace(sought, put)


def _text(value: Any) -> str:
    return f"{OPEN}value{CLOSE}" if value is None else str(value)


def _fits(length: int) -> None:
    if length > TEXT_LIMIT:
        raise ValueError("a text becomes too long")


def bounded_range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > RANGE_LIMIT:
        raise ValueError("a range is too long")
    return numbers


def _required(value: Any, name: Any) -> Any:
    """The value, or the missing field by its name: for what has no words of its own, such as a list."""
    return Missing(str(name)) if is_none(value) or value in ([], {}) else value


def _web(url: Any) -> Any:
    """An address that is safe to link to; anything else is missing."""
    return url if isinstance(url, str) and url.startswith(("https://", "http://")) else Missing("url")


FILTERS: dict[str, Callable[..., Any]] = {
    "money": _money,
    "number": _number,
    "date": _date,
    "page": _page,
    "with_query": _with_query,
    "marked": _marked,
    "times": _times,
    "join": _join,
    "replace": _replace,
    "required": _required,
    "web": _web,
}
