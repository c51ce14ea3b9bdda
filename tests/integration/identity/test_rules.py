"""Exact rules: which count, whom they must not glue, and how little a day's run looks at."""

from typing import Any

import pytest

from rapport.identity.rules import Rules, load_rules


def changed(path: str, value: Any) -> Rules:
    """The rules that ship, but for one value at a dotted path."""
    document = load_rules().model_dump()
    *folders, name = path.split(".")
    part = document
    for folder in folders:
        part = part[folder]
    part[name] = value
    return Rules.model_validate(document)


def two(shop: Any, **edge: Any) -> bool:
    shop.profile("shopify:1")
    shop.profile("zendesk:2")
    shop.edge("shopify:1", "zendesk:2", **edge)
    shop.resolve()
    return len(set(shop.owners().values())) == 1


def test_an_exact_rule_joins(shop: Any) -> None:
    assert two(shop)


@pytest.mark.parametrize(
    "edge",
    [
        pytest.param({"value": "info@example.com"}, id="role-address"),
        pytest.param({"value": "q8x@marketplace.amazon.de"}, id="relay-address"),
        pytest.param({"fan_out": 11}, id="fan-out"),
        pytest.param({"rule": "same_phone_of_two", "value": "+441632960000", "fan_out": 3}, id="third-on-the-phone"),
    ],
)
def test_what_strangers_share_joins_nobody(shop: Any, edge: dict[str, Any]) -> None:
    assert not two(shop, **edge)


def test_a_rule_switched_off_lets_go_from_the_next_run_on(shop: Any) -> None:
    assert two(shop)
    first = shop.owners()
    report = shop.resolve(changed("exact.same_email.is_on", False))
    assert report.split == 1
    assert shop.owners()["shopify:1"] == first["shopify:1"]
    assert shop.owners()["zendesk:2"] != first["shopify:1"]
    assert [row["rule"] for row in shop.rows("identity.changes") if row["kind"] == "split"] == ["no longer linked"]


def test_two_birth_dates_are_two_people_even_through_a_third_profile(shop: Any) -> None:
    shop.profile("files:1", birth_date="1950-02-03")
    shop.profile("files:2", birth_date="1980-02-03")
    shop.profile("zendesk:3")
    shop.edge("files:1", "zendesk:3")
    shop.edge("files:2", "zendesk:3")
    shop.resolve()
    owners = shop.owners()
    assert owners["files:1"] != owners["files:2"]
    assert owners["zendesk:3"] == owners["files:1"]


def test_what_only_probably_is_one_person_is_no_part_that_mail_may_use(shop: Any) -> None:
    shop.profile("shopify:1", email="ada@example.com")
    shop.profile("zendesk:2", source_rank=4)
    shop.edge("shopify:1", "zendesk:2", rule="same_phone_of_two", value="+441632960000")
    shop.resolve()
    assert len(set(shop.owners().values())) == 1
    assert shop.confidence() == {"shopify:1": "certain", "zendesk:2": "probable"}
    keys = {row["profile_key"]: row["certain_key"] for row in shop.rows("identity.members")}
    assert keys["shopify:1"] != keys["zendesk:2"]


def test_a_day_works_on_what_changed_and_on_nobody_else(shop: Any) -> None:
    for number in range(0, 40, 2):
        shop.profile(f"shopify:{number}")
        shop.profile(f"shopify:{number + 1}")
        shop.edge(f"shopify:{number}", f"shopify:{number + 1}")
    assert shop.resolve().worked_on == 40
    before = shop.rows("identity.members")
    assert shop.resolve().worked_on == 0
    assert shop.rows("identity.members") == before

    shop.profile("zendesk:new")
    shop.edge("shopify:7", "zendesk:new")
    report = shop.resolve()
    assert report.worked_on == 3
    assert shop.owners()["zendesk:new"] == shop.owners()["shopify:6"]

    shop.run("delete from intermediate.int_edges where profile_key_b = 'zendesk:new'")
    shop.run("delete from intermediate.int_profiles where profile_key = 'shopify:0'")
    assert shop.resolve().worked_on == 4
    assert "shopify:0" not in shop.owners()


def test_many_small_days_end_where_one_run_over_everything_ends(shop: Any) -> None:
    for number in range(12):
        shop.profile(f"shopify:{number:02}")
        if number % 3:
            shop.edge(f"shopify:{number - 1:02}", f"shopify:{number:02}")
        shop.resolve()
    day_by_day = shop.owners()
    for table in ("members", "edges", "profile_states", "runs", "changes"):
        shop.run(f"delete from identity.{table}")
    shop.run("delete from identity.customer_ids")
    shop.resolve()
    assert shop.owners() == day_by_day
