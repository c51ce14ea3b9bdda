"""The template sandbox: strict, bounded, and unable to print what is not there."""

import re
import threading
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import minijinja

from rapport.campaigns.mail import sandbox
from rapport.campaigns.mail.fields import TEXT_FIELDS
from rapport.campaigns.mail.filters import CLOSE, FILTERS, OPEN, Missing, bounded_range, is_none
from rapport.campaigns.mail.filters import TEXT_LIMIT as TEXT_LIMIT
from rapport.errors import DataError

# Each instruction of the engine costs one. A long mail takes a few thousand.
FUEL = 40_000
OUTPUT_LIMIT = 1_000_000
# What plain text in loops may come to before the length of the whole is looked at.
LOOP_OUTPUT_LIMIT = 16_000_000
ESCAPED = ".html"
_MISSING = re.compile(f"{OPEN}(.*?){CLOSE}", re.DOTALL)
_LOCALE_FILTER = re.compile(r"\|\s*(money|date|number)\b")
_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


class ContentError(DataError):
    """One message cannot be rendered as it should; nothing is sent for it."""


class MissingFieldError(ContentError):
    """A field that the template prints has no value for this person and no fallback is stated."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} is missing; state a fallback: {{{{ {field} or '…' }}}}")
        self.field = field


class _Printed(threading.local):
    """Characters that the running render of a thread has printed by its tags so far."""

    count = 0


_printed = _Printed()


def _finalize(value: Any) -> Any:
    if value is None:
        return f"{OPEN}value{CLOSE}"
    if type(value) is str:
        _printed.count += len(value)
        if _printed.count > OUTPUT_LIMIT:
            raise ValueError("prints too much")
    elif isinstance(value, list | tuple | dict):
        raise TypeError("a list has no words of its own")
    return value


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
    for filter_name, function in FILTERS.items():
        env.add_filter(filter_name, function)
    env.add_global("range", bounded_range)
    env.add_test("none", is_none)
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
            values[name] = Missing(name)
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


def parts_read(sources: Iterable[str], name: str) -> frozenset[str] | None:
    """Which parts of an object templates read: its fields right below it. None when they may read any of it.

    What they read further down is not told apart: the engine does not say what is asked of the items of a loop.
    """
    found: set[str] = set()
    assigned = re.compile(rf"\{{%[-+]?\s*(?:set|for)\s+(?:\w+\s*,\s*)*{name}\b")
    for source in sources:
        if not re.search(rf"\b{name}\b", source):
            continue
        paths = [path.split(".") for path in environment().undeclared_variables_in_str(source, nested=True)]
        read = [path[1:] for path in paths if path[0] == name]
        if assigned.search(source) or not all(read):
            return None
        found |= {path[0] for path in read}
    return frozenset(found)


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
