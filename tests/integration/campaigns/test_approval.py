"""Nothing is planned without the yes of those who must give it, and every yes and no is kept."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from rapport import pipeline
from rapport.campaigns.approving import requests
from rapport.campaigns.approving.approval import ApprovalNeeded, ApprovalRefused
from rapport.campaigns.approving.audit import deeds
from rapport.campaigns.folder.definition import load_campaign
from rapport.campaigns.folder.model import Campaign
from rapport.campaigns.offers import coupons
from rapport.campaigns.planning.plan import plan
from rapport.clock import FixedClock
from rapport.db import connect
from rapport.errors import GateFailed, PermanentError
from rapport.settings import Settings

NOW = datetime(2026, 7, 10, 5, 5, tzinfo=UTC)
AUTOMATIC = "\napproval: automatic\n"


@pytest.fixture
def asking(shop):  # type: ignore[no-untyped-def]
    """The shop of the other tests, whose campaign needs people again, and sixty people that it would reach."""
    path = shop.campaign.folder / "campaign.yml"
    path.write_text(path.read_text().replace(AUTOMATIC, ""))
    shop.campaign = load_campaign(shop.campaign.folder, shop.settings)
    for number in range(60):
        shop.person(f"c{number:02}", f"p{number}@post.example")
    return shop


def policy(settings: Settings, text: str) -> None:
    (settings.campaigns_dir / "policy.yml").write_text(text)


def ask(shop, by: str | None = None, *, anew: bool = False) -> requests.Request | None:  # type: ignore[no-untyped-def]
    _, asked = requests.look(shop.campaign, shop.settings, shop.clock, anew=anew)
    return requests.ask(shop.campaign, asked, shop.settings, shop.clock, requested_by=by) if asked else None


def say(shop, request: requests.Request, who: str, verdict: requests.Verdict = "approved") -> requests.Request:  # type: ignore[no-untyped-def]
    return requests.answer(shop.settings, request["request_id"], who, verdict, shop.clock.now())


def next_day(shop, days: int = 1) -> None:  # type: ignore[no-untyped-def]
    now = shop.clock.now() + timedelta(days=days)
    shop.clock = FixedClock(now)
    shop.gate(ran_at=now - timedelta(hours=1))


def edit(shop, old: str, new: str) -> None:  # type: ignore[no-untyped-def]
    path = shop.campaign.folder / "campaign.yml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    shop.campaign = load_campaign(shop.campaign.folder, shop.settings)


def test_a_version_nobody_approved_is_not_planned_and_leaves_no_trace(asking) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ApprovalNeeded, match="this version of it was never approved"):
        plan(asking.campaign, asking.settings, asking.clock)
    for relation in ("send", "decision", "occurrence", "campaign", "template", "recipient"):
        assert asking.count(relation) == 0, relation


def test_an_approved_version_is_planned_and_so_are_its_later_occurrences(asking) -> None:  # type: ignore[no-untyped-def]
    request = ask(asking)
    assert request is not None
    assert (request["covers"], request["audience"], request["state"]) == ("version", 60, "open")
    assert say(asking, request, "ann")["approved_by"] == ["ann"]
    assert plan(asking.campaign, asking.settings, asking.clock).planned == 60
    next_day(asking)
    assert plan(asking.campaign, asking.settings, asking.clock).changed


@pytest.mark.parametrize(
    ("old", "new"),
    [("a note from", "a word from"), ("expires_after: 36h", "expires_after: 35h")],
    ids=["words", "calendar"],
)
def test_an_edit_needs_a_yes_of_its_own_and_undoing_it_does_not(asking, old: str, new: str) -> None:  # type: ignore[no-untyped-def]
    say(asking, ask(asking), "ann")
    edit(asking, old, new)
    with pytest.raises(ApprovalNeeded):
        plan(asking.campaign, asking.settings, asking.clock)
    edit(asking, new, old)
    assert plan(asking.campaign, asking.settings, asking.clock).planned == 60


def test_a_refused_version_stays_refused_until_somebody_decides_anew(asking) -> None:  # type: ignore[no-untyped-def]
    say(asking, ask(asking), "ann", "refused")
    next_day(asking)
    with pytest.raises(ApprovalRefused, match="refused by ann"):
        plan(asking.campaign, asking.settings, asking.clock)
    with pytest.raises(ApprovalRefused):
        ask(asking)
    say(asking, ask(asking, anew=True), "bob")
    assert plan(asking.campaign, asking.settings, asking.clock).planned == 60


def test_an_answer_after_the_question_closed_changes_nothing(asking) -> None:  # type: ignore[no-untyped-def]
    request = ask(asking)
    asking.clock = FixedClock(request["expires_at"])
    with pytest.raises(PermanentError, match="was open until"):
        say(asking, request, "ann")
    assert requests.state_at(request, asking.clock.now()) == "expired"
    asking.gate(ran_at=asking.clock.now() - timedelta(hours=1))
    with pytest.raises(ApprovalNeeded):
        plan(asking.campaign, asking.settings, asking.clock)


def test_from_a_size_on_two_others_than_the_asker_must_agree(asking) -> None:  # type: ignore[no-untyped-def]
    policy(asking.settings, "approval: { two_people_from: 60 }\n")
    request = ask(asking, by="ann")
    assert request["people_needed"] == 2
    with pytest.raises(PermanentError, match="ann requested it"):
        say(asking, request, "ann")
    assert say(asking, request, "bob")["state"] == "open"
    with pytest.raises(PermanentError, match="bob has answered"):
        say(asking, request, "bob")
    with pytest.raises(ApprovalNeeded):
        plan(asking.campaign, asking.settings, asking.clock)
    assert say(asking, request, "cid")["state"] == "approved"
    assert plan(asking.campaign, asking.settings, asking.clock).planned == 60


def test_a_yes_of_one_does_not_serve_an_audience_that_needs_two(asking) -> None:  # type: ignore[no-untyped-def]
    policy(asking.settings, "approval: { two_people_from: 61 }\n")
    say(asking, ask(asking), "ann")
    asking.person("c60", "p60@post.example")
    with pytest.raises(ApprovalNeeded, match="two people"):
        plan(asking.campaign, asking.settings, asking.clock)


def test_even_the_database_counts_neither_asker_nor_editor_among_two(asking) -> None:  # type: ignore[no-untyped-def]
    policy(asking.settings, "approval: { two_people_from: 60 }\n")
    request = ask(asking, by="ann")
    with connect("engine", settings=asking.settings) as conn:
        for actor in ("ann", "bob"):
            conn.execute(
                "insert into ops.approval_answer (request_id, actor, answer, answered_at)"
                " values (%s, %s, 'approved', %s)",
                (request["request_id"], actor, NOW),
            )
        assert requests.read(conn, request["request_id"])["approved_by"] == ["bob"]


def test_many_more_people_than_were_approved_need_a_new_look(asking) -> None:  # type: ignore[no-untyped-def]
    say(asking, ask(asking), "ann")
    for number in range(100, 160):
        asking.person(f"c{number}", f"p{number}@post.example")
    with pytest.raises(ApprovalNeeded, match="120 messages, 60 when it was approved"):
        plan(asking.campaign, asking.settings, asking.clock)


def test_a_segment_that_jumps_needs_a_person_though_the_version_stands(asking) -> None:  # type: ignore[no-untyped-def]
    edit(asking, "max: 2", "max: 900")
    edit(asking, "repeat_after_days: 30\n", "")
    say(asking, ask(asking), "ann")
    plan(asking.campaign, asking.settings, asking.clock)
    for number in range(100, 200):
        asking.person(f"c{number}", f"p{number}@post.example")
    next_day(asking)
    with pytest.raises(ApprovalNeeded, match=r"segment has 160 people, 60 at the last occurrence \(\+167 %") as raised:
        plan(asking.campaign, asking.settings, asking.clock)
    assert [reason.code for reason in raised.value.question.reasons] == ["volume", "segment_size"]
    request = ask(asking)
    assert request["covers"] == "occurrence"
    say(asking, request, "ann")
    assert plan(asking.campaign, asking.settings, asking.clock).planned == 160


def test_a_segment_that_collapses_needs_a_person(asking) -> None:  # type: ignore[no-untyped-def]
    say(asking, ask(asking), "ann")
    plan(asking.campaign, asking.settings, asking.clock)
    with connect("transformer", settings=asking.settings) as conn:
        conn.execute("delete from activation.campaign_audience where customer_id > 'c05'")
    next_day(asking)
    with pytest.raises(ApprovalNeeded, match="segment has 6 people, 60 at the last"):
        plan(asking.campaign, asking.settings, asking.clock)


def test_automatic_holds_only_where_the_policy_allows_it(shop) -> None:  # type: ignore[no-untyped-def]
    shop.person("c1", "joe@post.example")
    policy(shop.settings, "approval: { automatic: false }\n")
    with pytest.raises(ApprovalNeeded):
        plan(shop.campaign, shop.settings, shop.clock)
    policy(shop.settings, "approval: { automatic: true }\n")
    assert plan(shop.campaign, shop.settings, shop.clock).planned == 1


def test_a_policy_that_cannot_be_read_lets_nothing_out(shop) -> None:  # type: ignore[no-untyped-def]
    shop.person("c1", "joe@post.example")
    policy(shop.settings, "approval: { automatik: true }\n")
    with pytest.raises(PermanentError, match=r"policy.yml:1"):
        plan(shop.campaign, shop.settings, shop.clock)
    assert shop.count("send") == 0


def test_a_broadcast_is_asked_for_even_when_its_words_were_approved(
    asking, make_campaign: Callable[..., Campaign]
) -> None:  # type: ignore[no-untyped-def]
    asking.campaign = make_campaign(
        "sale",
        ("campaign.yml", "kind: recurring", "kind: broadcast"),
        ("campaign.yml", 'cron: "0 6 * * *"', "at: 2026-07-10T06:00"),
        ("campaign.yml", AUTOMATIC, ""),
    )
    request = ask(asking)
    assert (request["covers"], request["reasons"]) == ("occurrence", ["a broadcast is approved each time"])
    say(asking, request, "ann")
    assert plan(asking.campaign, asking.settings, asking.clock).planned == 60


def test_asking_twice_is_one_question(asking) -> None:  # type: ignore[no-untyped-def]
    assert ask(asking)["request_id"] == ask(asking)["request_id"]


def test_who_asked_and_said_what_is_on_record_and_nobody_edits_it(asking) -> None:  # type: ignore[no-untyped-def]
    say(asking, ask(asking, by="ann"), "bob")
    log = [(deed["actor"], deed["action"], deed["object"]) for deed in deeds(asking.settings)]
    assert log == [("bob", "approved", "campaign spring"), ("ann", "approval asked", "campaign spring")]
    with connect("engine", settings=asking.settings) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("delete from ops.audit_log")
    with connect("engine", settings=asking.settings) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("update ops.approval_answer set answer = 'approved'")


def held(settings: Settings) -> list[tuple[str, str | None]]:
    with connect("engine", settings=settings) as conn:
        return [(row["held_by"], row["occurrence_key"]) for row in conn.execute("select * from ops.campaign_hold")]


def test_a_hold_stands_until_a_plan_goes_through(asking) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ApprovalNeeded):
        pipeline.plan("spring", asking.settings, asking.clock)
    assert held(asking.settings) == [("approval", "2026-07-10T06:00")]
    asking.gate(passed=False, ran_at=NOW)
    with pytest.raises(PermanentError):
        pipeline.plan("spring", asking.settings, asking.clock)
    assert held(asking.settings) == [("data", None)]
    asking.gate(ran_at=NOW + timedelta(seconds=1))
    request = pipeline.answer("spring", asking.settings, asking.clock, "ann", "approved")
    assert request is not None
    assert pipeline.plan_if_due("spring", asking.settings, asking.clock)["planned"] == 60
    assert held(asking.settings) == []


def test_nothing_is_planned_while_codes_are_fewer_than_mails(asking, make_campaign: Callable[..., Campaign]) -> None:  # type: ignore[no-untyped-def]
    printed = "{{ coupon.code }} until {{ coupon.expires_at|date }}"
    campaign = make_campaign(
        "sale",
        ("campaign.yml", "owner: marketing", "owner: marketing\ncoupon: { name: sale, valid_for: 14d }"),
        ("body.txt", "Write here what you have to say.", printed),
        ("body.mjml", "Write here what you have to say.", printed),
    )
    policy(asking.settings, "approval: { automatic: true }\n")
    with connect("engine", settings=asking.settings) as conn:
        coupons.add(conn, "sale", "import", [(f"CODE-{number}", None) for number in range(59)], NOW)
    with pytest.raises(GateFailed, match="coupon sale has 59 free codes for 60 mails"):
        plan(campaign, asking.settings, asking.clock)
    assert asking.count("send") == 0
    with connect("engine", settings=asking.settings) as conn:
        coupons.add(conn, "sale", "import", [("CODE-59", None)], NOW)
    assert plan(campaign, asking.settings, asking.clock).planned == 60
