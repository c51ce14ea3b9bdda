"""What every DAG of the house must have. The exact set of ids comes first: a policy over no DAGs would hold."""

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIXED = {
    "ingest_shopify",
    "ingest_zendesk",
    "ingest_bluesky",
    "ingest_web",
    "ingest_files",
    "build_customers",
    "score_customers",
    "decide_winners",
    "deliver",
    "maintain",
}
HEADINGS = ("#### What\n", "#### When\n", "#### Who cares\n", "#### What to do if it fails\n")
# The next minute is the retry of each.
WITHOUT_RETRIES = {"deliver", "decide_winners", "campaign_confirm_opt_in"}
HEAVY = ("dlt", "great_expectations", "pandas", "pyarrow", "dbt", "scipy", "splink", "sqlfluff", "rapport.sandbox")


@pytest.fixture
def dags(dag_bag: Any) -> dict[str, Any]:
    return dict(dag_bag.dags)


def test_the_dags_are_these_and_no_others(dag_bag: Any) -> None:
    campaigns = {f"campaign_{file.parent.name}" for file in (ROOT / "campaigns").glob("*/campaign.yml")}
    assert dag_bag.import_errors == {}
    assert set(dag_bag.dags) == FIXED | campaigns
    assert {"campaign_win_back", "campaign_confirm_opt_in"} <= set(dag_bag.dags)


def test_a_file_is_named_as_its_dag(dags: dict[str, Any]) -> None:
    for dag_id, dag in dags.items():
        stem = Path(dag.fileloc).stem
        assert stem == ("campaigns" if dag_id.startswith("campaign_") else dag_id)


def test_a_dag_file_reads_as_a_table_of_contents() -> None:
    for file in (ROOT / "dags").glob("*.py"):
        lines = file.read_text().splitlines()
        assert len(lines) <= 80, f"{file.name} has {len(lines)} lines"
        functions = [n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.FunctionDef)]
        plain = [f.name for f in functions if not f.decorator_list]
        assert not plain, f"{file.name}: {plain} belong into the package"


def test_every_dag_has_an_owner_notes_and_known_tags(dags: dict[str, Any]) -> None:
    from rapport_airflow.tags import Tag

    for dag_id, dag in dags.items():
        assert dag.doc_md.startswith("### "), dag_id
        for heading in HEADINGS:
            assert heading in dag.doc_md, f"{dag_id} lacks {heading.strip()!r}"
        assert dag.tags, dag_id
        assert dag.tags <= {tag.value for tag in Tag}, dag_id
        assert Tag.BROKEN not in dag.tags, f"{dag_id}: its campaign folder cannot be read"
        for task in dag.tasks:
            assert task.owner == "data-engineering", f"{dag_id}.{task.task_id}"


def test_runs_do_not_overlap_and_the_past_is_not_caught_up(dags: dict[str, Any]) -> None:
    for dag_id, dag in dags.items():
        assert dag.catchup is False, dag_id
        assert dag.max_active_runs == 1, dag_id


def test_every_task_retries_by_the_kind_of_its_error(dags: dict[str, Any]) -> None:
    from rapport_airflow.retries import RapportRetryPolicy

    for dag_id, dag in dags.items():
        assert dag.tasks, dag_id
        for task in dag.tasks:
            name = f"{dag_id}.{task.task_id}"
            assert isinstance(task.retry_policy, RapportRetryPolicy), name
            assert task.execution_timeout is not None, name
            if dag_id not in WITHOUT_RETRIES:
                assert 1 <= task.retries <= 5, name
                assert task.retry_delay.total_seconds() >= 10, name


def test_parsing_imports_nothing_heavy(airflow_home: Path) -> None:
    """Every task parses its DAG file before it starts, so an import there is paid for by each of them."""
    script = """
import runpy, sys
for file in sys.argv[1:]:
    runpy.run_path(file)
print(",".join(sorted(sys.modules)))
"""
    files = [str(file) for file in sorted((ROOT / "dags").glob("*.py"))]
    # A process of its own, because the tests of other parts have imported everything already.
    command = [sys.executable, "-c", script, *files]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "plugins")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr[-2000:]
    modules = done.stdout.strip().splitlines()[-1].split(",")
    assert "rapport.pipeline" in modules
    found = [name for name in modules for heavy in HEAVY if name == heavy or name.startswith(f"{heavy}.")]
    assert found == []
