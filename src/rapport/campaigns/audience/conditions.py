"""Conditions that a marketer writes about the audience, such as `revenue > 100 and 'vip' in segments`.

sqlglot reads the text; what it makes of it is never printed back. Each node that is known is compiled by hand into
identifiers of our own list and parameters, so nothing that was written can become SQL.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlglot
from psycopg import sql
from sqlglot import exp
from sqlglot.errors import SqlglotError

from rapport.campaigns.audience.condition_nodes import DEEPEST, Compiler, ConditionError

__all__ = ["Condition", "ConditionError", "check_condition", "compile_condition", "compile_parts"]

LONGEST_TEXT = 2000
MOST_NODES = 200


@dataclass(frozen=True)
class Condition:
    """A compiled condition over `audience`: true or false, never null. `parameters` beside the moment of asking."""

    where: sql.Composed
    parameters: dict[str, Any]
    columns: frozenset[str]
    prefix: str

    def values(self, now: datetime) -> dict[str, Any]:
        """The query's parameters; days are counted from `now`."""
        return {name: now + value if isinstance(value, timedelta) else value for name, value in self.parameters.items()}


def compile_condition(text: str, prefix: str = "filter") -> Condition:
    """Compiles one condition; parameters are called after `prefix`. Raises ConditionError."""
    return _compiled(_read(text), prefix)


def compile_parts(text: str, prefix: str = "filter") -> list[tuple[str, Condition]]:
    """The parts of a condition that must all hold, each with its text for a person to read: together they say what
    compile_condition says. Raises ConditionError."""
    tree = _read(text).unnest()
    parts = list(tree.flatten()) if isinstance(tree, exp.And) else [tree]
    return [(str(part.sql(dialect="postgres")), _compiled(part, f"{prefix}_{no}")) for no, part in enumerate(parts)]


def _read(text: str) -> exp.Expr:
    if len(text) > LONGEST_TEXT:
        raise ConditionError(f"is longer than {LONGEST_TEXT:,} characters")
    if text.count("(") > MOST_NODES or _depth_of_brackets(text) > DEEPEST:
        raise ConditionError(f"is nested more than {DEEPEST} deep")
    try:
        trees = sqlglot.parse(text, dialect="postgres")
    except (SqlglotError, RecursionError) as error:
        first = str(error).splitlines()[0] if isinstance(error, SqlglotError) else "it is nested too deep"
        raise ConditionError(f"cannot be read: {first[:200]}") from None
    if len(trees) != 1 or trees[0] is None:
        raise ConditionError("must be one condition, without a semicolon")
    tree = trees[0]
    if sum(1 for _ in tree.walk()) > MOST_NODES:
        raise ConditionError(f"has more than {MOST_NODES} parts")
    return tree


def _compiled(tree: exp.Expr, prefix: str) -> Condition:
    compiler = Compiler(prefix)
    where = compiler.boolean(tree)
    return Condition(
        sql.SQL("coalesce({}, false)").format(where), compiler.parameters, frozenset(compiler.columns), prefix
    )


def check_condition(text: str) -> str:
    """For a field of campaign.yml: the text itself. Raises ConditionError, which is a ValueError."""
    compile_condition(text)
    return text


def _depth_of_brackets(text: str) -> int:
    depth = deepest = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    return deepest
