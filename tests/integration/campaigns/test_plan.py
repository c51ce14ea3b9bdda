"""Planning: a reason for every person, once, all or nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from rapport.campaigns.folder.model import Campaign
from rapport.campaigns.folder.problems import CampaignError
from rapport.campaigns.mail import content
from rapport.campaigns.planning import plan as planning
from rapport.campaigns.planning.plan import plan
from rapport.clock import FixedClock
from rapport.db import connect
from rapport.errors import GateFailed, PermanentError, TransientError
from rapport.keys import recipient_key

NOW = datetime(2026, 7, 10, 5, 5, tzinfo=UTC)


def populate(shop) -> None:  # type: ignore[no-untyped-def]
    shop.person("c01", "joe@example.com")
    shop.person("c02", "Ann@Example.com", language="fr", time_zone="Asia/Tokyo")
    shop.person("c03", None)
    shop.person("c04", "not an address")
    shop.person("c05", "never@example.com", consent=None)
    shop.person("c06", "withdrawn@example.com")
    shop.fact("withdrawn@example.com", False, NOW - timedelta(days=1))
    shop.person("c07", "stopped@example.com")
    shop.suppress("stopped@example.com")
    shop.person("c08", "joe@example.com")
    shop.person("c09", "elsewhere@example.com", segments=("lapsed",))


EXPECTED = {
    "c01": "planned",
    "c02": "planned",
    "c03": "no_address",
    "c04": "no_address",
    "c05": "no_consent",
    "c06": "no_consent",
    "c07": "suppressed",
    "c08": "duplicate_address",
}


def test_every_person_of_the_segment_gets_one_decision(shop) -> None:  # type: ignore[no-untyped-def]
    populate(shop)
    report = plan(shop.campaign, shop.settings, shop.clock)
    assert report.occurrence_key == "2026-07-10T06:00"
    assert shop.outcomes() == EXPECTED
    assert report.waterfall["segment"] == 8
    assert sum(n for name, n in report.waterfall.items() if name != "segment") == 8
    assert (report.planned, report.changed) == (2, True)
    with connect("engine", settings=shop.settings) as conn:
        stored = conn.execute("select waterfall from ops.occurrence").fetchone()
    assert stored
    assert stored["waterfall"] == report.waterfall


def test_a_send_carries_what_the_template_needs_and_no_more(shop) -> None:  # type: ignore[no-untyped-def]
    shop.person("c02", "Ann@Example.com", time_zone="Asia/Tokyo")
    plan(shop.campaign, shop.settings, shop.clock)
    with connect("engine", settings=shop.settings) as conn:
        row = conn.execute(
            "select * from ops.send join ops.recipient using (recipient_key) join ops.template using (template_version)"
        ).fetchone()
    assert row
    assert row["recipient_key"] == recipient_key(shop.settings, "ann@example.com")
    assert row["address"] == "ann@example.com"
    assert row["context"] == {"first_name": "Joe"}
    assert row["state"] == "pending"
    assert datetime(2026, 7, 10, 5, 5, tzinfo=UTC) <= row["due_at"] < datetime(2026, 7, 10, 11, tzinfo=UTC)
    assert row["expires_at"] == datetime(2026, 7, 11, 17, tzinfo=UTC)
    links = content.standard_links(shop.settings, "https://x.example/u/token")
    assert "Hello Joe," in content.render(row, row["context"], links).text


def test_planning_again_changes_nothing(shop) -> None:  # type: ignore[no-untyped-def]
    populate(shop)
    first = plan(shop.campaign, shop.settings, shop.clock)
    with connect("engine", settings=shop.settings) as conn:
        before = conn.execute("select * from ops.send order by send_id").fetchall()
    shop.person("c11", "late@example.com")
    again = plan(shop.campaign, shop.settings, FixedClock(NOW + timedelta(hours=3)))
    with connect("engine", settings=shop.settings) as conn:
        assert conn.execute("select * from ops.send order by send_id").fetchall() == before
    assert again.waterfall == first.waterfall
    assert not again.changed


def test_planners_at_once_plan_once(shop) -> None:  # type: ignore[no-untyped-def]
    populate(shop)
    with ThreadPoolExecutor(8) as pool:
        reports = list(pool.map(lambda _: plan(shop.campaign, shop.settings, shop.clock), range(8)))
    assert sum(report.changed for report in reports) == 1
    assert {report.planned for report in reports} == {2}
    assert (shop.count("send"), shop.count("decision"), shop.count("occurrence")) == (2, 8, 1)


def test_a_dry_run_counts_and_writes_nothing(shop) -> None:  # type: ignore[no-untyped-def]
    populate(shop)
    assert plan(shop.campaign, shop.settings, shop.clock, dry_run=True).planned == 2
    assert not any(shop.count(relation) for relation in ("send", "decision", "occurrence", "campaign", "recipient"))
    assert plan(shop.campaign, shop.settings, shop.clock).changed


@pytest.mark.parametrize(
    ("passed", "ran_at", "message"),
    [
        (False, NOW - timedelta(minutes=1), "email is not unique"),
        (True, NOW - timedelta(hours=37), "37 h ago"),
        (True, NOW - timedelta(hours=3), "rebuilt after its last check"),
        (None, NOW, "never checked"),
    ],
)
def test_a_gate_that_is_not_open_plans_nothing(shop, passed, ran_at, message) -> None:  # type: ignore[no-untyped-def]
    populate(shop)
    with connect(settings=shop.settings) as conn:
        conn.execute("delete from ops.gate_run")
    if passed is not None:
        shop.gate(passed, ran_at)
    with pytest.raises(GateFailed, match=message):
        plan(shop.campaign, shop.settings, shop.clock)
    assert not any(shop.count(relation) for relation in ("send", "decision", "occurrence", "campaign"))
    shop.gate(True, NOW)
    assert plan(shop.campaign, shop.settings, shop.clock).planned == 2


def test_the_cap_counts_other_campaigns_of_the_topic(  # type: ignore[no-untyped-def]
    shop, make_campaign: Callable[..., Campaign]
) -> None:
    cap = ("campaign.yml", "max: 2, days: 7", "max: 1, days: 7")
    shop.person("c01", "joe@example.com")
    assert plan(make_campaign("first", cap), shop.settings, shop.clock).planned == 1
    assert plan(make_campaign("second", cap), shop.settings, shop.clock).waterfall["capped"] == 1
    shop.gate(True, NOW + timedelta(days=8))
    assert plan(make_campaign("third", cap), shop.settings, FixedClock(NOW + timedelta(days=8))).planned == 1


def test_the_same_campaign_waits_before_it_comes_again(shop) -> None:  # type: ignore[no-untyped-def]
    shop.person("c01", "joe@example.com")
    planned = []
    for day in (0, 1, 20, 31):
        shop.gate(True, NOW + timedelta(days=day))
        planned.append(plan(shop.campaign, shop.settings, FixedClock(NOW + timedelta(days=day))).planned)
    assert planned == [1, 0, 0, 1]


def test_a_person_with_two_addresses_gets_one_mail_at_the_usable_one(shop) -> None:  # type: ignore[no-untyped-def]
    shop.person("c01", "a@example.com", consent=None)
    shop.person("c01", "b@example.com")
    report = plan(shop.campaign, shop.settings, shop.clock)
    assert report.waterfall["segment"] == report.planned == 1


def test_who_has_no_time_left_before_expiry_is_told_so(  # type: ignore[no-untyped-def]
    shop, make_campaign: Callable[..., Campaign]
) -> None:
    campaign = make_campaign("brief", ("campaign.yml", "36h", "4h"))
    shop.person("c01", "joe@example.com", time_zone="Europe/London")
    shop.person("c02", "ann@example.com", time_zone="America/Los_Angeles")
    report = plan(campaign, shop.settings, shop.clock)
    assert shop.outcomes() == {"c01": "planned", "c02": "no_window"}
    assert report.waterfall["no_window"] == 1


def test_a_missing_name_without_fallback_stops_that_message_only(  # type: ignore[no-untyped-def]
    shop, make_campaign: Callable[..., Campaign]
) -> None:
    campaign = make_campaign("named", ("body.txt", "{{ first_name or 'there' }}", "{{ first_name }}"))
    shop.person("c01", "joe@example.com")
    shop.person("c02", "ann@example.com", first_name=None)
    plan(campaign, shop.settings, shop.clock)
    assert shop.outcomes() == {"c01": "planned", "c02": "missing_field"}
    with connect("engine", settings=shop.settings) as conn:
        row = conn.execute("select reason from ops.decision where customer_id = 'c02'").fetchone()
    assert row
    assert "first_name is missing" in row["reason"]


def test_a_holdout_gets_nothing_and_is_counted(  # type: ignore[no-untyped-def]
    shop, make_campaign: Callable[..., Campaign]
) -> None:
    campaign = make_campaign("held", ("campaign.yml", "topic: marketing", "topic: marketing\nholdout_percent: 50"))
    for number in range(40):
        shop.person(f"c{number:02}", f"p{number}@example.com")
    report = plan(campaign, shop.settings, shop.clock)
    assert 8 <= report.waterfall["holdout"] <= 32
    assert report.waterfall["holdout"] + report.planned == 40


def test_nothing_due_is_no_error(shop, make_campaign: Callable[..., Campaign]) -> None:  # type: ignore[no-untyped-def]
    campaign = make_campaign("weekly", ("campaign.yml", "0 6 * * *", "0 6 * * 1"))
    report = plan(campaign, shop.settings, shop.clock)
    assert (report.occurrence_key, report.planned, report.waterfall["segment"]) == (None, 0, 0)


def test_a_broadcast_whose_date_is_past_is_reported(  # type: ignore[no-untyped-def]
    shop, make_campaign: Callable[..., Campaign]
) -> None:
    edits = (
        ("campaign.yml", "kind: recurring", "kind: broadcast"),
        ("campaign.yml", 'cron: "0 6 * * *"', "at: 2026-07-10T06:00"),
    )
    campaign = make_campaign("once", *edits)
    shop.person("c01", "joe@example.com")
    late = FixedClock(NOW + timedelta(days=3))
    with pytest.raises(CampaignError, match=r"once/campaign.yml: schedule.at: .* is past and was never planned"):
        plan(campaign, shop.settings, late)
    assert plan(campaign, shop.settings, shop.clock).planned == 1
    assert plan(campaign, shop.settings, late).planned == 1


def test_postgres_gone_in_the_middle_leaves_nothing_and_a_rerun_completes(  # type: ignore[no-untyped-def]
    shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    populate(shop)
    write = planning._Plan._write

    def cut(self, planned) -> None:  # type: ignore[no-untyped-def]
        write(self, planned)
        with psycopg.connect(shop.settings.database_url, autocommit=True) as other:
            other.execute("select pg_terminate_backend(%s)", (self.conn.info.backend_pid,))

    with monkeypatch.context() as struck:
        struck.setattr(planning._Plan, "_write", cut)
        with pytest.raises(TransientError, match="nothing was planned"):
            plan(shop.campaign, shop.settings, shop.clock)
    assert not any(shop.count(relation) for relation in ("send", "decision", "occurrence", "campaign"))
    assert plan(shop.campaign, shop.settings, shop.clock).planned == 2
    assert shop.outcomes() == EXPECTED


def test_an_edited_campaign_keeps_its_pause_and_its_old_content(  # type: ignore[no-untyped-def]
    shop, make_campaign: Callable[..., Campaign]
) -> None:
    shop.person("c01", "joe@example.com")
    plan(shop.campaign, shop.settings, shop.clock)
    with connect("engine", settings=shop.settings) as conn:
        conn.execute("update ops.campaign set paused = true")
    body = shop.campaign.folder / "body.txt"
    body.write_text(body.read_text().replace("Write here", "New words"))
    tomorrow = NOW + timedelta(days=1)
    shop.gate(True, tomorrow)
    plan(shop.campaign, shop.settings, FixedClock(tomorrow))
    with connect("engine", settings=shop.settings) as conn:
        row = conn.execute("select paused from ops.campaign").fetchone()
    assert row
    assert row["paused"]
    assert shop.count("template") == 2


def test_a_slot_before_a_restored_database_was_adopted_is_not_planned(shop) -> None:  # type: ignore[no-untyped-def]
    """The ledger that was lost may have sent it, and nothing here remembers."""
    populate(shop)
    with connect("engine", settings=shop.settings) as conn:
        conn.execute(
            "insert into ops.adoption (adoption_id, adopted_by, adopted_at, forced, details)"
            " values (gen_random_uuid(), 'ops', %s, false, '{}')",
            (NOW,),
        )
    with pytest.raises(PermanentError, match=r"2026-07-10T06:00: a restored database was adopted after this slot"):
        plan(shop.campaign, shop.settings, shop.clock)
    assert shop.count("send") == shop.count("occurrence") == 0
    tomorrow = FixedClock(NOW + timedelta(days=1))
    shop.gate(ran_at=tomorrow.now() - timedelta(hours=1))
    with connect("transformer", settings=shop.settings) as conn:
        conn.execute("update activation.campaign_audience set as_of = %s", (tomorrow.now() - timedelta(hours=2),))
    assert plan(shop.campaign, shop.settings, tomorrow).planned == 2
