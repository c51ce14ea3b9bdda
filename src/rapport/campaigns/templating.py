"""The template sandbox: strict, bounded, and unable to print what is not there."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

import minijinja

from rapport.campaigns.fields import TEXT_FIELDS
from rapport.errors import DataError

# Each instruction of the engine costs one. A long mail takes a few thousand.
FUEL = 200_000
OUTPUT_LIMIT = 1_000_000
SOURCE_LIMIT = 500_000
GLOBALS = frozenset({"range", "dict", "namespace", "lipsum", "cycler", "joiner"})
# In the private-use area: no real text contains them, and upper-casing, trimming or joining keeps them.
_OPEN, _CLOSE = "\uf8f0", "\uf8f1"
_MISSING = re.compile(f"{_OPEN}(.*?){_CLOSE}", re.DOTALL)
_LOCALE_FILTER = re.compile(r"\|\s*(money|date|number)\b")
_REPEATED_LITERAL = re.compile(r"""["']\s*\*|\*\s*["']""")
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


def _finalize(value: Any) -> Any:
    return f"{_OPEN}value{_CLOSE}" if value is None else value


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


@lru_cache(maxsize=512)
def environment(name: str = "", source: str = "") -> minijinja.Environment:
    """The engine with one template, parsed once; names ending in .html are escaped as HTML."""
    env = minijinja.Environment(
        undefined_behavior="strict",
        fuel=FUEL,
        auto_escape_callback=lambda name: "html" if name.endswith(".html") else False,
        finalizer=_finalize,
        templates={name: source} if name else {},
    )
    for name, function in (
        ("money", _money),
        ("number", _number),
        ("date", _date),
        ("page", _page),
        ("with_query", _with_query),
    ):
        env.add_filter(name, function)
    env.add_test("none", _is_none)
    return env


def render_source(source: str, name: str, values: Mapping[str, Any]) -> str:
    """Renders one source. Raises MissingFieldError for an absent field, ContentError for anything else."""
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
    values.update(links)
    return values


def names_in(source: str) -> set[str]:
    """Names that a template expects to be given. Raises minijinja.TemplateError for broken syntax."""
    return set(environment().undeclared_variables_in_str(source)) - GLOBALS


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


def repeats_literal(source: str) -> int | None:
    """Line of `'text' * n`, which allocates before any bound can act; None when there is none."""
    for tag in _TAG.finditer(source):
        found = _REPEATED_LITERAL.search(tag[0])
        if found:
            return source.count("\n", 0, tag.start() + found.start()) + 1
    return None


def explain(error: minijinja.TemplateError) -> str:
    """One sentence without the engine's picture of the source, which may hold a person's data."""
    if error.kind == "OutOfFuel":
        return "the template does too much work; is there a loop without end?"
    return str(error).splitlines()[0]
