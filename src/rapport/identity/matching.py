"""Likeness: which records probably are one person, scored by Splink in a DuckDB of its own, in memory."""

import logging
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from rapport.db import load_queries
from rapport.identity import splink_model
from rapport.identity.rules import Likeness, Veto
from rapport.identity.splink_model import Model

SQL = load_queries("rapport.identity", "matching.sql")
PEOPLE = ("first_name", "last_name", "birth_date", "email", "phone", "address", "zip", "city", "number")
KNOWN_SHARE = 0.01
WEAKEST_TRAINING_WEIGHT = -20.0
"""log2 odds; what lies below adds nothing to the share of matches."""


class Likely(NamedTuple):
    """A pair with `profile_key_a < profile_key_b`, its probability, and which fields agree how, without values."""

    profile_key_a: str
    profile_key_b: str
    probability: float
    evidence: str


class NothingToCompare(Exception):
    """Hardly any profile holds a name, an address or what else likeness looks at: numbers alone tell nothing."""


class Matcher:
    """Scores pairs of `people`: an Arrow table or data frame of `profile_key` and PEOPLE, text or null. Without a
    `model` it trains one on them. Raises NothingToCompare."""

    def __init__(self, people: Any, rules: Likeness, model: Model | None = None, threads: int = 2) -> None:
        import duckdb
        from splink import DuckDBAPI

        # Splink explains at length what it does; our own log says what came of it.
        logging.getLogger("splink").setLevel(logging.ERROR)
        self._rules = rules
        self._con = duckdb.connect()
        self._run(f"set threads = {threads:d}")
        self._api = DuckDBAPI(self._con)
        self._load(people)
        compared = {column for comparison in rules.compare.values() for column in comparison.columns}
        if not self._blocks or not compared & set(self._known):
            raise NothingToCompare
        self.model = model or self._train()
        self._linker = self._open("people", self.model)
        for column in self._rare_columns():
            self._linker.table_management.compute_tf_table(column)

    def score(self, changed: Collection[str] | None = None) -> list[Likely]:
        """Pairs worth keeping that share a block; with `changed` only those in which one of these profiles stands."""
        if changed is None:
            return self._scored("people", self._block_rules())
        if not changed:
            return []
        self._register("changed", {"profile_key": sorted(changed)})
        self._run(SQL["near"])
        return self._scored("near", [f"{rule} and (l.is_changed or r.is_changed)" for rule in self._block_rules()])

    def score_within(self, groups: Sequence[Sequence[str]]) -> list[Likely]:
        """Pairs worth keeping within each group, whether they share a block or not."""
        numbered = [(key, number) for number, group in enumerate(groups) for key in group if len(group) > 1]
        if not numbered:
            return []
        keys, numbers = zip(*numbered, strict=True)
        self._register("groups", {"profile_key": list(keys), "group_number": list(numbers)})
        self._run(SQL["together"])
        return self._scored("together", ["l.group_number = r.group_number"])

    def _load(self, people: Any) -> None:
        self._con.register("given", people)
        self._run(SQL["tidy"])
        self._run(SQL["orient"])
        counts = self._counts(["*", *PEOPLE])
        least = max(1.0, KNOWN_SHARE * counts[0])
        self._known = [column for column, count in zip(PEOPLE, counts[1:], strict=True) if count >= least]
        limit = self._rules.block_limit
        blocks = ", ".join(
            f"case when count(*) over (partition by {key}) between 2 and {limit} then {key} end as block_{name}"
            for name, key in self._rules.blocks.items()
        )
        self._con.table("people").project(f"*, {blocks}").create("blocked")
        self._run("drop table people")
        self._run("alter table blocked rename to people")
        used = self._counts([f"block_{name}" for name in self._rules.blocks])
        self._blocks = [name for name, count in zip(self._rules.blocks, used, strict=True) if count]

    def _train(self) -> Model:
        self._run(SQL["sample"], {"size": self._rules.train_profiles})
        size = self._run("select count(*) from sample")[0][0]
        linker = self._open("sample", splink_model.settings(self._rules, self._known, self._blocks))
        splink_model.train(linker, self._rules, self._known)
        model: Model = linker.misc.save_model_to_json()
        found = linker.inference.predict(threshold_match_weight=WEAKEST_TRAINING_WEIGHT).as_duckdbpyrelation()
        weights = [row[0] for row in found.project("match_weight").fetchall()]
        assumed = model["probability_two_random_records_match"]
        return splink_model.corrected(model, splink_model.prior(weights, assumed, size * (size - 1) / 2))

    def _scored(self, table: str, block_rules: Sequence[str]) -> list[Likely]:
        if not block_rules:
            return []
        answer = self._linker.inference.predict_within(
            self._api.register(table),
            blocking_rules_to_generate_predictions=list(block_rules),
            threshold_match_probability=self._rules.keep,
        )
        fields = [comparison["output_column_name"] for comparison in self.model["comparisons"]]
        columns = ", ".join(["profile_key_l", "profile_key_r", "match_probability", *(f"gamma_{f}" for f in fields)])
        return sorted(self._judged(fields, answer.as_duckdbpyrelation().project(columns).fetchall()))

    def _judged(self, fields: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[Likely]:
        names = [splink_model.level_names(self._rules.compare[field]) for field in fields]
        for left, right, probability, *numbers in rows:
            levels = {
                field: name[number] for field, name, number in zip(fields, names, numbers, strict=True) if number >= 0
            }
            if any(_vetoed(levels, veto) for veto in self._rules.vetoes):
                continue
            evidence = ", ".join(f"{field} {level}".replace("_", " ") for field, level in levels.items())
            yield Likely(min(left, right), max(left, right), probability, evidence)

    def _block_rules(self) -> list[str]:
        return [f"l.block_{name} = r.block_{name}" for name in self._blocks]

    def _rare_columns(self) -> set[str]:
        levels = [level for comparison in self.model["comparisons"] for level in comparison["comparison_levels"]]
        return {level["tf_adjustment_column"] for level in levels if level.get("tf_adjustment_column")}

    def _open(self, table: str, settings: Any) -> Any:
        from splink import Linker

        return Linker([self._api.register(table)], settings, log_level=None)

    def _counts(self, columns: Sequence[str]) -> tuple[int, ...]:
        counts = ", ".join(f"count({column})" for column in columns)
        return tuple(self._con.table("people").aggregate(counts).fetchall()[0])

    def _register(self, name: str, columns: dict[str, list[Any]]) -> None:
        import pyarrow as pa

        self._con.register(name, pa.table(columns))

    def _run(self, statement: str, parameters: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        # DuckDB refuses the next statement while an answer is not read to its end.
        return list(self._con.execute(statement, parameters or {}).fetchall())


def _vetoed(levels: dict[str, str], veto: Veto) -> bool:
    if levels.get(veto.field) not in veto.levels:
        return False
    return not any(levels.get(field) in allowed for field, allowed in veto.unless.items())
