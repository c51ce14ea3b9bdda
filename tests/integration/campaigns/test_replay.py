"""A rehearsal gives to the past what the past would have got, and an edit's effect is told before it is planned."""

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from rapport.campaigns.folder.definition import load_campaign
from rapport.campaigns.folder.model import Campaign
from rapport.campaigns.planning.plan import plan
from rapport.campaigns.rehearsal.diff import diff
from rapport.campaigns.rehearsal.diff import render as told_diff
from rapport.campaigns.rehearsal.replay import replay
from rapport.campaigns.rehearsal.replay_text import render
from rapport.db import connect
from rapport.errors import PermanentError
from rapport.keys import recipient_key

NOW = datetime(2026, 7, 10, 5, 5, tzinfo=UTC)
# 06:00 in London.
SLOT = datetime(2026, 7, 10, 5, 0, tzinfo=UTC)


def day(back: int) -> datetime:
    return SLOT - timedelta(days=back)


@pytest.fixture
def past(shop) -> Iterator:  # type: ignore[no-untyped-def, type-arg]
    with connect("transformer", settings=shop.settings) as conn:
        conn.execute(
            "create table segments.customer_segments (customer_id text, segment text, since_at timestamptz,"
            " left_at timestamptz)"
        )
        conn.execute("insert into segments.customer_segments values ('first', 'other', %s, null)", (day(60),))
    return shop


def stay(shop, customer: str, since: int, left: int | None = None, segment: str = "loyal") -> None:  # type: ignore[no-untyped-def]
    with connect("transformer", settings=shop.settings) as conn:
        conn.execute(
            "insert into segments.customer_segments values (%s, %s, %s, %s)",
            (customer, segment, day(since), None if left is None else day(left)),
        )


def edit(shop, *pairs: tuple[str, str]) -> None:  # type: ignore[no-untyped-def]
    path = shop.campaign.folder / "campaign.yml"
    for old, new in pairs:
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
    shop.campaign = load_campaign(shop.campaign.folder, shop.settings)


def archived(shop) -> Campaign:  # type: ignore[no-untyped-def]
    """The campaign whose folder is put away: what it really sent stays."""
    shop.campaign.folder.rename(shop.campaign.folder.with_name("_spring"))
    return shop.campaign


WITHOUT_LIMITS = (("frequency_cap: { max: 2, days: 7 }\n", ""), ("repeat_after_days: 30\n", ""))


def who(shop, days: int) -> set[tuple[str, str]]:  # type: ignore[no-untyped-def]
    return {(key[:10], customer) for key, customer in replay(shop.campaign, shop.settings, shop.clock, days).got}


def test_membership_is_that_of_each_day(past) -> None:  # type: ignore[no-untyped-def]
    edit(past, *WITHOUT_LIMITS)
    past.person("c1", "joe@post.example")
    past.person("c2", "ann@post.example", segments=())
    stay(past, "c1", 2)
    stay(past, "c2", 9, left=3)
    assert who(past, 5) == {
        ("2026-07-10", "c1"),
        ("2026-07-09", "c1"),
        ("2026-07-08", "c1"),
        ("2026-07-06", "c2"),
    }


def test_consent_and_suppression_count_from_the_day_they_came(past) -> None:  # type: ignore[no-untyped-def]
    edit(past, *WITHOUT_LIMITS)
    for customer, email in (("c1", "joe@post.example"), ("c2", "ann@post.example")):
        past.person(customer, email, consent=None)
        past.fact(email, True, day(3))
        stay(past, customer, 30)
    past.fact("joe@post.example", False, day(1))
    with connect("engine", settings=past.settings) as conn:
        conn.execute(
            "insert into ops.suppression (recipient_key, topic, reason, source, evidence_id, occurred_at)"
            " values (%s, '*', 'complaint', 'test', 'e', %s)",
            (recipient_key(past.settings, "ann@post.example"), day(2)),
        )
    found = replay(past.campaign, past.settings, past.clock, 4)
    assert [(d.occurrence_key[:10], d.waterfall["planned"], d.waterfall["suppressed"]) for d in found.days] == [
        ("2026-07-07", 2, 0),
        ("2026-07-08", 1, 1),
        ("2026-07-09", 0, 1),
        ("2026-07-10", 0, 1),
    ]
    assert all(sum(d.waterfall.values()) == d.segment == 2 for d in found.days)


