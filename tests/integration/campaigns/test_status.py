"""A marketer sees of each campaign what it does, what holds it, and what to do."""

import shutil
from datetime import UTC, datetime

import pytest

from rapport import pipeline
from rapport.campaigns.approving.approval import ApprovalNeeded
from rapport.campaigns.approving.audit import deeds
from rapport.db import connect
from rapport.delivery import controls
from rapport.delivery.campaign_status import CampaignStatus, read, table
from rapport.errors import GateFailed, PermanentError
from rapport.settings import CHECKOUT

NOW = datetime(2026, 7, 10, 5, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def local_provider(shop) -> None:  # type: ignore[no-untyped-def]
    """No mail can leave from here, so no preflight is asked for."""
    shop.settings = shop.settings.model_copy(update={"sendgrid_url": "http://127.0.0.1:9"})


def status(shop) -> CampaignStatus:  # type: ignore[no-untyped-def]
    (only,) = read(shop.settings, shop.clock)
    return only


def test_a_campaign_that_nothing_holds_waits_for_its_time_and_then_sends(shop) -> None:  # type: ignore[no-untyped-def]
    shop.person("c1", "joe@post.example")
    assert (status(shop).last, status(shop).state, status(shop).held) == ("never", "waits for its time", "")
    assert status(shop).next == "2026-07-11T06:00"
    pipeline.plan("spring", shop.settings, shop.clock)
    assert status(shop).state == "sending"
    assert status(shop).last == "2026-07-10T06:00: 1 planned, 1 still to go"


def test_a_flow_says_what_sets_it_off(shop) -> None:  # type: ignore[no-untyped-def]
    shutil.copytree(CHECKOUT / "campaigns" / "examples" / "welcome", shop.settings.campaigns_dir / "welcome")
    (found,) = read(shop.settings, shop.clock, "welcome")
    assert (found.next, found.state) == ("on signed_up", "waits for its time")


def test_what_waits_for_a_person_says_so_and_how_to_answer(shop) -> None:  # type: ignore[no-untyped-def]
    shop.person("c1", "joe@post.example")
    (shop.settings.campaigns_dir / "policy.yml").write_text("approval: { automatic: false }\n")
    with pytest.raises(ApprovalNeeded):
        pipeline.plan("spring", shop.settings, shop.clock)
    found = status(shop)
    assert found.state == "held"
    assert "this version of it was never approved" in found.held
    assert found.todo == "rapport campaign approvals spring, then approve or refuse"


def test_a_gate_that_failed_holds_it(shop) -> None:  # type: ignore[no-untyped-def]
    shop.gate(passed=False, ran_at=NOW)
    with pytest.raises(GateFailed):
        pipeline.plan("spring", shop.settings, shop.clock)
    assert "failed its check" in status(shop).held


def test_the_kill_switch_stops_every_campaign_and_a_pause_one(shop) -> None:  # type: ignore[no-untyped-def]
    shop.person("c1", "joe@post.example")
    pipeline.plan("spring", shop.settings, shop.clock)
    controls.stop(shop.settings, by="ann")
    assert (status(shop).state, status(shop).todo) == ("stopped", "rapport deliver resume")
    controls.resume(shop.settings, by="ann")
    controls.pause_campaign(shop.settings, "spring", "wrong price", by="bob")
    assert (status(shop).held, status(shop).todo) == ("paused: wrong price", "rapport deliver resume spring")
    assert controls.cancel(shop.settings, "spring", None, "wrong price", by="bob") == 1
    log = [(deed["actor"], deed["action"], deed["object"]) for deed in deeds(shop.settings)]
    assert log == [
        ("bob", "cancel", "campaign spring"),
        ("bob", "pause", "campaign spring"),
        ("ann", "resume", "all sending"),
        ("ann", "stop", "all sending"),
    ]


def test_red_preflight_holds_it(shop) -> None:  # type: ignore[no-untyped-def]
    shop.settings = shop.settings.model_copy(update={"sendgrid_url": "https://api.sendgrid.example"})
    assert status(shop).state == "stopped"
    assert status(shop).todo == "rapport preflight"


def test_a_folder_that_cannot_be_read_is_told_and_harms_no_other(shop) -> None:  # type: ignore[no-untyped-def]
    broken = shop.settings.campaigns_dir / "broken"
    broken.mkdir()
    (broken / "campaign.yml").write_text("name: broken\nkind: recuring\n")
    found = {each.name: each for each in read(shop.settings, shop.clock)}
    assert found["broken"].state == "cannot be read"
    assert found["broken"].todo == "rapport campaign check broken"
    assert found["spring"].state == "waits for its time"
    assert table(found.values()).row_count == 2


def test_an_unknown_name_is_refused(shop) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(PermanentError, match="no campaign 'autumn'"):
        read(shop.settings, shop.clock, "autumn")


def test_a_hold_needs_no_row_of_the_campaign_itself(shop) -> None:  # type: ignore[no-untyped-def]
    (shop.settings.campaigns_dir / "policy.yml").write_text("approval: { automatic: false }\n")
    with pytest.raises(ApprovalNeeded):
        pipeline.plan("spring", shop.settings, shop.clock)
    with connect("engine", settings=shop.settings) as conn:
        assert conn.execute("select 1 from ops.campaign").fetchone() is None
