"""What every file of the dbt project owes its reader."""

from pathlib import Path
from typing import Any

import yaml

BESIDE_SEGMENTS = {"current_members", "customer_segments", "segment_sizes"}
PROJECT = Path(__file__).parents[3] / "dbt_project"
MODELS = sorted((PROJECT / "models").rglob("*.sql"))


def described() -> dict[str, dict[str, object]]:
    found = {}
    for path in (PROJECT / "models").rglob("_models.yml"):
        found.update({model["name"]: model for model in yaml.safe_load(path.read_text())["models"]})
    return found


def test_every_model_and_every_column_listed_is_described() -> None:
    models = described()
    assert set(models) == {path.stem for path in MODELS}
    for name, model in models.items():
        columns = model["columns"]
        assert isinstance(columns, list)
        assert columns, name
        assert model["description"], name
        assert all(column["description"] for column in columns), name


def test_every_model_says_its_grain_and_stays_short() -> None:
    for path in MODELS:
        text = path.read_text()
        assert len(text.splitlines()) < 150, path.name
        is_dull = path.parent.parent.name == "staging" or path.parent.name == "segments"
        assert is_dull or "-- Grain: one row" in text, path.name


def test_every_segment_file_counts() -> None:
    """A segment file that var segments does not list would be built and never used."""
    files = {path.stem for path in MODELS if path.parent.name == "segments"} - BESIDE_SEGMENTS
    listed = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]["segments"]
    assert files == set(listed)
    models: dict[str, Any] = described()
    for segment in listed:
        meta = models[segment]["config"]["meta"]
        assert all(meta[note] for note in ("owner", "purpose", "who_should_care")), segment


def test_every_mart_keeps_a_contract_with_a_type_for_each_column() -> None:
    models: dict[str, Any] = described()
    for path in MODELS:
        if {"marts", "activation"} & set(path.parts):
            model = models[path.stem]
            assert model["config"]["contract"] == {"enforced": True}, path.stem
            assert all(column["data_type"] for column in model["columns"]), path.stem


def test_models_never_ask_the_clock() -> None:
    for path in MODELS:
        code = "\n".join(line for line in path.read_text().lower().splitlines() if not line.strip().startswith("--"))
        assert not [word for word in ("now()", "current_date", "current_timestamp", "clock_timestamp") if word in code]