def test_what_the_rehearsal_gave_counts_for_its_later_days(past) -> None:  # type: ignore[no-untyped-def]
    edit(past, ("repeat_after_days: 30", "repeat_after_days: 3"), WITHOUT_LIMITS[0])
    past.person("c1", "joe@post.example")
    past.fact("joe@post.example", True, day(50))
    stay(past, "c1", 30)
    # A mail leaves some hours after its slot, so three days later it is not yet three days old.
    assert who(past, 7) == {("2026-07-04", "c1"), ("2026-07-08", "c1")}


def test_two_people_at_one_address_get_one_mail(past) -> None:  # type: ignore[no-untyped-def]
    for customer in ("c1", "c2"):
        past.person(customer, "joe@post.example")
        stay(past, customer, 5)
    (only,) = replay(past.campaign, past.settings, past.clock, 1).days
    assert (only.waterfall["planned"], only.waterfall["duplicate_address"]) == (1, 1)


def test_days_before_segments_were_kept_are_left_out_and_said(past) -> None:  # type: ignore[no-untyped-def]
    found = replay(past.campaign, past.settings, past.clock, 90)
    assert (len(found.days), found.left_out) == (61, 29)
    assert any("29 occurrences lie before" in part for part in render(found) if isinstance(part, str))


def test_a_rehearsal_of_now_agrees_with_the_plan_and_writes_nothing(past) -> None:  # type: ignore[no-untyped-def]
    for number in range(30):
        past.person(f"c{number:02}", f"p{number}@post.example", consent=[True, False, None][number % 3])
        stay(past, f"c{number:02}", 5)
    (past.settings.campaigns_dir / "policy.yml").write_text("approval: { automatic: true }\nholdout_percent: 40\n")
    found = replay(past.campaign, past.settings, past.clock, 1)
    for relation in ("send", "decision", "occurrence", "campaign", "recipient"):
        assert past.count(relation) == 0, relation
    planned = plan(past.campaign, past.settings, past.clock)
    rehearsed = found.days[-1].waterfall
    assert found.days[-1].segment == planned.waterfall["segment"]
    assert 0 < rehearsed["global_holdout"] == planned.waterfall["global_holdout"]
    assert {name: rehearsed[name] for name in ("planned", "no_consent", "capped")} == {
        name: planned.waterfall[name] for name in ("planned", "no_consent", "capped")
    }


def test_pressure_and_overlap_are_with_what_others_really_sent(past) -> None:  # type: ignore[no-untyped-def]
    edit(past, *WITHOUT_LIMITS)
    past.person("c1", "joe@post.example")
    stay(past, "c1", 0)
    plan(past.campaign, past.settings, past.clock)
    with connect("engine", settings=past.settings) as conn:
        conn.execute("update ops.send set state = 'accepted', due_at = %s", (day(3),))
    other = archived(past).model_copy(update={"name": "autumn"})
    found = replay(other, past.settings, past.clock, 5)
    assert (found.overlaps, found.messages) == ({"spring": 1}, 1)
    assert found.pressure == {1: 2} or found.pressure == {2: 1}
    assert found.expected == []
    assert any("unknown" in part for part in render(found) if isinstance(part, str))


def test_an_edit_is_told_by_definition_words_and_people(shop) -> None:  # type: ignore[no-untyped-def]
    shop.person("c1", "joe@post.example")
    shop.person("c2", "ann@post.example", segments=("lapsed",))
    shop.person("c3", "bob@post.example", segments=("loyal", "lapsed"))
    plan(shop.campaign, shop.settings, shop.clock)
    assert diff(shop.campaign, shop.settings).unchanged
    (shop.settings.project_dir / "dbt_project/models/segments/lapsed.sql").write_text("select 1")
    edit(shop, ("segment: loyal", "segment: lapsed"), ("a note from", "a word from"))
    found = diff(shop.campaign, shop.settings)
    assert found.definition["segment"] == ("loyal", "lapsed")
    assert (found.stay, found.come, found.leave) == (1, 1, 1)
    lines = "\n".join(told_diff(found))
    assert "-Subject: " in lines
    assert "a word from" in lines


