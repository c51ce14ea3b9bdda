"""Likeness: which records probably are one person, scored by Splink over the pairs that blocking finds."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rapport.identity import splink_model
from rapport.identity.blocking import SQL, Bounds, Records
from rapport.identity.rules import Likeness, Veto
from rapport.identity.splink_model import Model

WEAKEST_TRAINING_WEIGHT = -20.0
"""log2 odds; what lies below adds nothing to the share of matches."""


class NothingToCompare(Exception):
    """Hardly any profile holds a name, an address or what else likeness looks at: numbers alone tell nothing."""


class Matcher:
    """Scores pairs of `people` in which a profile of `changed` stands, both as `Records` take them. Without a `model`
    and its `bounds` it trains one. Raises NothingToCompare.

    Answers are Arrow tables of `profile_key_a`, `profile_key_b`, `probability` and `evidence`, which says what fields
    agree how, without values; the earlier key in the alphabet is a.
    """

    def __init__(
        self,
        people: Any,
        rules: Likeness,
        model: Model | None = None,
        bounds: Bounds | None = None,
        changed: Any = None,
    ) -> None:
        # Splink explains at length what it does; our own log says what came of it.
        logging.getLogger("splink").setLevel(logging.ERROR)
        self._rules = rules
        self._records = Records(people, rules, bounds, changed)
        self.bounds = self._records.bounds
        compared = {column for comparison in rules.compare.values() for column in comparison.columns}
        if not compared & set(self._records.known):
            raise NothingToCompare
        from splink import DuckDBAPI

        self._api = DuckDBAPI(self._records.con)
        self._frequencies: dict[str, Any] = {}
        self.model = model or self._train()
        self._linker = self._open("people", self.model)

    def score(self) -> Iterator[Any]:
        """Pairs worth keeping that share a block, part by part."""
        return map(self._judged, self._records.parts())

    def score_within(self, groups: Any) -> Iterator[Any]:
        """Pairs worth keeping within each group, whether they share a block or not, part by part."""
        return map(self._judged, self._records.parts_within(groups))

    def _train(self) -> Model:
        """u is measured on a sample of records, m on pairs that share a lesson, the share of matches on a part of those
        that share a block."""
        records, rules = self._records, self._rules
        records.run(SQL["sample"], {"size": rules.train_profiles})
        settings = splink_model.settings(rules, records.known)
        self._open("people", settings)
        linker = self._open("sample", settings)
        splink_model.train_u(linker)
        lessons = records.lessons()
        if lessons:
            linker = self._open("taught", linker.misc.save_model_to_json())
            splink_model.train_m(linker, lessons)
        model: Model = linker.misc.save_model_to_json()
        # Nothing but the weights: of pairs as weak as these there are millions.
        linker = self._open("people", model | {"retain_matching_columns": False})
        for share in records.parts():
            with self._predicted(linker, threshold_match_weight=WEAKEST_TRAINING_WEIGHT) as answer:
                weights = answer.project("match_weight").fetchnumpy()["match_weight"]
            pairs = records.count * (records.count - 1) / 2 * share
            found = splink_model.prior(weights, model["probability_two_random_records_match"], pairs)
            return splink_model.corrected(model, found)
        return model

    def _judged(self, _share: float) -> Any:
        fields = [comparison["output_column_name"] for comparison in self.model["comparisons"]]
        columns = [f"gamma_{field}" for field in fields]
        with self._predicted(self._linker, threshold_match_probability=self._rules.keep) as answer:
            found = answer.project(", ".join(["row_id_l", "row_id_r", "match_probability", *columns]))
            found.create_view("scored", replace=True)
            self._records.con.register("patterns", self._patterns(fields, found.project(", ".join(columns)).distinct()))
            return self._records.con.sql(SQL["scored_pairs"]).to_arrow_table()

    def _patterns(self, fields: list[str], found: Any) -> Any:
        """How the fields agree, where no veto speaks against it, and that in words."""
        import pyarrow as pa

        names = [splink_model.level_names(self._rules.compare[field]) for field in fields]
        rows = []
        for numbers in found.fetchall():
            levels = {f: name[n] for f, name, n in zip(fields, names, numbers, strict=True) if n >= 0}
            if not any(_vetoed(levels, veto) for veto in self._rules.vetoes):
                rows.append((*numbers, ", ".join(f"{f} {level}".replace("_", " ") for f, level in levels.items())))
        schema = pa.schema([*((f"gamma_{field}", pa.int32()) for field in fields), ("evidence", pa.string())])
        columns = list(zip(*rows, strict=True)) or [()] * len(schema)
        return pa.table([pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema)

    @contextmanager
    def _predicted(self, linker: Any, **threshold: float) -> Iterator[Any]:
        linker.table_management.register_blocked_pairs_for_predict(self._api.register("pairs"))
        answer = linker.inference.predict(**threshold, warning_mode="never")
        yield answer.as_duckdbpyrelation()
        answer.drop_table_from_database_and_remove_from_cache()

    def _open(self, table: str, settings: Any) -> Any:
        """A linker over `table`. How common a value is, all know from the first one opened, which is over everybody."""
        from splink import Linker

        linker = Linker([self._api.register(table)], settings, log_level=None)
        levels = [level for comparison in self._rules.compare.values() for level in comparison.levels.values()]
        for column in sorted({level.rare for level in levels if level.rare}):
            if column in self._frequencies:
                linker.table_management.register_term_frequency_lookup(self._frequencies[column], column)
            else:
                self._frequencies[column] = linker.table_management.compute_tf_table(column)
        return linker


def _vetoed(levels: dict[str, str], veto: Veto) -> bool:
    if levels.get(veto.field) not in veto.levels:
        return False
    return not any(levels.get(field) in allowed for field, allowed in veto.unless.items())
