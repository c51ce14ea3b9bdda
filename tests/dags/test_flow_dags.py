"""The folder of a flow becomes a DAG that asks and then moves people, every quarter of an hour."""

from pathlib import Path

import pytest

from rapport.campaigns.folder.scaffold import new
from rapport.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def test_a_flow_runs_every_quarter_of_an_hour_and_asks_before_it_moves_anybody(
    tmp_path: Path, airflow_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rapport_airflow import campaign_dags

    folder = tmp_path / "campaigns"
    folder.mkdir()
    (folder / "examples").symlink_to(ROOT / "campaigns" / "examples")
    new("our_carts", folder, "abandoned_cart")
    settings = Settings(project_dir=tmp_path, home=tmp_path / ".rapport", secret_key="k", installation_id="i")
    monkeypatch.setattr(campaign_dags, "get_settings", lambda: settings)
    dags = {dag.dag_id: dag for dag in campaign_dags.campaign_dags()}
    assert set(dags) == {"campaign_our_carts"}, "examples are switched off"
    dag = dags["campaign_our_carts"]
    assert (dag.schedule, dag.max_active_runs) == ("*/15 * * * *", 1)
    assert dag.get_task("plan").upstream_task_ids == {"approve"}
    assert "`cart_abandoned`" in (dag.doc_md or "")
