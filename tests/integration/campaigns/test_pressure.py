"""Caps over all campaigns: the more valuable goes first whichever was planned first, and the shop's rules hold."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from rapport.campaigns import policy
from rapport.campaigns.folder.model import Campaign
from rapport.campaigns.planning.plan import plan
from rapport.clock import FixedClock
from rapport.db import connect

NOW = datetime(2026, 7, 10, 5, 5, tzinfo=UTC)
NO_CAP = ("campaign.yml", "frequency_cap: { max: 2, days: 7 }\n", "")


def rules(shop: Any, text: str) -> None:
    path = shop.settings.campaigns_dir / policy.FILE
    path.write_text(f"approval: {{ automatic: true }}\n{text}\n")


def worth(value: float, expires: str = "36h") -> tuple[tuple[str, str, str], ...]:
    return NO_CAP, ("campaign.yml", "expires_after: 36h", f"expires_after: {expires}\nvalue: {value}")


def rows(shop: Any, query: str) -> list[dict[str, Any]]:
    with connect("engine", settings=shop.settings) as conn:
        return conn.execute(query).fetchall()  # type: ignore[arg-type]


def test_a_later_and_more_valuable_campaign_displaces_what_is_pending(
    shop: Any, make_campaign: Callable[..., Campaign]
) -> None:
    rules(shop, "caps: [{ max: 1, days: 7 }]")
    shop.person("c1", "joe@example.com")
    shop.person("c2", "ann@example.com")
    plan(make_campaign("cheap", *worth(1)), shop.settings, shop.clock)
    with connect("engine", settings=shop.settings) as conn:
        conn.execute("update ops.send set state = 'sending' where customer_id = 'c2'")
    report = plan(make_campaign("dear", *worth(5)), shop.settings, shop.clock)
    assert (report.planned, report.waterfall["capped"]) == (1, 1)
    found = rows(shop, "select campaign_id, customer_id, outcome, reason from ops.decision order by 1, 2")
    assert [(row["campaign_id"], row["customer_id"], row["outcome"]) for row in found] == [
        ("cheap", "c1", "displaced"),
        ("cheap", "c2", "planned"),
        ("dear", "c1", "planned"),
        ("dear", "c2", "capped"),
    ]
    assert "dear is worth more" in found[0]["reason"]
    states = rows(shop, "select campaign_id, customer_id, state from ops.send order by 1, 2")
    assert [row["state"] for row in states] == ["cancelled", "sending", "pending"]
    (cheap,) = rows(shop, "select waterfall from ops.occurrence where campaign_id = 'cheap'")
    assert (cheap["waterfall"]["planned"], cheap["waterfall"]["displaced"]) == (1, 1)


def test_a_less_valuable_campaign_waits_for_the_first_moment_the_cap_allows(
    shop: Any, make_campaign: Callable[..., Campaign]
) -> None:
    rules(shop, "caps: [{ max: 1, days: 3 }]")
    shop.person("c1", "joe@example.com")
    plan(make_campaign("dear", *worth(5)), shop.settings, shop.clock)
    plan(make_campaign("patient", *worth(1, "6d")), shop.settings, shop.clock)
    assert plan(make_campaign("hasty", *worth(1)), shop.settings, shop.clock).waterfall["displaced"] == 1
    first, second = rows(
        shop, "select campaign_id, due_at, open_during @> due_at as open from ops.send order by due_at"
    )
    assert (first["campaign_id"], second["campaign_id"]) == ("dear", "patient")
    assert second["due_at"] >= first["due_at"] + timedelta(days=3)
    assert second["open"]
    (told,) = rows(shop, "select outcome, reason from ops.decision where campaign_id = 'patient'")
    when = f"{second['due_at'].astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    moved = f"due in zone Europe/London; moved to {when}: the cap of 1 in 3 days was reached before"
    assert told == {"outcome": "planned", "reason": moved}


def test_what_is_moved_later_says_so(shop: Any, make_campaign: Callable[..., Campaign]) -> None:
    rules(shop, "caps: [{ max: 1, days: 3 }]")
    shop.person("c1", "joe@example.com")
    plan(make_campaign("patient", *worth(1, "6d")), shop.settings, shop.clock)
    plan(make_campaign("dear", *worth(5)), shop.settings, shop.clock)
    first, second = rows(shop, "select campaign_id, due_at, state from ops.send order by due_at")
    assert (first["campaign_id"], second["campaign_id"], second["state"]) == ("dear", "patient", "pending")
    (told,) = rows(shop, "select reason from ops.decision where campaign_id = 'patient'")
    assert f"moved to {second['due_at'].astimezone(UTC):%Y-%m-%d %H:%M} UTC: dear is worth more" in told["reason"]


def test_the_shop_is_quiet_and_holds_a_share_out_of_everything(
    shop: Any, make_campaign: Callable[..., Campaign]
) -> None:
    rules(shop, 'holdout_percent: 50\nquiet_hours: { from: "12:00", to: "09:30" }')
    for number in range(40):
        shop.person(f"c{number:02}", f"p{number}@example.com", time_zone="UTC")
    report = plan(shop.campaign, shop.settings, shop.clock)
    assert 8 <= report.waterfall["global_holdout"] <= 32
    plan(make_campaign("other"), shop.settings, shop.clock)
    held = "select customer_id from ops.decision where outcome = 'global_holdout' and campaign_id = '{}' order by 1"
    assert rows(shop, held.format("spring")) == rows(shop, held.format("other")), "the same people each time"
    for row in rows(shop, "select due_at from ops.send"):
        assert "09:30" <= f"{row['due_at'].astimezone(UTC):%H:%M}" < "12:00"


def test_excluded_sampled_and_limited(shop: Any, make_campaign: Callable[..., Campaign]) -> None:
    for number in range(30):
        shop.person(f"c{number:02}", f"p{number}@example.com", segments=("loyal", "vip") if number < 5 else ("loyal",))
    stated = "topic: marketing\nexclude_segments: [vip]\nsample_percent: 60\nlimit: 7"
    report = plan(make_campaign("few", ("campaign.yml", "topic: marketing", stated)), shop.settings, shop.clock)
    fell = report.waterfall
    assert fell["planned"] == 7
    assert fell["excluded"] + fell["over_limit"] == 23
    reasons = rows(shop, "select reason, count(*) as n from ops.decision where outcome = 'excluded' group by 1")
    assert {row["reason"]: row["n"] for row in reasons}["is in segment vip, which this campaign leaves out"] == 5


def test_planners_at_once_never_exceed_the_cap(shop: Any, make_campaign: Callable[..., Campaign]) -> None:
    rules(shop, "caps: [{ max: 2, days: 7 }]")
    for number in range(25):
        shop.person(f"c{number:02}", f"p{number}@example.com")
    campaigns = [make_campaign(f"number_{at}", *worth(at)) for at in range(5)]
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda one: plan(one, shop.settings, FixedClock(NOW)), campaigns))
    found = rows(shop, "select recipient_key, count(*) as n from ops.send where state = 'pending' group by 1")
    assert [row["n"] for row in found] == [2] * 25
    kept = rows(shop, "select campaign_id, count(*) as n from ops.send where state = 'pending' group by 1 order by 1")
    assert {row["campaign_id"]: row["n"] for row in kept} == {"number_3": 25, "number_4": 25}, "the most valuable two"


def test_a_filter_chooses_among_the_segment(shop: Any, make_campaign: Callable[..., Campaign]) -> None:
    shop.person("c1", "joe@example.com", time_zone="UTC")
    shop.person("c2", "ann@example.com", time_zone="Asia/Tokyo")
    stated = "topic: marketing\nfilter: \"time_zone = 'UTC' and revenue > 12 and 'loyal' in segments\""
    report = plan(make_campaign("some", ("campaign.yml", "topic: marketing", stated)), shop.settings, shop.clock)
    assert (report.waterfall["segment"], report.planned) == (1, 1)
    assert shop.outcomes() == {"c1": "planned"}
