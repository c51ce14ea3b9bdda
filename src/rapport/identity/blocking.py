"""Which pairs are worth comparing: records made comparable in a DuckDB of its own, and what they share, within bounds.

A value that many share tells nobody apart, and its pairs grow with the square of how many. So a block larger than
`block_limit` is left out, and when the blocks still make more than `max_pairs`, the largest of them are left out too.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rapport.db import load_queries
from rapport.identity.rules import Likeness

SQL = load_queries("rapport.identity", "matching.sql", "blocking.sql")
PEOPLE = ("first_name", "last_name", "birth_date", "email", "phone", "address", "zip", "city", "number")
KNOWN_SHARE = 0.01
PAIRS_AT_ONCE = 4_000_000
MEMORY = "3GB"
THREADS = 2


@dataclass(frozen=True)
class Bounds:
    """The largest block that is compared, and for each block what was left out as too common: values and profiles."""

    block_limit: int
    left_out: dict[str, dict[str, int]]


class Records:
    """`people` (an Arrow table or data frame of `profile_key` and PEOPLE, text or null) and the blocks they fall into.

    Pairs are made for the profiles in `changed`, an Arrow table of `profile_key`; left out, for all. DuckDB takes
    MEMORY at most and puts what is beyond into a folder that goes with it.
    """

    def __init__(self, people: Any, rules: Likeness, bounds: Bounds | None = None, changed: Any = None) -> None:
        import duckdb

        self._folder = tempfile.TemporaryDirectory(prefix="rapport-identity-")
        config: dict[str, Any] = {"threads": THREADS, "memory_limit": MEMORY, "temp_directory": self._folder.name}
        self.con = duckdb.connect(config=config)
        self._rules = rules
        self.con.register("given", people)
        self.run(SQL["tidy"])
        self.con.unregister("given")
        self.run(SQL["orient"])
        self.count, *counts = self._counts(["*", *PEOPLE])
        least = max(1.0, KNOWN_SHARE * self.count)
        self.known = [column for column, count in zip(PEOPLE, counts, strict=True) if count >= least]
        self._hash(changed)
        self.bounds = bounds or self._bounds()
        self.run(SQL["blocks"], {"limit": self.bounds.block_limit})
        self.pairs = int(self.run(SQL["pair_count"], {"limit": self.bounds.block_limit})[0][0])
        for table in ("keys", "sizes", "hashed"):
            self.run(f"drop table {table}")

    def parts(self) -> Iterator[float]:
        """Fills `pairs` with one part after the other of all pairs that share a block; yields each one's share."""
        return self._filled("pairs", self.pairs)

    def parts_within(self, groups: Any) -> Iterator[float]:
        """The same for all pairs within each group; `groups` is an Arrow table of `profile_key` and `group_number`."""
        self.con.register("groups", groups)
        self.run(SQL["together"])
        return self._filled("pairs_within", int(self.run(SQL["group_pair_count"])[0][0]))

    def lessons(self) -> list[str]:
        """Fills `taught` with all who share one of `train_on` with few others, within the pairs there may be. Returns
        the condition of each lesson."""
        lessons = [columns for columns in self._rules.train_on if set(columns) <= set(self.known)]
        if not lessons:
            return []
        names = [f"lesson_{number}" for number in range(len(lessons))]
        keys = [_hash(name, " || '|' || ".join(columns)) for name, columns in zip(names, lessons, strict=True)]
        everybody = self.con.table("people").project(", ".join(["*", *keys]))
        everybody.create_view("pupils")
        self.run(SQL["lessons"], {"limit": self._rules.block_limit, "pairs": self._rules.train_pairs})
        self.run(SQL["lesson_keys"])
        chosen = [f"case when {name} in (from lesson_keys) then {name} end as {name}" for name in names]
        taught = everybody.project(f"* replace ({', '.join(chosen)})")
        taught.filter(f"coalesce({', '.join(names)}) is not null").create("taught")
        # Splink forgets what it compares when it is given a lesson without pairs.
        full = {name for (name,) in self.run("select distinct lesson from lessons")}
        return [
            " and ".join(f"l.{column} = r.{column}" for column in [*columns, name])
            for columns, name in zip(lessons, names, strict=True)
            if name in full
        ]

    def run(self, statement: str, parameters: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        # DuckDB refuses the next statement while an answer is not read to its end.
        return list(self.con.execute(statement, parameters or {}).fetchall())

    def _hash(self, changed: Any) -> None:
        keys = ", ".join(_hash(f"block_{name}", key) for name, key in self._rules.blocks.items())
        if changed is not None:
            self.con.register("changed", changed)
        is_changed = "true" if changed is None else "profile_key in (select profile_key from changed)"
        self.con.table("people").project(f"row_id, {is_changed} as is_changed, {keys}").create("hashed")
        self.run(SQL["keys" if changed is None else "keys_of_changed"])
        self.run(SQL["sizes"])

    def _bounds(self) -> Bounds:
        most = {"block_limit": self._rules.block_limit, "max_pairs": self._rules.max_pairs}
        limit = int(self.run(SQL["limit"], most)[0][0])
        rows = self.run(SQL["left_out"], {"limit": limit})
        return Bounds(limit, {block: {"values": values, "profiles": count} for block, values, count in rows})

    def _filled(self, name: str, pairs: int) -> Iterator[float]:
        parts = -(-pairs // PAIRS_AT_ONCE)
        for part in range(parts):
            self.run(SQL[name], {"parts": parts, "part": part})
            yield 1 / parts

    def _counts(self, columns: Sequence[str]) -> tuple[int, ...]:
        counts = ", ".join(f"count({column})" for column in columns)
        return tuple(self.con.table("people").aggregate(counts).fetchall()[0])


def _hash(name: str, key: str) -> str:
    """A column of that name; the name is part of what is hashed, so that keys of two blocks never meet."""
    return f"case when ({key}) is not null then hash('{name}', {key}) end as {name}"
