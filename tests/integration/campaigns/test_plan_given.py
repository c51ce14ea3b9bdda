"""People who are named, as flows name them: the same rules, one occurrence that grows."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from rapport.campaigns.mail import content
from rapport.campaigns.planning.plan import Given, plan_given
from rapport.campaigns.planning.record import record
from rapport.db import connect

NOW = datetime(2026, 7, 10, 5, 5, tzinfo=UTC)
KEY = "first@2026-07-10"


def give(shop: Any, *customers: str, wait: float = 0, now: datetime = NOW) -> dict[str, Mapping[str, Any]]:
    templates = content.compile_campaign(shop.campaign)
    people = [
        Given(customer, {"trigger": {"of": customer}}, now + timedelta(hours=wait), now + timedelta(hours=wait + 20))
        for customer in customers
    ]
    with connect("engine", settings=shop.settings) as conn:
        record(conn, shop.campaign, templates, now)
        return plan_given(conn, shop.campaign, KEY, templates, people, shop.settings, now)


def outcomes(decided: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    return {customer: row["outcome"] for customer, row in decided.items()}


def sends(shop: Any) -> dict[str, dict[str, Any]]:
    with connect("engine", settings=shop.settings) as conn:
        return {row["customer_id"]: row for row in conn.execute("select * from ops.send")}


def test_the_same_rules_hold_for_people_who_are_named(shop: Any) -> None:
    shop.person("c1", "joe@example.com", segments=())
    shop.person("c2", "ann@example.com", consent=None)
    shop.person("c3", "stopped@example.com")
    shop.suppress("stopped@example.com")
    shop.person("c4", "bystander@example.com")
    assert outcomes(give(shop, "c1", "c2", "c3", "gone")) == {
        "c1": "planned",
        "c2": "no_consent",
        "c3": "suppressed",
        "gone": "no_address",
    }
    (row,) = sends(shop).values()
    assert row["context"] == {"first_name": "Joe", "trigger": {"of": "c1"}}


def test_an_occurrence_grows_and_keeps_its_decisions(shop: Any) -> None:
    shop.person("c1", "joe@example.com")
    shop.person("c2", "ann@example.com")
    give(shop, "c1")
    before = sends(shop)["c1"]
    again = give(shop, "c1", "c2", now=NOW + timedelta(hours=1))
    assert outcomes(again) == {"c1": "planned", "c2": "planned"}
    assert sends(shop)["c1"] == before
    with connect("engine", settings=shop.settings) as conn:
        row = conn.execute("select waterfall from ops.occurrence").fetchone()
    assert row
    assert (row["waterfall"]["segment"], row["waterfall"]["planned"]) == (2, 2)


def test_each_has_bounds_of_their_own_and_the_hours_of_the_campaign(shop: Any) -> None:
    shop.person("c1", "joe@example.com")
    shop.person("c2", "ann@example.com")
    give(shop, "c1", wait=4)
    give(shop, "c2", wait=30)
    mails = sends(shop)
    assert NOW + timedelta(hours=4) <= mails["c1"]["due_at"] < mails["c1"]["expires_at"] == NOW + timedelta(hours=24)
    assert NOW + timedelta(hours=30) <= mails["c2"]["due_at"] < mails["c2"]["expires_at"] == NOW + timedelta(hours=50)
    for mail in mails.values():
        assert 9 <= mail["due_at"].astimezone(UTC).hour + 1 < 20, "within the window, in London's summer time"


def test_a_cap_holds_over_flows_too(shop: Any) -> None:
    shop.person("c1", "joe@example.com")
    cap = shop.campaign.frequency_cap.model_copy(update={"max": 1})
    shop.campaign = shop.campaign.model_copy(update={"frequency_cap": cap, "repeat_after_days": None})
    give(shop, "c1")
    shop.campaign = shop.campaign.model_copy(update={"name": "other"})
    templates = content.compile_campaign(shop.campaign.model_copy(update={"name": "spring"}))
    with connect("engine", settings=shop.settings) as conn:
        record(conn, shop.campaign, templates, NOW)
        given = Given("c1", {}, NOW, NOW + timedelta(hours=20))
        decided = plan_given(conn, shop.campaign, KEY, templates, [given], shop.settings, NOW)
    assert outcomes(decided) == {"c1": "capped"}
