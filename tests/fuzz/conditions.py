"""Conditions as a clumsy or hostile hand would write them: none may become SQL of its own, and none may fail a plan."""

import random
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from typing import Any

import psycopg

from rapport.campaigns.audience.columns import COLUMNS
from rapport.campaigns.audience.conditions import ConditionError, compile_condition
from rapport.db import connect
from rapport.settings import Settings

from .progress import Progress

NOW = datetime(2026, 7, 10, 5, tzinfo=UTC)
# One in so many of those accepted is parsed and run by Postgres itself.
SAMPLE = 50
TYPES = {"text": "text", "number": "numeric", "moment": "timestamptz", "list": "text[]", "object": "jsonb"}
PART = 20_000
RIGHT, INJECTED, FOREIGN, SHUFFLED = KINDS = ("right", "injected", "foreign", "shuffled")
# Whatever a compiled condition may consist of. Not one token of it comes from what was written.
WORDS = {
    *("coalesce", "false", "true", "and", "or", "not", "in", "between", "is", "null", "like", "ilike", "escape"),
    *("any", "nullif", "lower", "length", "numeric", "timestamptz", "text"),
}
_TOKEN = re.compile(
    r'\s+|"audience"\."(?P<column>[a-z0-9_]+)"|%\(filter_\d+\)s|(?P<word>[a-z]+)|::|<>|<=|>=|[()=<>,+\-*/0]|\'\''
)
_HOSTILE = (
    *("email", "customer_id", "secret", "pg_user", '"email"', "audience.email", "ops.send.context"),
    *("pg_sleep(9)", "current_user", "(select 1)", "select 1", "version()", "1; drop table ops.send", "-- x"),
    *("/* x */", "'; drop table x; --", "E'\\x27'", "$$a$$", "U&'\\0027'", "x'41'", "b'1'", "revenue::text"),
    *("cast(revenue as text)", "%(now)s", "%s", "{}", "{filter}", "$1", ":x", "?", "@x", "\\", "'", '"', "`"),
    *("''", "'%s'", "'{0}'", "case when true then 1 end", "exists(select 1)", "revenue = all(select 1)"),
    *("array[1]", "segments[1]", "cart->>'value'", "similar to 'x'", "first_name ~ '(a+)+$'"),
    *("interval '1 day'", "now()", "null", "repeat('a', 1000000000)", "1e999999", "0x10", "\0", "\u2019"),
    *("\uff53elect", "union all select 1", 'collate "C"', "at time zone 'UTC'", "over ()"),
    *("filter (where true)", "limit 1", "for update", "into outfile 'x'", "lateral", "row(1)", "*"),
)
# In place of a column: nothing of these may ever be looked at, wherever it stands.
_FOREIGN = (
    *("email", "customer_id", "email_consent", "as_of", "recipient_key", "password", "xmin", "ctid", "oid"),
    *("ops.send.context", "pg_catalog.pg_user.usename", "marts.customers.email", "audience.revenue", "public.revenue"),
    *('"revenue"', '"Revenue"', '"audience"."email"', "[revenue]", "`revenue`", "@revenue", ":revenue", "$1"),
    *("current_user", "session_user", "current_setting('x')", "now()", "random()", "pg_sleep(1)", "audience", "*"),
    # Letters that look like those of a column.
    *("rev\u0435nue", "\uff52evenue", "revenue\u200b", "f\u0131rst_name"),
)
_COLUMN = re.compile(rf"\b({'|'.join(sorted(COLUMNS, key=len, reverse=True))})\b")


def attack(settings: Settings, number: int, seed: int, processes: int) -> tuple[bool, str]:
    """Writes `number` conditions and compiles them; whether all held, and what was found."""
    parts = [(f"{seed}:{first}", min(PART, number - first)) for first in range(0, number, PART)]
    counts: Counter[str] = Counter()
    samples: list[tuple[str, str, dict[str, Any]]] = []
    progress = Progress("conditions", number)
    with ProcessPoolExecutor(processes) as pool:
        for (_, size), (found, some) in zip(parts, pool.map(_part, parts), strict=True):
            counts.update(found)
            samples += some
            progress.add(size)
    failed = sum(1 for _ in _failures(settings, samples))
    faults = {name: counts[name] for name in ("strange", "crashed", "foreign accepted")} | {
        "failed in Postgres": failed
    }
    told = (
        f"{number:,} conditions ({', '.join(f'{counts[kind]:,} {kind}' for kind in KINDS)}): "
        f"{counts['refused']:,} refused, {counts['accepted']:,} accepted, "
        f"{', '.join(f'{count:,} {name}' for name, count in faults.items())}; "
        f"{len(samples):,} of them prepared and run by Postgres"
    )
    return not any(faults.values()) and counts["accepted"] > 0, told