def test_an_edit_can_be_compared_with_a_commit(shop) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(PermanentError, match="never planned"):
        diff(shop.campaign, shop.settings)
    root = shop.settings.project_dir

    def git(*words: str) -> None:
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@x.example", *words], cwd=root, check=True)

    git("init", "-q")
    git("add", "campaigns")
    git("commit", "-qm", "first")
    edit(shop, ("a note from", "a word from"))
    found = diff(shop.campaign, shop.settings, "HEAD")
    assert list(found.definition) == ["subject"]
    with pytest.raises(PermanentError, match="neither the version"):
        diff(shop.campaign, shop.settings, "no-such-commit")


def test_the_shops_cap_counts_what_other_topics_sent(past) -> None:  # type: ignore[no-untyped-def]
    edit(past, *WITHOUT_LIMITS)
    past.person("c1", "joe@post.example")
    stay(past, "c1", 0)
    plan(past.campaign, past.settings, past.clock)
    with connect("engine", settings=past.settings) as conn:
        conn.execute("update ops.send set state = 'accepted', topic = 'news', due_at = %s", (day(1),))
    other = archived(past).model_copy(update={"name": "autumn"})
    assert replay(other, past.settings, past.clock, 3).messages == 1
    for cap, messages in (("{ max: 1, days: 3 }", 0), ("{ max: 2, days: 3 }", 1), ("{ max: 1, days: 2 }", 1)):
        (past.settings.campaigns_dir / "policy.yml").write_text(f"caps: [{cap}]\n")
        assert replay(other, past.settings, past.clock, 3).messages == messages, cap


def test_campaigns_of_the_folder_are_played_beside_each_other_and_the_more_valuable_goes(past, make_campaign) -> None:  # type: ignore[no-untyped-def]
    edit(past, *WITHOUT_LIMITS)
    make_campaign(
        "autumn", ("campaign.yml", WITHOUT_LIMITS[0][0], "value: 9\n"), ("campaign.yml", WITHOUT_LIMITS[1][0], "")
    )
    past.person("c1", "joe@post.example")
    stay(past, "c1", 3)
    free = replay(past.campaign, past.settings, past.clock, 3)
    assert (free.messages, free.beside, free.overlaps) == (3, ["autumn"], {"autumn": 1})
    assert free.pressure == {6: 1}
    (past.settings.campaigns_dir / "policy.yml").write_text(
        "approval: { automatic: true }\ncaps: [{ max: 1, days: 1 }]\n"
    )
    found = replay(past.campaign, past.settings, past.clock, 3)
    assert found.messages == 0
    assert all(day.waterfall["displaced"] + day.waterfall["capped"] == 1 for day in found.days)
    autumn = replay(load_campaign(past.settings.campaigns_dir / "autumn", past.settings), past.settings, past.clock, 3)
    assert (autumn.messages, autumn.overlaps, autumn.pressure) == (3, {}, {3: 1})


