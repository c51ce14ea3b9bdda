"""The task that asks people: it waits for them, keeps their answers, and lets nothing by without one."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from rapport.campaigns.approving import requests
from rapport.campaigns.approving.approval import ApprovalRefused, Question
from rapport.campaigns.approving.unusual import Finding
from rapport.campaigns.folder.definition import load_campaign
from rapport.clock import FixedClock
from rapport.db import connect
from rapport.delivery import release
from rapport.errors import GateFailed
from rapport.settings import CHECKOUT, Settings

NOW = datetime(2026, 7, 10, 5, 5, tzinfo=UTC)


class Task:
    """The operator as Airflow would run it, without Airflow's servers."""

    def __init__(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        from airflow.providers.standard.operators import hitl
        from rapport_airflow import approval

        self.settings, self.clock, self.shown = settings, FixedClock(NOW), []  # type: ignore[var-annotated]
        self.campaign = load_campaign(CHECKOUT / "campaigns" / "win_back", settings)
        self.request: Any = None
        kept: dict[str, Any] = {}
        ti = SimpleNamespace(
            id="ti",
            xcom_push=lambda key, value: kept.__setitem__(key, value),
            xcom_pull=lambda task_ids, key: kept[key],
        )
        self.context: Any = {"ti": ti, "task_instance": ti, "dag_run": SimpleNamespace(triggering_user_name="ann")}
        self.operator = approval.CampaignApproval(task_id="approve", campaign="win_back")
        monkeypatch.setattr(approval, "runtime", lambda *_: (self.settings, self.clock))
        monkeypatch.setattr(release, "ask", self._asked)
        monkeypatch.setattr(hitl, "upsert_hitl_detail", lambda **detail: self.shown.append(detail))

    def _asked(self, name: str, settings: Settings, clock: FixedClock, **_: Any) -> release.Asked | None:
        return release.Asked(self.request, "The question.") if self.request else None

    def ask(self, people: int = 1) -> None:
        question = Question("win_back", "v1", "2026-07-10T06:00", "version", (Finding("version", "new"),), 9, people)
        self.request = requests.ask(self.campaign, question, self.settings, self.clock, requested_by="ann")  # type: ignore[arg-type]
        self.parks(lambda: self.operator.execute(self.context))

    def parks(self, run: Any) -> timedelta:
        from airflow.sdk.exceptions import TaskAwaitingInput

        with pytest.raises(TaskAwaitingInput) as raised:
            run()
        return raised.value.timeout  # type: ignore[no-any-return]

    def hear(self, option: str, who: str = "bob") -> Any:
        event = {
            "chosen_options": [option],
            "params_input": {"comment": "because"},
            "responded_at": NOW,
            "responded_by_user": {"id": who, "name": who},
        }
        return self.operator.execute_complete(self.context, event)

    def silence(self) -> Any:
        return self.operator.execute_complete(self.context, {"error": "no answer", "error_type": "timeout"})

    def state(self) -> Any:
        with connect("engine", settings=self.settings) as conn:
            return requests.read(conn, self.request["request_id"])

    def held_by(self) -> str | None:
        with connect("engine", settings=self.settings) as conn:
            row = conn.execute("select held_by from ops.campaign_hold").fetchone()
        return row["held_by"] if row else None


@pytest.fixture
def task(airflow_home: Any, database: Settings, monkeypatch: pytest.MonkeyPatch) -> Task:
    return Task(database, monkeypatch)


def test_with_nothing_to_ask_it_ends_at_once(task: Task) -> None:
    assert task.operator.execute(task.context) is None
    assert task.shown == []


def test_what_was_refused_is_skipped(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    def refused(*_: Any, **__: Any) -> None:
        raise ApprovalRefused("no")

    monkeypatch.setattr(release, "ask", refused)
    with pytest.raises(AirflowSkipException):
        task.operator.execute(task.context)


def test_it_shows_the_question_and_waits_no_longer_than_it_is_open(task: Task) -> None:
    task.ask()
    (shown,) = task.shown
    assert shown["subject"] == "May win_back 2026-07-10T06:00 be sent to 9 people?"
    assert shown["body"] == "The question."
    assert shown["options"] == ["Approve", "Reject"]
    assert task.operator.response_timeout == task.request["expires_at"] - NOW


def test_a_yes_is_kept_under_the_name_that_gave_it(task: Task) -> None:
    task.ask()
    task.hear("Approve")
    assert (task.state()["state"], task.state()["approved_by"]) == ("approved", ["bob"])


def test_a_no_is_kept_and_said(task: Task) -> None:
    task.ask()
    task.hear("Reject")
    assert (task.state()["state"], task.state()["refused_by"], task.held_by()) == ("refused", "bob", "refused")


def test_where_two_are_needed_it_waits_again_and_does_not_count_who_asked(task: Task) -> None:
    task.ask(people=2)
    task.parks(lambda: task.hear("Approve", "ann"))
    assert task.state()["approved_by"] == []
    task.parks(lambda: task.hear("Approve", "bob"))
    assert task.state()["state"] == "open"
    task.hear("Approve", "cid")
    assert task.state()["approved_by"] == ["bob", "cid"]


def test_an_answer_of_nobody_counts_for_nothing(task: Task) -> None:
    task.ask()
    task.parks(lambda: task.hear("Approve", ""))
    assert task.state()["approved_by"] == []


def test_silence_fails_and_is_said(task: Task) -> None:
    task.ask()
    with pytest.raises(GateFailed, match="nobody answered until"):
        task.silence()
    assert task.held_by() == "unanswered"


def test_a_yes_at_the_command_line_counts_here_too(task: Task) -> None:
    task.ask()
    requests.answer(task.settings, task.request["request_id"], "bob", "approved", NOW)
    assert task.silence() is None
    assert task.hear("Approve", "cid") is None
    with pytest.raises(GateFailed, match="rapport deliver cancel"):
        task.hear("Reject", "cid")


def test_an_answer_that_comes_too_late_lets_nothing_by(task: Task) -> None:
    task.ask()
    task.clock = FixedClock(task.request["expires_at"])
    with pytest.raises(GateFailed, match="was open until"):
        task.hear("Approve")
    assert task.state()["approved_by"] == []
