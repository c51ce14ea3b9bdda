"""The template sandbox: strict, bounded, and unable to print what is not there."""

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

import minijinja

from rapport.campaigns import sandbox
from rapport.campaigns.fields import TEXT_FIELDS
from rapport.errors import DataError

# Each instruction of the engine costs one. A long mail takes a few thousand.
FUEL = 40_000
OUTPUT_LIMIT = 1_000_000
# What plain text in loops may come to before the length of the whole is looked at.
LOOP_OUTPUT_LIMIT = 16_000_000
# A reader's text that is longer than this is a mistake of whoever entered it.
TEXT_LIMIT = 10_000
RANGE_LIMIT = 1_000
ESCAPED = ".html"
# In the private-use area: no real text contains them, and upper-casing, trimming or joining keeps them.
_OPEN, _CLOSE = "\uf8f0", "\uf8f1"
_MISSING = re.compile(f"{_OPEN}(.*?){_CLOSE}", re.DOTALL)
_LOCALE_FILTER = re.compile(r"\|\s*(money|date|number)\b")
_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


class ContentError(DataError):
    """One message cannot be rendered as it should; nothing is sent for it."""


class MissingFieldError(ContentError):
    """A field that the template prints has no value for this person and no fallback is stated."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} is missing; state a fallback: {{{{ {field} or '…' }}}}")
        self.field = field


class _Missing:
    """Stands for a missing text: false in conditions, and traceable in whatever it gets printed into."""

    def __init__(self, name: str) -> None:
        self._text = f"{_OPEN}{name}{_CLOSE}"

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return self._text


class _Printed(threading.local):
    """Characters that the running render of a thread has printed by its tags so far."""

    count = 0


_printed = _Printed()


def _finalize(value: Any) -> Any:
    if value is None:
        return f"{_OPEN}value{_CLOSE}"
    if type(value) is str:
        _printed.count += len(value)
        if _printed.count > OUTPUT_LIMIT:
            raise ValueError("prints too much")
    elif isinstance(value, list | tuple | dict):
        raise TypeError("a list has no words of its own")
    return value


def _is_none(value: Any) -> bool:
    return value is None or isinstance(value, _Missing)


def _locale(state: Any) -> Any:
    from babel import Locale, UnknownLocaleError

    for name in (state.lookup("locale"), state.lookup("template_language"), "en"):
        try:
            return Locale.parse(str(name).replace("-", "_"))
        except (ValueError, UnknownLocaleError):
            continue
    raise AssertionError("babel knows English")


@minijinja.pass_state
def _money(state: Any, value: Any, currency: Any = None) -> Any:
    from babel.numbers import format_currency

    currency = currency or state.lookup("currency_code")
    if _is_none(value) or not currency:
        return _Missing("amount" if _is_none(value) else "currency_code")
    return format_currency(value, str(currency), locale=_locale(state))


@minijinja.pass_state
def _number(state: Any, value: Any) -> Any:
    from babel.numbers import format_decimal

    return _Missing("number") if _is_none(value) else format_decimal(value, locale=_locale(state))


@minijinja.pass_state
def _date(state: Any, value: Any, style: str = "long") -> Any:
    """A day in the words of the reader's locale and as it fell in the reader's zone."""
    from babel.dates import format_date

    if _is_none(value):
        return _Missing("date")
    moment = datetime.fromisoformat(str(value))
    zone = state.lookup("time_zone")
    if moment.tzinfo is not None and zone:
        moment = moment.astimezone(ZoneInfo(str(zone)))
    return format_date(moment.date(), style, locale=_locale(state))


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


def _times(value: Any, number: Any) -> Any:
    if _is_none(value) or _is_none(number):
        return _Missing("number")
    if isinstance(value, str | list) or isinstance(number, str | list):
        raise TypeError("only numbers are multiplied")
    return value * number


def _join(values: Any, between: Any = "") -> str:
    parts = [_text(value) for value in values]
    _fits(sum(map(len, parts)) + len(str(between)) * len(parts))
    return str(between).join(parts)


def _replace(text: Any, old: Any, new: Any) -> str:
    text, old, new = _text(text), str(old), _text(new)
    _fits(len(text) + (text.count(old) if old else len(text) + 1) * len(new))
    return text.replace(old, new)


def _text(value: Any) -> str:
    return f"{_OPEN}value{_CLOSE}" if value is None else str(value)


def _fits(length: int) -> None:
    if length > TEXT_LIMIT:
        raise ValueError("a text becomes too long")


def _range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > RANGE_LIMIT:
        raise ValueError("a range is too long")
    return numbers


def _required(value: Any, name: Any) -> Any:
    """The value, or the missing field by its name: for what has no words of its own, such as a list."""
    return value or _Missing(str(name))


def _web(url: Any) -> Any:
    """An address that is safe to link to; anything else is missing."""
    return url if isinstance(url, str) and url.startswith(("https://", "http://")) else _Missing("url")


_FILTERS: dict[str, Callable[..., Any]] = {
    "money": _money,
    "number": _number,
    "date": _date,
    "page": _page,
    "with_query": _with_query,
    "times": _times,
    "join": _join,
    "replace": _replace,
    "required": _required,
    "web": _web,
}
_NOT_FOR_TEMPLATES = {
    "filters": (
        "safe",
        "tojson",
        "format",
        "indent",
        "batch",
        "slice",
        "map",
        "attr",
        "pprint",
        "split",
        "chain",
        "zip",
    ),
    "globals": ("debug", "dict", "namespace", "lipsum", "cycler", "joiner"),
}


@lru_cache(maxsize=512)
def environment(name: str = "", source: str = "") -> minijinja.Environment:
    """The engine with one template, parsed once; names ending in .html are escaped as HTML."""
    env = minijinja.Environment(
        undefined_behavior="strict",
        # A long text in a loop costs one instruction too.
        fuel=min(FUEL, LOOP_OUTPUT_LIMIT // max(1, sandbox.text_in_loops(source))),
        auto_escape_callback=lambda name: "html" if name.endswith(ESCAPED) else False,
        finalizer=_finalize,
        pycompat=False,
        templates={name: source} if name else {},
    )
    for unwanted in _NOT_FOR_TEMPLATES["filters"]:
        env.remove_filter(unwanted)
    for unwanted in _NOT_FOR_TEMPLATES["globals"]:
        env.remove_global(unwanted)
    for filter_name, function in _FILTERS.items():
        env.add_filter(filter_name, function)
    env.add_function("range", _range)
    env.add_test("none", _is_none)
    return env


def render_source(source: str, name: str, values: Mapping[str, Any]) -> str:
    """Renders one source. Raises MissingFieldError for an absent field, ContentError for anything else."""
    _printed.count = 0
    try:
        text: str = environment(name, source).render_template(name, **values)
    except minijinja.TemplateError as error:
        raise ContentError(f"{name}: line {error.line}: {explain(error)}") from None
    except (ValueError, TypeError, ArithmeticError, KeyError) as error:
        raise ContentError(f"{name}: a filter was given a value it cannot show ({type(error).__name__})") from None
    missing = _MISSING.search(text)
    if missing:
        raise MissingFieldError(missing[1])
    if len(text) > OUTPUT_LIMIT:
        raise ContentError(f"{name}: the result is longer than {OUTPUT_LIMIT:,} characters")
    return text


def template_values(context: Mapping[str, Any], links: Mapping[str, str], language: str) -> dict[str, Any]:
    """What templates see: empty texts count as missing, values with no text stay None."""
    values: dict[str, Any] = {"template_language": language, "locale": None, "currency_code": None, "time_zone": None}
    values.update(context)
    for name in TEXT_FIELDS & values.keys():
        text = values[name]
        if text is None or not str(text).strip():
            values[name] = _Missing(name)
        elif len(text) > TEXT_LIMIT:
            raise ContentError(f"{name} is longer than {TEXT_LIMIT:,} characters")
    values.update(links)
    return values


def names_in(source: str) -> set[str]:
    """Names that a template expects to be given. Raises minijinja.TemplateError for broken syntax."""
    return set(environment().undeclared_variables_in_str(source)) - sandbox.FUNCTIONS


def used_fields(sources: Iterable[str]) -> set[str]:
    """Audience fields needed to render, those that the locale filters read included."""
    used: set[str] = set()
    for source in sources:
        used |= names_in(source)
        if _LOCALE_FILTER.search(source):
            used |= {"locale", "time_zone"}
            if re.search(r"\|\s*money\b", source):
                used.add("currency_code")
    return used


def line_of(source: str, name: str) -> int:
    """Line (from 1) of the first tag that mentions the name."""
    for tag in _TAG.finditer(source):
        word = re.search(rf"\b{re.escape(name)}\b", tag[0])
        if word:
            return source.count("\n", 0, tag.start() + word.start()) + 1
    return 1


def explain(error: minijinja.TemplateError) -> str:
    """One sentence without the engine's picture of the source, which may hold a person's data."""
    if error.kind == "OutOfFuel":
        return "the template does too much work; is there a loop without end?"
    return str(error).splitlines()[0]
