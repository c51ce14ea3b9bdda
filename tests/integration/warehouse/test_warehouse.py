"""From raw rows to an audience: who is who, what they bought, which segment they are in, who may be written to."""

from decimal import Decimal
from typing import Any

import pytest

from rapport import identity, transform
from rapport.db import connect
from rapport.settings import Settings
from rapport.transform.runner import run_dbt

ADA = "shopify:gid://shopify/Customer/1"
BEA, BEN, CLEO = (f"shopify:gid://shopify/Customer/{number}" for number in (3, 4, 5))
ADAS = {
    ADA,
    "shopify:gid://shopify/Customer/2",
    "zendesk:100",
    "bluesky:did:plc:ada",
    "guest:ada@example.com",
    "files:till:9",
}


def stays(built: Any, profile_key: str) -> dict[str, tuple[Any, Any]]:
    owner = built.owners[profile_key]
    found = [row for row in built.tables["customer_segments"] if row["customer_id"] == owner]
    return {row["segment"]: (row["since_at"], row["left_at"]) for row in found}


def by(rows: list[dict[str, Any]], key: str) -> dict[Any, dict[str, Any]]:
    return {row[key]: row for row in rows}


def test_one_person_under_six_ids_is_one_customer(first: Any) -> None:
    ada = first.owners[ADA]
    assert {key for key, owner in first.owners.items() if owner == ada} == ADAS
    rules = {edge["rule"] for edge in first.tables["int_edges"]}
    assert rules == {
        "same_email",
        "same_email_of_other_name",
        "same_email_without_tag",
        "same_phone_and_name",
        "social_handle",
        "loyalty_number",
    }


def test_a_shared_phone_does_not_glue_a_household(first: Any) -> None:
    assert first.owner(BEA)["phone"] == first.owner(BEN)["phone"] == "+15550100003"
    assert first.owners[BEA] != first.owners[BEN]


def test_an_address_that_many_share_joins_nobody_and_gets_one_mail(first: Any) -> None:
    clerks = {first.owners[f"zendesk:{900 + n}"] for n in range(1, 13)}
    assert len(clerks) == 12
    assert [row["email"] for row in first.tables["campaign_audience"]].count("front@office.example") == 1


def test_agents_are_no_customers(first: Any) -> None:
    assert "zendesk:101" not in first.owners
    assert by(first.tables["support_tickets"], "ticket_id")[2]["customer_id"] is None


def test_returned_and_cancelled_pieces_subtract(first: Any) -> None:
    orders = by(first.tables["orders"], "order_id")
    assert orders["shopify:gid://shopify/Order/1"]["revenue"] == Decimal("18.0000")
    assert orders["shopify:gid://shopify/Order/3"]["revenue"] == 0
    assert orders["files:till:C1"]["revenue"] == Decimal("-5.0000")
    assert orders["files:till:A1"]["shipping_amount"] == Decimal("3.0000")
    assert "shopify:gid://shopify/Order/5" not in orders
    assert orders["shopify:gid://shopify/Order/6"]["customer_id"] is None


def test_a_customer_sums_what_the_person_did_everywhere(first: Any) -> None:
    ada = first.owner(ADA)
    assert (ada["revenue"], ada["currency_code"]) == (Decimal("53.0000"), "GBP")
    assert (ada["orders_count"], ada["orders_with_returns_count"]) == (3, 2)
    assert (ada["tickets_count"], ada["open_tickets_count"], ada["social_interactions_count"]) == (1, 1, 1)
    assert (ada["email"], ada["first_name"], ada["favourite_category"]) == ("ada@example.com", "Ada", "Mugs")
    assert (ada["last_product_title"], ada["rfm_group"]) == ("Red plate", "loyal")
    assert (ada["time_zone"], ada["time_zone_source"]) == ("Europe/Lisbon", "profile")
    assert (first.owner(BEA)["time_zone"], first.owner(BEA)["time_zone_source"]) == ("America/Los_Angeles", "address")
    assert first.owner(CLEO)["time_zone_source"] == "country"
    assert first.owner("bluesky:did:plc:zed")["time_zone_source"] == "shop"


def test_consent_belongs_to_the_address(first: Any) -> None:
    """Ada's tagged address said no, her main one yes; an undated yes of an import is older than any dated fact."""
    audience = by(first.tables["campaign_audience"], "email")
    assert audience["ada@example.com"]["email_consent"] is True
    assert "ada+shop@example.com" not in audience
    assert audience["ben@example.com"]["email_consent"] is False
    assert audience["dora@example.com"]["email_consent"] is False
    assert audience["cleo@example.com"]["email_consent"] is True


def test_the_audience_has_an_address_and_a_customer_once(first: Any) -> None:
    rows = first.tables["campaign_audience"]
    assert len({row["email"] for row in rows}) == len({row["customer_id"] for row in rows}) == len(rows)
    assert by(rows, "email")["cleo@example.com"]["segments"] == ["lapsed", "one_time_buyers"]