def test_two_campaigns_are_rehearsed_as_they_are_planned(past, make_campaign) -> None:  # type: ignore[no-untyped-def]
    edit(past, *WITHOUT_LIMITS)
    rival = make_campaign(
        "autumn",
        ("campaign.yml", WITHOUT_LIMITS[0][0], "value: 9\nholdout_percent: 20\n"),
        ("campaign.yml", WITHOUT_LIMITS[1][0], ""),
        ("campaign.yml", "segment: loyal", "segment: loyal\nlimit: 15"),
    )
    (past.settings.campaigns_dir / "policy.yml").write_text(
        "approval: { automatic: true }\ncaps: [{ max: 1, days: 1 }]\n"
    )
    for number in range(40):
        past.person(f"c{number:02}", f"p{number}@post.example", time_zone=("Asia/Tokyo", "America/Lima")[number % 2])
        stay(past, f"c{number:02}", 0)
    found = {one.name: replay(one, past.settings, past.clock, 1).days[-1].waterfall for one in (past.campaign, rival)}
    plan(past.campaign, past.settings, past.clock)
    planned = plan(rival, past.settings, past.clock).waterfall
    with connect("engine", settings=past.settings) as conn:
        rows = conn.execute(
            "select outcome, count(*) as n from ops.decision where campaign_id = 'spring' group by outcome"
        ).fetchall()
    assert {name: n for name, n in found["autumn"].items() if n} == {
        name: n for name, n in planned.items() if n and name != "segment"
    }
    assert {name: n for name, n in found["spring"].items() if n} == {row["outcome"]: row["n"] for row in rows}
    assert found["spring"]["displaced"] > 0


def test_a_paused_campaign_is_not_played(past, make_campaign) -> None:  # type: ignore[no-untyped-def]
    make_campaign("autumn")
    with connect("engine", settings=past.settings) as conn:
        conn.execute(
            "insert into ops.campaign (campaign_id, kind, topic, policy, definition, version, updated_at, paused)"
            " values ('autumn', 'recurring', 'marketing', 'at_most_once', '{}', '1', now(), true)"
        )
    assert replay(past.campaign, past.settings, past.clock, 3).beside == []


def test_a_filter_is_asked_of_each_day_and_what_no_day_knows_is_said(past) -> None:  # type: ignore[no-untyped-def]
    with connect("transformer", settings=past.settings) as conn:
        conn.execute(
            "create table marts.orders (order_id text, customer_id text, currency_code text, revenue numeric,"
            " counts_as_order boolean, ordered_at timestamptz, channel text, channel_group text)"
        )
        conn.execute("create table intermediate.int_certain_orders (order_id text, customer_id text)")
        for number, (back, revenue) in enumerate(((40, 10), (4, 30), (2, 70))):
            values = (f"o{number}", revenue, day(back))
            conn.execute("insert into marts.orders values (%s, 'c1', 'GBP', %s, true, %s, 'web', null)", values)
            conn.execute("insert into intermediate.int_certain_orders values (%s, 'c1')", values[:1])
        # Somebody's who only probably is the same person.
        conn.execute("insert into marts.orders values ('p', 'c1', 'GBP', 900, true, %s, 'web', null)", (day(50),))
    past.person("c1", "joe@post.example")
    stay(past, "c1", 9)
    stay(past, "c1", 5, left=1, segment="vip")
    limits = WITHOUT_LIMITS[0][0]
    edit(past, WITHOUT_LIMITS[1], (limits, "filter: revenue >= 40 and 'vip' in segments and churn_risk > 0.5\n"))
    found = replay(past.campaign, past.settings, past.clock, 9)
    assert {key[:10] for key, _ in found.got} == {"2026-07-06", "2026-07-07", "2026-07-08"}
    assert found.not_judged == {"spring": ["churn_risk > 0.5"]}
    assert any("churn_risk > 0.5" in part for part in render(found) if isinstance(part, str))
    edit(past, ("revenue >= 40 and 'vip' in segments", "days_since_last_order >= 20 and first_name = 'Joe'"))
    assert {key[:10] for key, _ in replay(past.campaign, past.settings, past.clock, 9).got} == {
        "2026-07-02", "2026-07-03", "2026-07-04", "2026-07-05",
    }  # fmt: skip


def test_without_orders_a_filter_over_them_is_left_out_and_said(past) -> None:  # type: ignore[no-untyped-def]
    past.person("c1", "joe@post.example")
    stay(past, "c1", 9)
    edit(
        past,
        (WITHOUT_LIMITS[0][0], "filter: (orders_count > 3 or revenue > 9) and language = 'en'\n"),
        WITHOUT_LIMITS[1],
    )
    found = replay(past.campaign, past.settings, past.clock, 2)
    assert (found.messages, len(found.not_judged["spring"])) == (2, 1)
