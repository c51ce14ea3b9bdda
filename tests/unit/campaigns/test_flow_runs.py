"""What happens next to a person in a flow, and what a definition of a flow may say."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rapport.campaigns.folder.definition import CampaignError, Flow, load_campaign
from rapport.campaigns.folder.scaffold import new
from rapport.campaigns.lifecycle.flow_runs import FINAL, PASSING, Asked, after_planning, moves
from rapport.settings import CHECKOUT, Settings

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "examples").symlink_to(CHECKOUT / "campaigns" / "examples")
    return new("ours", tmp_path, "abandoned_cart")


def edited(folder: Path, settings: Settings, old: str, text: str) -> Flow:
    path = folder / "campaign.yml"
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, text, 1))
    flow = load_campaign(folder, settings)
    assert isinstance(flow, Flow)
    return flow


def row(hours: float = 5, **changes: Any) -> dict[str, Any]:
    return {
        "trigger_id": "t",
        "customer_id": "ann",
        "occurred_at": NOW - timedelta(hours=hours),
        "still_holds": True,
        "is_over": False,
        "expires_at": None,
        "context": {},
        "is_in_audience": True,
        "has_open_ticket": False,
        "ordered": False,
        "clicked": False,
        "answered": False,
        "settled": [],
        "is_done_for_today": False,
    } | changes


@pytest.fixture
def flow(folder: Path, settings: Settings) -> Flow:
    flow = load_campaign(folder, settings)
    assert isinstance(flow, Flow)
    return flow


def test_only_the_first_step_that_is_not_settled_is_due(flow: Flow) -> None:
    (asked,) = moves(flow, [row(49)], {}, NOW).asked
    assert asked.step.name == "second"
    (asked,) = moves(flow, [row(5)], {}, NOW).asked
    assert (asked.step.name, asked.expires_at - asked.due_at) == ("first", timedelta(hours=36))
    assert moves(flow, [row(5, settled=["first"])], {}, NOW).asked == []


def test_a_step_ends_with_its_trigger(flow: Flow) -> None:
    (asked,) = moves(flow, [row(5, expires_at=NOW + timedelta(hours=1))], {}, NOW).asked
    assert asked.expires_at == NOW + timedelta(hours=1)


def test_two_triggers_of_one_person_ask_for_one_mail_of_a_step(flow: Flow) -> None:
    found = moves(flow, [row(6, trigger_id="a"), row(5, trigger_id="b")], {}, NOW)
    assert ([asked.trigger_id for asked in found.asked], found.held) == (["a"], 1)


@pytest.mark.parametrize("outcome", sorted(PASSING | FINAL | {"planned", "holdout", "global_holdout", "missing_field"}))
def test_what_the_planner_says_settles_the_step_or_leaves_it_open(flow: Flow, outcome: str) -> None:
    asked = [Asked("t", "ann", flow.steps[0], NOW, NOW, {})]
    found = after_planning(asked, {"ann": {"outcome": outcome, "reason": "why"}}, "first@2027-03-01")
    assert [step.outcome for step in found.settled] == ([] if outcome in PASSING else [outcome])
    assert [run.reason for run in found.ended] == ([outcome] if outcome in FINAL else [])


@pytest.mark.parametrize(
    ("old", "text", "told"),
    [
        ("trigger: cart_abandoned", "trigger: cart_lost", "'cart_abandoned'"),
        ("wait: 2d", "wait: 3h", "longer than the one before"),
        ("wait: 2d", "wait: 60d", "50d at most"),
        ("name: second", "name: first", "two steps have one name"),
        ("body: body_second", "body: body_third", "body_third.mjml"),
        ("expires_after: 36h", "expires_after: 20d", "between 1h and 14d"),
        ("kind: flow", "kind: flow\nenter_if: 'revenu > 1'", "enter_if.*revenue"),
        ("exit_if: [ordered, clicked]", "exit_if: [orderd]", "exit_if"),
        ("kind: flow", "kind: flow\nsegment: loyal", "is no field"),
        ("kind: flow", "kind: flow\nsubject: Hello", "belongs to the steps"),
        ('window: { from: "09:00", to: "20:00" }', 'window: { from: "22:00", to: "23:00" }', "within quiet_hours"),
    ],
    ids=["trigger", "order", "long", "names", "body", "expiry", "condition", "event", "segment", "subject", "window"],
)
def test_a_fault_of_a_flow_is_named(folder: Path, settings: Settings, old: str, text: str, told: str) -> None:
    with pytest.raises(CampaignError, match=told):
        edited(folder, settings, old, text)


def test_what_a_trigger_does_not_have_cannot_be_printed(folder: Path, settings: Settings) -> None:
    with pytest.raises(CampaignError, match="trigger"):
        edited(folder, settings, "Your cart is still here", "{{ trigger.ticket.subject }}")