def test_masked_customers_show_no_personal_data(shop: Settings, first: Any) -> None:
    assert not {"email", "phone", "first_name", "full_name", "zip"} & first.tables["customers_masked"][0].keys()
    with connect("bi_reader", settings=shop) as conn:
        assert conn.execute("select count(*) as n from marts.customers_masked").fetchone() is not None
        with pytest.raises(Exception, match="permission denied"):
            conn.execute("select email from marts.customers")


def test_the_build_is_recorded_node_by_node(shop: Settings, first: Any) -> None:
    with connect("engine", settings=shop) as conn:
        builds = conn.execute(
            "select status, detail ->> 'phase' as phase from ops.build order by started_at"
        ).fetchall()
        nodes = conn.execute(
            "select * from ops.build_node where build_id = %(id)s", {"id": first.report.build_id}
        ).fetchall()
    assert [(row["status"], row["phase"]) for row in builds[:2]] == [("passed", "prepare"), ("passed", "build")]
    assert {"model marts_next.customers", "model activation_next.campaign_audience"} <= {row["node"] for row in nodes}
    assert all(row["status"] in ("success", "pass") for row in nodes)


def test_ids_stay_through_a_rebuild_and_merges_are_logged(first: Any, second: Any) -> None:
    dora, zed = first.owners["files:till:11"], first.owners["bluesky:did:plc:zed"]
    kept = {key: owner for key, owner in first.owners.items() if owner not in (dora, zed)}
    assert {key: second.owners[key] for key in kept} == kept
    assert second.owners["files:till:11"] == second.owners["bluesky:did:plc:zed"] == zed
    assert second.owners["shopify:gid://shopify/Customer/6"] == zed
    merges = [row for row in second.tables["changes"] if row["kind"] == "merge"]
    assert [(row["customer_id"], row["other_customer_id"], row["rule"]) for row in merges] == [
        (zed, dora, "social_handle")
    ]
    assert by(second.tables["customer_ids"], "given_customer_id")[dora]["customer_id"] == zed
    assert second.identity.merged == 1


def test_resolving_again_changes_nothing(shop: Settings, second: Any) -> None:
    again = identity.resolve(shop, second.as_of)
    assert (again.created, again.merged, again.split) == (0, 0, 0)
    assert again.customers == second.identity.customers


def test_segments_remember_when_somebody_came_and_left(shop: Settings, first: Any, second: Any) -> None:
    unhappy = {"unhappy_with_open_ticket": (first.as_of, None)}
    assert stays(first, ADA) == {"loyal": (first.as_of, None)} | unhappy
    assert stays(second, ADA) == {"loyal": (first.as_of, second.as_of), "at_risk": (second.as_of, None)} | unhappy
    assert stays(second, "files:till:55") == {
        "new_customers": (first.as_of, second.as_of),
        "one_time_buyers": (second.as_of, None),
        "cooling": (second.as_of, None),
    }
    again = transform.publish(shop)
    assert (again.as_of, again.entered, again.left) == (second.as_of, 0, 0)


def test_messages_tell_machines_from_people(second: Any) -> None:
    ada = by(second.tables["messages"], "customer_id")[second.owners[ADA]]
    assert (ada["opened_at"].day, ada["opened_at"].hour, ada["machine_opened_at"].day) == (11, 10, 10)
    dora = by(second.tables["messages"], "customer_id")[second.owners["files:till:11"]]
    assert (dora["opened_at"], dora["unsubscribed_at"].day) == (None, 12)


def test_results_add_up_and_credit_the_order_to_the_click(second: Any) -> None:
    ran, empty = second.tables["campaign_results"]
    counts = {name: ran[name] for name in ("planned", "accepted", "suppressed", "delivered", "opened", "clicked")}
    assert counts == {"planned": 3, "accepted": 2, "suppressed": 1, "delivered": 2, "opened": 1, "clicked": 1}
    assert (ran["machine_opened_only"], ran["unsubscribed"], ran["complained"], ran["bounced"]) == (1, 1, 0, 0)
    assert (ran["orders_count"], ran["clicked_orders_count"]) == (1, 1)
    assert (ran["reporting_revenue"], ran["clicked_reporting_revenue"]) == (Decimal("8.5"), Decimal("8.5"))
    assert second.tables["int_order_attribution"][0]["rule"] == "last_click"
    assert (empty["planned"], empty["orders_count"]) == (0, 0)


def test_the_cases_stated_beside_the_models_hold(shop: Settings, second: Any) -> None:
    cases = run_dbt("test", shop, second.as_of, ("--select", "test_type:unit"))
    assert [(case.node, case.message) for case in cases if case.status != "pass"] == []
    assert len(cases) == 11
