"""What each part of a condition becomes: an identifier of our own list, a parameter, or words of our own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from psycopg import sql
from sqlglot import exp

from rapport.campaigns.audience.columns import COLUMNS
from rapport.campaigns.folder.problems import suggestion

DEEPEST = 20
_LONGEST_LITERAL = 200
_LARGEST_NUMBER = Decimal(10) ** 12
_FURTHEST_DAYS = 36_600
ALLOWED = (
    "comparisons, and, or, not, in, between, is null, like, ilike, + - * /, coalesce, lower, length, days_ago(30), "
    "days_from_now(7), 'x' in segments"
)

_COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_SUMS: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}
# What a node may carry beside what is compiled of it; anything else would be lost, and is refused.
_ARGUMENTS: dict[type[exp.Expr], set[str]] = {
    exp.In: {"this", "expressions", "field"},
    exp.Is: {"this", "expression", "negate"},
    exp.Like: {"this", "expression", "negate"},
    exp.ILike: {"this", "expression", "negate"},
    exp.Between: {"this", "low", "high"},
    exp.Coalesce: {"this", "expressions"},
    exp.Anonymous: {"this", "expressions"},
    exp.Literal: {"this", "is_string"},
    exp.Div: {"this", "expression", "typed", "safe"},
    exp.Column: {"this"},
}


class ConditionError(ValueError):
    """The text is no condition that is allowed; says what is."""


@dataclass
class Compiler:
    """Compiles one tree. Raises ConditionError for what is not allowed."""

    prefix: str
    parameters: dict[str, Any] = field(default_factory=dict)
    columns: set[str] = field(default_factory=set)
    depth: int = 0
    # A node is looked at more than once: for its kind, and for its SQL.
    known: dict[int, tuple[str, sql.Composable]] = field(default_factory=dict)

    def boolean(self, node: exp.Expr) -> sql.Composable:
        kind, compiled = self.compile(node)
        if kind != "boolean":
            raise ConditionError(f"`{_told(node)}` is no condition but a {kind}; compare it with something")
        return compiled

    def compile(self, node: exp.Expr) -> tuple[str, sql.Composable]:
        """Type and SQL of a node."""
        known = self.known.get(id(node))
        if known is not None:
            return known
        self.depth += 1
        if self.depth > DEEPEST * 3:
            raise ConditionError(f"is nested more than {DEEPEST} deep")
        handler = _HANDLERS.get(type(node))
        if handler is None:
            raise ConditionError(f"`{_told(node)}` is not allowed. Allowed are {ALLOWED}")
        carried = {name for name, value in node.args.items() if value}
        if not carried <= _ARGUMENTS.get(type(node), {"this", "expression"}):
            raise ConditionError(f"`{_told(node)}` is not allowed in this form. Allowed are {ALLOWED}")
        found = self.known[id(node)] = handler(self, node)
        self.depth -= 1
        return found

    def parameter(self, value: Any) -> sql.Composable:
        name = f"{self.prefix}_{len(self.parameters)}"
        self.parameters[name] = value
        return sql.Placeholder(name)

    def column(self, node: exp.Expr) -> tuple[str, sql.Composable]:
        identifier = node.this
        if not isinstance(identifier, exp.Identifier) or identifier.args.get("quoted"):
            raise ConditionError(f"`{_told(node)}`: write the column's plain name; texts stand in single quotes")
        name = identifier.name.lower()
        if name not in COLUMNS:
            hint = suggestion(name, COLUMNS) or f" Columns: {', '.join(sorted(COLUMNS))}."
            raise ConditionError(f"there is no column {name!r} to look at.{hint}")
        self.columns.add(name)
        kind, column = COLUMNS[name], sql.Identifier("audience", name)
        casts = {"number": "::numeric", "moment": "::timestamptz"}
        return kind, sql.SQL("{}" + casts.get(kind, "")).format(column)

    def literal(self, node: exp.Expr) -> tuple[str, sql.Composable]:
        text = str(node.this)
        if node.is_string:
            if len(text) > _LONGEST_LITERAL or any(ord(character) < 32 for character in text):
                raise ConditionError(f"a text must have at most {_LONGEST_LITERAL} characters and no line break")
            return "text", sql.SQL("{}::text").format(self.parameter(text))
        try:
            number = Decimal(text)
        except InvalidOperation:
            raise ConditionError(f"`{text[:40]}` is no number") from None
        if not number.is_finite() or abs(number) > _LARGEST_NUMBER or len(text) > 30:
            raise ConditionError(f"`{text[:40]}` is too large a number or has too many digits")
        return "number", sql.SQL("{}::numeric").format(self.parameter(number))

    def truth(self, node: exp.Expr) -> tuple[str, sql.Composable]:
        return "boolean", sql.SQL("true" if node.this else "false")

    def bracket(self, node: exp.Expr) -> tuple[str, sql.Composable]:
        kind, inner = self.compile(node.this)
        return kind, sql.SQL("({})").format(inner)

    def joined(self, node: exp.Expr) -> tuple[str, sql.Composable]:
        word = " and " if isinstance(node, exp.And) else " or "
        sides = [self.boolean(part) for part in node.flatten()]
        return "boolean", sql.SQL("({})").format(sql.SQL(word).join(sides))

    def negated(self, node: exp.Expr) -> tuple[str, sql.Composable]:
        return "boolean", sql.SQL("(not {})").format(self.boolean(node.this))

    def compared(self, node: exp.Expr) -> tuple[str, sql.Composable]:
        if isinstance(node.expression, exp.Any):
            return self._in_list(node.this, node.expression.this.unnest(), node)
        left, right = self._alike([node.this, node.expression], node)
        return "boolean", sql.SQL("({} " + _COMPARISONS[type(node)] + " {})").format(left, right)

    def summed(self, node: exp.Expr) -> tuple[str, sql.Composable]:
        left, right = self._all("number", [node.this, node.expression], node)
        if isinstance(node, exp.Div):
            # Nobody is chosen by a division by nothing, and no plan fails over it.
            return "number", sql.SQL("({} / nullif({}, 0))").format(left, right)
        return "number", sql.SQL("({} " + _SUMS[type(node)] + " {})").format(left, right)

    def minus(self, node: exp.Expr) -> tuple[str, sql.Composable]:
        (value,) = self._all("number", [node.this], node)
        return "number", sql.SQL("(- {})").format(value)

    def member(self, node: exp.Expr) -> tuple[str, sql.Composable]:
        if node.args.get("field"):
            return self._in_list(node.this, node.args["field"], node)
        value, *others = self._alike([node.this, *node.expressions], node)
        if not others:
            raise ConditionError(f"`{_told(node)}`: name what it may be one of")
        return "boolean", sql.SQL("({} in ({}))").format(value, sql.SQL(", ").join(others))

    def _in_list(self, item: exp.Expr, listed: exp.Expr, node: exp.Expr) -> tuple[str, sql.Composable]:
        (text,) = self._all("text", [item], node)
        if not isinstance(listed, exp.Column) or not isinstance(node, exp.EQ | exp.In):
            raise ConditionError(f"`{_told(node)}`: write it as 'vip' in segments")
        kind, column = self.compile(listed)
        if kind != "list":
            raise ConditionError(f"`{_told(listed)}` is no list; lists are: segments")
        return "boolean", sql.SQL("({} = any({}))").format(text, column)

    def between(self, node: exp.Expr) -> tuple[str, sql.Composable]:
        value, low, high = self._alike([node.this, node.args["low"], node.args["high"]], node)
        return "boolean", sql.SQL("({} between {} and {})").format(value, low, high)

    def tested(self, node: exp.Expr) -> tuple[str, sql.Composable]:
        word = "is not" if node.args.get("negate") else "is"
        if isinstance(node.expression, exp.Null):
            value = self.compile(node.this)[1]
            return "boolean", sql.SQL("({} " + word + " null)").format(value)
        if isinstance(node.expression, exp.Boolean):
            truth = "true" if node.expression.this else "false"
            value = self.boolean(node.this)
            return "boolean", sql.SQL("({} " + word + " " + truth + ")").format(value)
        raise ConditionError(f"`{_told(node)}`: only `is null`, `is not null`, `is true` and `is false` are allowed")

    def like(self, node: exp.Expr) -> tuple[str, sql.Composable]:
        if not isinstance(node.expression, exp.Literal) or str(node.expression.this).count("%") > 5:
            raise ConditionError(f"`{_told(node)}`: compare with a text of at most five %")
        value, pattern = self._all("text", [node.this, node.expression], node)
        word = ("not " if node.args.get("negate") else "") + ("ilike" if isinstance(node, exp.ILike) else "like")
        return "boolean", sql.SQL("({} " + word + " {} escape '')").format(value, pattern)

    def first_known(self, node: exp.Expr) -> tuple[str, sql.Composable]:
        parts = [node.this, *node.expressions]
        kinds = {self.compile(part)[0] for part in parts}
        if len(kinds) != 1:
            raise ConditionError(f"`{_told(node)}`: all of them must be of one kind, not {', '.join(sorted(kinds))}")
        return kinds.pop(), sql.SQL("coalesce({})").format(sql.SQL(", ").join(self.compile(p)[1] for p in parts))

    def of_text(self, node: exp.Expr) -> tuple[str, sql.Composable]:
        (value,) = self._all("text", [node.this], node)
        if isinstance(node, exp.Length):
            return "number", sql.SQL("length({})::numeric").format(value)
        return "text", sql.SQL("lower({})").format(value)

    def days(self, node: exp.Expr) -> tuple[str, sql.Composable]:
        name, given = str(node.this).lower(), node.expressions
        if name not in ("days_ago", "days_from_now"):
            raise ConditionError(f"there is no function {name[:40]}. Allowed are {ALLOWED}")
        if len(given) != 1 or not isinstance(given[0], exp.Literal) or not str(given[0].this).isdecimal():
            raise ConditionError(f"{name} takes a whole number of days, such as {name}(30)")
        days = int(str(given[0].this)[:9])
        if days > _FURTHEST_DAYS:
            raise ConditionError(f"{name} takes at most {_FURTHEST_DAYS:,} days")
        offset = timedelta(days=-days if name == "days_ago" else days)
        return "moment", sql.SQL("{}::timestamptz").format(self.parameter(offset))

    def _alike(self, nodes: Sequence[exp.Expr], whole: exp.Expr) -> list[sql.Composable]:
        """All of one kind; a text beside a moment is read as one."""
        kinds = [self.compile(node)[0] for node in nodes if not (isinstance(node, exp.Literal) and node.is_string)]
        kind = kinds[0] if kinds else "text"
        if kind in ("list", "object"):
            raise ConditionError(f"`{_told(whole)}`: a {kind} cannot be compared; ask whether it `is null`")
        return self._all(kind, nodes, whole)

    def _all(self, wanted: str, nodes: Sequence[exp.Expr], whole: exp.Expr) -> list[sql.Composable]:
        return [self._one(wanted, node, whole) for node in nodes]

    def _one(self, wanted: str, node: exp.Expr, whole: exp.Expr) -> sql.Composable:
        if wanted == "moment" and isinstance(node, exp.Literal) and node.is_string:
            return sql.SQL("{}::timestamptz").format(self.parameter(_moment(str(node.this))))
        kind, compiled = self.compile(node)
        if kind != wanted:
            raise ConditionError(f"`{_told(whole)}`: `{_told(node)}` is a {kind} where a {wanted} belongs")
        return compiled


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConditionError(f"{text[:40]!r} is no date; write it as 2027-03-01 or use days_ago(30)") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _told(node: exp.Expr) -> str:
    """What was written, for an error; never for a database."""
    return str(node.sql(dialect="postgres"))[:80]


_Handler = Callable[[Compiler, Any], tuple[str, sql.Composable]]
_HANDLERS: dict[type[exp.Expr], _Handler] = {
    exp.Column: Compiler.column,
    exp.Literal: Compiler.literal,
    exp.Boolean: Compiler.truth,
    exp.Paren: Compiler.bracket,
    exp.And: Compiler.joined,
    exp.Or: Compiler.joined,
    exp.Not: Compiler.negated,
    exp.Neg: Compiler.minus,
    exp.Div: Compiler.summed,
    exp.In: Compiler.member,
    exp.Between: Compiler.between,
    exp.Is: Compiler.tested,
    exp.Like: Compiler.like,
    exp.ILike: Compiler.like,
    exp.Coalesce: Compiler.first_known,
    exp.Lower: Compiler.of_text,
    exp.Length: Compiler.of_text,
    exp.Anonymous: Compiler.days,
    **dict.fromkeys(_COMPARISONS, Compiler.compared),
    **dict.fromkeys(_SUMS, Compiler.summed),
}
