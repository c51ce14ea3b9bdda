"""What planning writes for delivery's pace: lanes, the canary wave, open hours, rates."""

from datetime import UTC, datetime
from typing import Any

import pytest

from rapport.campaigns.planning import plan as planning
from rapport.campaigns.planning.plan import plan
from rapport.db import connect


def rows(shop: Any, query: str) -> list[dict[str, Any]]:
    with connect("engine", settings=shop.settings) as conn:
        return conn.execute(query).fetchall()  # type: ignore[arg-type]


def test_a_mail_remembers_the_readers_open_hours_until_it_expires(shop: Any) -> None:
    shop.person("c1", "joe@example.com", time_zone="Asia/Tokyo")
    plan(shop.campaign, shop.settings, shop.clock)
    found = rows(
        shop, "select due_at, expires_at, lower(open_during) as opens, upper(open_during) as closes from ops.send"
    )
    (row,) = found
    assert row["opens"] <= row["due_at"] < row["closes"] <= row["expires_at"]
    # 03:00 Tokyo time of the day after the slot lies in the night.
    night = datetime(2026, 7, 10, 18, 0, tzinfo=UTC)
    with connect("engine", settings=shop.settings) as conn:
        asked = conn.execute("select open_during @> %s::timestamptz as open from ops.send", (night,)).fetchone()
    assert asked == {"open": False}


def test_each_mail_is_in_the_lane_of_its_mailbox_provider(shop: Any) -> None:
    for number, address in enumerate(("a@gmail.com", "b@Hotmail.com", "c@yahoo.com", "d@own-domain.example")):
        shop.person(f"c{number}", address)
    plan(shop.campaign, shop.settings, shop.clock)
    found = rows(shop, "select mailbox from ops.send order by customer_id")
    assert [row["mailbox"] for row in found] == ["gmail", "outlook", "yahoo", "rest"]


def test_a_large_occurrence_has_a_first_wave_and_a_small_one_goes_whole(
    shop: Any, make_campaign: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        shop.person(f"c{number:02}", f"p{number}@example.com")
    monkeypatch.setattr(planning, "CANARIES_LEAST", 10)
    plan(shop.campaign, shop.settings, shop.clock)
    sends = rows(shop, "select canary, due_at, lower(open_during) as opens from ops.send")
    canaries = [row for row in sends if row["canary"]]
    assert len(canaries) == 10
    assert all(row["due_at"] == row["opens"] for row in canaries)
    (occurrence,) = rows(shop, "select canary_wait_seconds, released_at from ops.occurrence")
    assert occurrence == {"canary_wait_seconds": 1800, "released_at": None}

    monkeypatch.setattr(planning, "CANARIES_LEAST", 31)
    plan(make_campaign("summer"), shop.settings, shop.clock)
    assert rows(shop, "select distinct canary from ops.send where campaign_id = 'summer'") == [{"canary": True}]
    (whole,) = rows(shop, "select canary_wait_seconds from ops.occurrence where campaign_id = 'summer'")
    assert whole["canary_wait_seconds"] is None


def test_the_rate_of_a_campaign_becomes_its_bucket(shop: Any, make_campaign: Any) -> None:
    shop.person("c1", "joe@example.com")
    campaign = make_campaign("slow", ("campaign.yml", "\ntopic:", "\nrate_per_hour: 7200\npriority: 70\ntopic:"))
    plan(campaign, shop.settings, shop.clock)
    (bucket,) = rows(shop, "select key, per_second, burst from ops.throttle where scope = 'campaign'")
    assert bucket == {"key": "slow", "per_second": 2.0, "burst": 20.0}
    assert rows(shop, "select priority from ops.campaign where campaign_id = 'slow'") == [{"priority": 70}]