def _part(given: tuple[str, int]) -> tuple[Counter[str], list[tuple[str, str, dict[str, Any]]]]:
    seed, number = given
    draw, counts = random.Random(seed), Counter[str]()
    samples = []
    for _ in range(number):
        kind, text = written(draw)
        counts[kind] += 1
        try:
            condition = compile_condition(text)
        except ConditionError:
            counts["refused"] += 1
            continue
        except Exception:
            counts["crashed"] += 1
            continue
        counts["accepted"] += 1
        counts["foreign accepted"] += kind == FOREIGN
        compiled = condition.where.as_string(None)
        counts["strange"] += not harmless(compiled)
        if counts["accepted"] % SAMPLE == 0:
            samples.append((text, compiled, condition.values(NOW)))
    return counts, samples


def harmless(compiled: str) -> bool:
    """Whether it consists of our own columns, words and signs only, and reads to its end."""
    at = 0
    while at < len(compiled):
        token = _TOKEN.match(compiled, at)
        if not token or (token["column"] and token["column"] not in COLUMNS):
            return False
        if token["word"] and token["word"] not in WORDS:
            return False
        at = token.end()
    return True


def _failures(settings: Settings, samples: list[tuple[str, str, dict[str, Any]]]) -> Iterator[str]:
    """Those that Postgres does not take as one condition over the columns of the list, for two rows of them."""
    columns = ", ".join(f"{name} {TYPES[kind]}" for name, kind in COLUMNS.items())
    with connect(settings=settings) as conn:
        conn.execute(f"create temporary table audience ({columns})")  # type: ignore[arg-type]
        conn.execute(
            "insert into audience (first_name, revenue, orders_count, last_order_at, segments)"
            " values (null, null, null, null, null), ('O''Brien', 12.5, 0, now(), '{vip,loyal}')"
        )
        conn.commit()
        for text, compiled, values in samples:
            try:
                with conn.transaction():
                    conn.execute(f"select count(*) from audience where {compiled}", values)  # type: ignore[arg-type]
            except psycopg.Error:
                yield text


def written(draw: random.Random) -> tuple[str, str]:
    """One condition and its kind: right, with something hostile put in, with a name that is none of ours, or cut and
    shuffled."""
    text = _condition(draw, draw.randint(0, 4))
    spoil = draw.random()
    if spoil < 0.2:
        at = draw.randint(0, len(text))
        return INJECTED, text[:at] + " " + draw.choice(_HOSTILE) + " " + text[at:]
    if spoil < 0.35:
        joint = draw.choice(["and", "or", "=", ",", ";", "--", "union"])
        return INJECTED, f"{text} {joint} {draw.choice(_HOSTILE)}"
    if spoil < 0.5:
        name, columns = draw.choice(_FOREIGN), list(_COLUMN.finditer(text))
        if not columns:
            return FOREIGN, f"{name} = {text}"
        column = draw.choice(columns)
        return FOREIGN, text[: column.start()] + name + text[column.end() :]
    if spoil < 0.6:
        characters = list(text)
        for _ in range(draw.randint(1, 4)):
            characters[draw.randrange(len(characters))] = draw.choice("'\"();%-/*$\\x0 =")
        return SHUFFLED, "".join(characters)
    return RIGHT, text


def _condition(draw: random.Random, depth: int) -> str:
    if depth and draw.random() < 0.6:
        form = draw.choice(["{} and {}", "{} or {}", "not ({})", "({}) is true", "({} and {}) or not {}"])
        return form.format(*(_condition(draw, depth - 1) for _ in range(form.count("{}"))))
    kind = draw.choice(list(TYPES))
    name = draw.choice([column for column, of in COLUMNS.items() if of == kind])
    sign = draw.choice(["=", "<>", "!=", "<", "<=", ">", ">="])
    match kind:
        case "text":
            form = draw.choice(["{0} {1} {2}", "{0} in ({2}, {3})", "{0} like {2}", "lower({0}) not ilike {3}",
                                "coalesce({0}, {2}) {1} {3}", "length({0}) > 3", "{0} is not null"])  # fmt: skip
            return form.format(name, sign, _text(draw), _text(draw))
        case "number":
            return f"{_sum(draw, name, draw.randint(0, 3))} {sign} {draw.randint(-9, 10**6) / draw.choice([1, 8])}"
        case "moment":
            days = f"days_ago({draw.randint(0, 4000)})"
            return draw.choice([f"{name} {sign} {days}", f"{name} between '2025-01-01' and {days}", f"{name} is null"])
        case "list":
            return draw.choice(
                [f"{_text(draw)} in {name}", f"{_text(draw)} = any({name})", f"{_text(draw)} not in {name}"]
            )
    return f"{name} is {draw.choice(['', 'not '])}null"


def _sum(draw: random.Random, name: str, depth: int) -> str:
    if not depth:
        return draw.choice([name, str(draw.randint(0, 10 ** draw.randint(1, 11))), f"coalesce({name}, 0)", f"-{name}"])
    return f"({_sum(draw, name, depth - 1)} {draw.choice('+-*/')} {_sum(draw, name, depth - 1)})"


def _text(draw: random.Random) -> str:
    word = "".join(draw.choice("abc %_'\\\"-;é") for _ in range(draw.randint(0, 8)))
    return "'" + word.replace("'", "''") + "'"
