"""A campaign folder becomes a DAG on the campaign's own calendar; a broken one says so and harms no other."""

from pathlib import Path
from typing import Any

import pytest

from rapport.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
WIN_BACK = ROOT / "campaigns" / "win_back"


@pytest.fixture
def shop(tmp_path: Path, airflow_home: Path) -> Settings:
    """A checkout with one good campaign and the house's segments."""
    (tmp_path / "campaigns").mkdir()
    (tmp_path / "dbt_project").symlink_to(ROOT / "dbt_project")
    _copy(tmp_path, "win_back")
    return Settings(project_dir=tmp_path, home=tmp_path / ".rapport", secret_key="k", installation_id="i")


def _copy(project: Path, name: str, **changes: str) -> Path:
    """The shipped campaign under another name, with lines of its definition replaced."""
    folder = project / "campaigns" / name
    folder.mkdir()
    for file in WIN_BACK.iterdir():
        text = file.read_text()
        if file.name == "campaign.yml":
            text = text.replace("name: win_back", f"name: {name}")
            for old, new in changes.items():
                text = "\n".join(
                    f"{line[: len(line) - len(line.lstrip())]}{new}" if line.strip().startswith(f"{old}:") else line
                    for line in text.splitlines()
                )
        (folder / file.name).write_text(text)
    return folder


def _dags(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    from rapport_airflow import campaign_dags

    monkeypatch.setattr(campaign_dags, "get_settings", lambda: settings)
    return {dag.dag_id: dag for dag in campaign_dags.campaign_dags()}


def test_a_campaign_runs_on_its_own_calendar_and_zone(shop: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    _copy(shop.project_dir, "evening", cron="cron: '30 17 * * 5'\n  time_zone: America/New_York")
    dag = _dags(shop, monkeypatch)["campaign_evening"]
    assert dag.timetable.expression == "30 17 * * 5"
    assert str(getattr(dag.timetable.timezone, "name", dag.timetable.timezone)) == "America/New_York"
    assert {task.task_id for task in dag.tasks} == {"approve", "plan"}
    assert dag.get_task("plan").upstream_task_ids == {"approve"}, "nothing is planned before people were asked"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"segment": "segment: people_of_mars"}, "people_of_mars"),
        ({"cron": "cron: 'every day'"}, "every day"),
        ({"topic": "tpoic: marketing"}, "tpoic"),
        ({"title": "title: ["}, "campaign.yml"),
    ],
)
def test_a_broken_campaign_says_why_and_harms_no_other(
    shop: Settings, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], named: str
) -> None:
    _copy(shop.project_dir, "broken", **changes)
    dags = _dags(shop, monkeypatch)
    assert set(dags) == {"campaign_broken", "campaign_win_back"}
    assert "broken" not in dags["campaign_win_back"].tags
    broken = dags["campaign_broken"]
    assert "broken" in broken.tags
    assert named in broken.doc_md
    assert broken.schedule is None
    (task,) = broken.tasks
    with pytest.raises(Exception, match=named.replace(".", r"\.")):
        task.python_callable()


def test_a_folder_name_that_airflow_refuses_harms_no_other(shop: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (shop.campaigns_dir / "summer sale!").mkdir()
    (shop.campaigns_dir / "summer sale!" / "campaign.yml").write_text("name: summer sale!\n")
    dags = _dags(shop, monkeypatch)
    assert set(dags) == {"campaign_win_back", "campaign_summer_sale_"}
    assert "broken" in dags["campaign_summer_sale_"].tags


def test_archived_and_hidden_folders_are_left_alone(shop: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("archive", "_draft", ".old"):
        _copy(shop.project_dir, name)
    assert set(_dags(shop, monkeypatch)) == {"campaign_win_back"}


def test_a_task_parses_only_its_own_campaign(shop: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from rapport_airflow import campaign_dags

    _copy(shop.project_dir, "other")
    monkeypatch.setattr(
        campaign_dags, "get_parsing_context", lambda: type("Context", (), {"dag_id": "campaign_other"})()
    )
    assert set(_dags(shop, monkeypatch)) == {"campaign_other"}


def test_a_broadcast_runs_once_at_its_moment(shop: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    _copy(
        shop.project_dir,
        "spring",
        kind="kind: broadcast",
        cron="at: 2027-03-28T01:30\n  time_zone: America/New_York",
    )
    dag = _dags(shop, monkeypatch)["campaign_spring"]
    assert "broken" not in dag.tags, dag.doc_md
    assert [moment.isoformat() for moment in dag.timetable.event_dates] == ["2027-03-28T05:30:00+00:00"]
