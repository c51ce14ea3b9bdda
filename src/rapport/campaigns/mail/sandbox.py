"""What templates may be written with: a part of the engine's language in which nothing can grow without bound.

The engine counts instructions, and one instruction can double a text or join a million. So what multiplies is refused
here, before a template is compiled, and what is left costs at most a fixed amount of memory an instruction. Rendering
adds its own bounds: fuel, and a budget of printed characters (templating.py).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rapport.campaigns.folder.problems import suggestion

SOURCE_LIMIT = 500_000
# Characters of one tag, and of one literal in it.
TAG_LIMIT = 2_000
LITERAL_LIMIT = 500
DIGITS_LIMIT = 15
# How many times longer than a field the text of a variable may become.
GROWTH_LIMIT = 16
# Each nesting costs the engine's parser stack.
DEPTH_LIMIT = 32
STATEMENTS = frozenset({"if", "elif", "else", "endif", "for", "endfor", "set", "raw", "endraw"})
BUILT_IN_FILTERS = frozenset(
    {
        *(
            "abs",
            "capitalize",
            "count",
            "d",
            "default",
            "e",
            "escape",
            "first",
            "float",
            "int",
            "join",
            "last",
            "length",
        ),
        *("lower", "max", "min", "replace", "reverse", "round", "sort", "sum", "title", "trim", "unique", "upper"),
        "urlencode",
    }
)
# Those of templating.py.
OWN_FILTERS = frozenset({"date", "money", "number", "page", "required", "times", "web", "with_query"})
FILTERS = BUILT_IN_FILTERS | OWN_FILTERS
FUNCTIONS = frozenset({"range"})

_LITERAL = r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\""
_TAG = re.compile(
    rf"\{{#.*?#\}}|\{{\{{((?:{_LITERAL}|[^'\"])*?)\}}\}}|\{{%((?:{_LITERAL}|[^'\"])*?)%\}}",
    re.DOTALL,
)
_OPENING = re.compile(r"\{[{%#]")
_RAW = re.compile(r"\{%[-+]?\s*endraw\s*[-+]?%\}")
_STRING = re.compile(_LITERAL, re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]\w*")
_FILTER = re.compile(r"\|\s*([A-Za-z_]\w*)")
_CALL = re.compile(r"([.|]?)\s*\b([A-Za-z_]\w*)\s*\(")
_OPERATORS = {"in", "not", "and", "or", "if", "else", "is"}
_DIGITS = re.compile(rf"[\d_.]{{{DIGITS_LIMIT + 1},}}")
_DOUBLE_UNDERSCORE = re.compile(r"\b__|\.\s*_")


@dataclass(frozen=True)
class Tag:
    """One tag. `code` is what stands in it, its literals emptied; `at` its place in the source."""

    at: int
    end: int
    statement: str
    code: str
    longest_literal: int


def faults(source: str) -> list[tuple[int | None, str]]:
    """Line (from 1) and reason of everything that a template may not hold."""
    if len(source) > SOURCE_LIMIT:
        return [(None, f"longer than {SOURCE_LIMIT:,} characters")]
    found: list[tuple[int, str]] = []
    growth, depth = 1, 0
    for tag in tags(source):
        found += [(tag.at, told) for told in _tag_faults(tag, source)]
        if tag.statement == "set":
            growth *= 1 + tag.code.count("~") + tag.code.count("+")
            if growth > GROWTH_LIMIT:
                found.append((tag.at, "these variables double each other; print the texts one after the other instead"))
                break
        depth += (tag.statement in ("if", "for")) - (tag.statement in ("endif", "endfor"))
        if depth > DEPTH_LIMIT:
            found.append((tag.at, f"nested more than {DEPTH_LIMIT} deep"))
            break
    return [(source.count("\n", 0, at) + 1, told) for at, told in found]


def text_in_loops(source: str) -> int:
    """Characters of the longest plain text that stands in a loop: each round may print it."""
    longest, depth, end = 0, 0, 0
    for tag in tags(source):
        if depth:
            longest = max(longest, tag.at - end)
        depth += (tag.statement == "for") - (tag.statement == "endfor")
        end = tag.end
    return longest


def tags(source: str) -> Iterator[Tag]:
    """Prints and statements in their order, without comments and what stands raw."""
    at = 0
    while opening := _OPENING.search(source, at):
        match = _TAG.match(source, opening.start())
        if match is None:
            yield Tag(opening.start(), len(source), "unclosed", "", 0)
            return
        at = match.end()
        inner = match[1] if match[1] is not None else match[2]
        if inner is None:
            continue
        literals = _STRING.findall(inner)
        code = _STRING.sub("''", inner).strip("-+ \t\r\n") if literals else inner.strip("-+ \t\r\n")
        word = _WORD.match(code) if match[2] is not None else None
        statement = "" if match[2] is None else (word[0] if word else "?")
        yield Tag(match.start(), at, statement, code, max(map(len, literals), default=0))
        if statement == "raw":
            closing = _RAW.search(source, at)
            at = closing.end() if closing else len(source)


def _tag_faults(tag: Tag, source: str) -> Iterator[str]:
    if tag.statement == "unclosed":
        yield "a tag is not closed"
        return
    if tag.end - tag.at > TAG_LIMIT:
        yield f"a tag is longer than {TAG_LIMIT:,} characters"
    if tag.longest_literal > LITERAL_LIMIT:
        yield f"a text in a tag is longer than {LITERAL_LIMIT} characters; write it outside the tag"
    if tag.statement and tag.statement not in STATEMENTS:
        yield f"{{% {tag.statement} %}} is not supported; there are: if, for, set, raw"
    if tag.statement == "set" and "=" not in tag.code:
        yield "{% set %} needs a value: {% set name = … %}"
    if tag.statement == "for" and re.search(r"\brecursive\b", tag.code):
        yield "a loop may not call itself"
    yield from _expression_faults(tag.code)


def _expression_faults(code: str) -> Iterator[str]:
    if "*" in code:
        yield "a text could be multiplied without end; for numbers write {{ price|times(quantity) }}"
    if _DIGITS.search(code):
        yield f"a number has more than {DIGITS_LIMIT} digits"
    if _DOUBLE_UNDERSCORE.search(code):
        yield "names that begin with an underscore are not for templates"
    for name in _FILTER.findall(code):
        if name not in FILTERS:
            yield f"there is no filter {name!r}.{suggestion(name, FILTERS)} Filters: {', '.join(sorted(FILTERS))}"
    for before, name in _CALL.findall(code):
        if (
            before != "|"
            and name not in _OPERATORS
            and (before == "." or name not in FUNCTIONS)
            and not _is_test(code, name)
        ):
            yield f"{name}(…) cannot be called; use a filter: {{{{ field|filter }}}}"


def _is_test(code: str, name: str) -> bool:
    return re.search(rf"\bis\s+(?:not\s+)?{name}\s*\(", code) is not None
