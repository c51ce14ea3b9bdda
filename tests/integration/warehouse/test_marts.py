"""What an analyst reads: money in two currencies, customers from all sides, days, cohorts, prices, segments."""

from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import sql

from rapport import transform
from rapport.db import connect
from rapport.settings import Settings

ADA, EVE, FINN = (f"shopify:gid://shopify/Customer/{number}" for number in (1, 10, 11))
BEA = "shopify:gid://shopify/Customer/3"
PERSONAL = {"customers", "support_tickets", "social_interactions", "survey_answers"}


def by(rows: list[dict[str, Any]], key: str) -> dict[Any, dict[str, Any]]:
    return {row[key]: row for row in rows}


def segments(built: Any, profile_key: str) -> set[str]:
    owner = built.owners[profile_key]
    rows = built.tables["customer_segments"]
    return {row["segment"] for row in rows if row["customer_id"] == owner and row["left_at"] is None}


def test_what_was_ordered_is_kept_cancelled_or_returned(first: Any) -> None:
    orders = by(first.tables["orders"], "order_id")
    amounts = ("ordered_amount", "cancelled_amount", "returned_amount", "revenue")
    assert {
        key.rsplit("/", 1)[-1]: tuple(int(orders[key][amount]) for amount in amounts)
        for key in ("shopify:gid://shopify/Order/1", "shopify:gid://shopify/Order/3", "files:till:C1")
    } == {"1": (27, 0, 9, 18), "3": (10, 10, 0, 0), "files:till:C1": (0, 0, 5, -5)}
    returned = orders["shopify:gid://shopify/Order/12"]
    assert (returned["has_returns"], returned["is_refunded"], returned["refunded_amount"]) == (True, True, 9)
    assert orders["files:till:A1"]["refunded_amount"] is None


def test_channels_have_groups_where_the_source_says_one(first: Any) -> None:
    groups = {row["order_id"].rsplit("/", 1)[-1]: row["channel_group"] for row in first.tables["orders"]}
    found = {key: groups[key] for key in ("10", "11", "12", "13", "files:till:A1")}
    assert found == {"10": "social", "11": "app", "12": "counter", "13": "web", "files:till:A1": None}


def test_money_stands_in_its_own_and_in_the_reporting_currency(first: Any, second: Any) -> None:
    orders = by(second.tables["orders"], "order_id")
    euro, yen = orders["shopify:gid://shopify/Order/13"], orders["shopify:gid://shopify/Order/14"]
    assert (euro["currency_code"], euro["revenue"], euro["reporting_currency"]) == ("EUR", 100, "GBP")
    assert euro["reporting_revenue"] == Decimal("86.9565")  # 100 / 1.15
    assert (yen["revenue"], yen["exchange_rate"], yen["reporting_revenue"]) == (900, None, None)
    assert first.owner(FINN)["reporting_revenue"] == Decimal("86.9565")
    finn = second.owner(FINN)
    assert (finn["reporting_revenue"], finn["reporting_revenue_30d"], finn["revenue_by_currency"]) == (
        None,
        0,
        {"EUR": 100, "JPY": 900},
    )


def test_a_missing_rate_is_warned_of_and_stops_nothing(first: Any, second: Any) -> None:
    assert [node.node for node in first.report.nodes if node.status == "warn"] == []
    assert [node.node for node in second.report.nodes if node.status == "warn"] == ["orders_have_exchange_rates"]


def test_without_costs_there_is_no_margin(first: Any) -> None:
    assert first.owner(ADA)["reporting_margin"] is None
    assert first.owner(BEA)["reporting_margin"] == 0  # her only order was cancelled
    assert {row["reporting_margin"] for row in first.tables["orders"] if row["revenue"]} == {None}


def test_a_customer_is_told_from_all_sides(first: Any) -> None:
    eve = first.owner(EVE)
    assert (eve["emails_count"], eve["verified_emails_count"], eve["phones_count"]) == (1, 1, 0)
    assert (eve["first_source"], eve["first_order_channel"], eve["first_order_utm_campaign"]) == (
        "shopify",
        "social",
        "launch",
    )
    assert (eve["favourite_categories"], eve["favourite_brands"]) == (["Coffee"], ["Bean & Co"])
    assert (eve["discounted_orders_share"], eve["average_discount_share"]) == (1, Decimal("0.1"))
    assert (eve["reporting_revenue_30d"], eve["reporting_revenue_90d"]) == (0, Decimal("30.6"))
    assert (eve["reporting_revenue_365d"], eve["reporting_returned_amount"]) == (Decimal("45"), Decimal("8.1"))
    assert (eve["average_days_between_orders"], eve["days_until_birthday"]) == (32, 340)
    assert (eve["replenishment_product_title"], eve["replenishment_due_on"].isoformat()) == ("Coffee", "2026-03-26")
    assert (eve["consented_topics"], first.owner("files:till:11")["consented_topics"]) == (["marketing"], None)
    ada = first.owner(ADA)
    assert (ada["emails_count"], ada["favourite_categories"], ada["locale_source"]) == (
        2,
        ["Mugs", "Plates"],
        "shopify",
    )
    assert (ada["is_loyalty_member"], eve["is_loyalty_member"]) == (True, False)
    assert (ada["satisfaction_share"], ada["social_mentions_count"]) == (None, 1)


def test_engagement_counts_people_and_recent_mails_only(second: Any) -> None:
    ada = second.owner(ADA)
    assert (ada["mails_opened_count"], ada["mails_opened_count_90d"]) == (1, 0)
    dora = second.owner("files:till:11")
    assert (dora["mails_delivered_count"], dora["mails_opened_count"], dora["consented_topics"]) == (1, 0, None)


def test_segments_find_whom_they_speak_of(first: Any) -> None:
    assert segments(first, EVE) == {"loyal", "bargain_hunters", "category_lovers", "replenishment_due"}
    assert segments(first, "files:till:21") == {"birthday_soon", "never_bought"}
    assert segments(first, "bluesky:did:plc:zed") == {"social_advocates", "never_bought"}
    assert segments(first, ADA) == {"loyal", "unhappy_with_open_ticket"}


def test_sizes_of_segments_follow_joins_and_leaves(second: Any) -> None:
    sizes = {(row["date"].isoformat(), row["segment"]): row for row in second.tables["segment_sizes"]}
    counts = ("customers_count", "joined_count", "left_count")
    days = ("2026-03-25", "2026-05-01", "2026-07-25")
    assert [tuple(sizes[day, "loyal"][count] for count in counts) for day in days] == [(2, 2, 0), (2, 0, 0), (0, 0, 2)]
    assert ("2026-03-24", "loyal") not in sizes


def test_prices_change_with_the_first_order_at_a_new_one(first: Any) -> None:
    rows = [row for row in first.tables["product_prices"] if row["sku"] == "COF"]
    spans = [(row["price"], row["valid_from"].isoformat(), str(row["valid_to"])) for row in rows]
    assert spans == [(8, "2025-12-20", "2026-02-22"), (9, "2026-02-22", "None")]
    stock = by(first.tables["products"], "product_id")
    coffee, teapot = stock["shopify:gid://shopify/Product/3"], stock["files:till:P1"]
    assert (coffee["inventory"], coffee["is_in_stock"], teapot["is_in_stock"]) == (40, True, None)


def test_a_cohort_has_a_row_a_month_even_when_nobody_came(second: Any) -> None:
    rows = [row for row in second.tables["cohorts"] if row["cohort_month"].isoformat() == "2025-12-01"]
    told = [(row["months_since"], row["active_customers_count"]) for row in sorted(rows, key=lambda row: row["month"])]
    assert told == [(0, 1), (1, 1), (2, 1), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0)]
    assert {row["customers_count"] for row in rows} == {1}


def test_the_funnel_narrows_from_known_to_ordered(second: Any) -> None:
    (row,) = second.tables["funnel"]
    assert (row["campaign_id"], row["month"].isoformat()) == ("win_back", "2026-04-01")
    steps = ("consented", "mailed", "delivered", "opened", "clicked", "ordered")
    assert [row[step] for step in steps] == [5, 2, 2, 1, 1, 1]
    assert row["known"] == len(second.customers)


def test_days_count_what_happened_and_who_is_active(second: Any) -> None:
    days = {row["date"].isoformat(): row for row in second.tables["daily_metrics"]}
    mailed, clicked = days["2026-04-10"], days["2026-04-11"]
    assert (mailed["mails_sent_count"], mailed["mails_delivered_count"], mailed["mails_opened_count"]) == (2, 2, 0)
    assert (clicked["mails_opened_count"], clicked["mails_clicked_count"]) == (1, 1)
    assert days["2026-04-12"]["unsubscribes_count"] == 1
    march = days["2026-03-01"]
    assert (march["orders_count"], march["new_customers_count"], march["active_customers_count"]) == (2, 2, 3)
    assert march["reporting_revenue"] == Decimal("104.9565")
    assert (days["2026-06-01"]["orders_without_rate_count"], days["2026-06-01"]["reporting_revenue"]) == (1, 0)
    assert days["2026-07-25"]["active_customers_count"] == 1


def test_bi_reads_every_mart_but_those_with_personal_data(shop: Settings, second: Any) -> None:
    with connect("transformer", settings=shop) as conn:
        relations = [
            (row["schema"], row["name"])
            for row in conn.execute(
                "select nspname as schema, relname as name from pg_class"
                " inner join pg_namespace on relnamespace = pg_namespace.oid"
                " where nspname in ('marts', 'segments', 'activation') and relkind in ('r', 'v')"
            )
        ]
    denied = set()
    with connect("bi_reader", settings=shop, autocommit=True) as conn:
        for schema, name in relations:
            try:
                conn.execute(sql.SQL("select * from {} limit 1").format(sql.Identifier(schema, name)))
            except psycopg.errors.InsufficientPrivilege:
                denied.add(name)
    assert denied == PERSONAL | {name for schema, name in relations if schema == "activation"}
    assert {"customers_masked", "orders", "daily_metrics", "segment_sizes"} <= {name for _, name in relations}


def test_no_mart_that_bi_reads_names_a_person(shop: Settings, second: Any) -> None:
    personal = {"email", "phone", "first_name", "last_name", "full_name", "zip", "city", "birth_date", "social_handle"}
    with connect("bi_reader", settings=shop) as conn:
        columns = conn.execute(
            "select table_name, column_name from information_schema.column_privileges"
            " where table_schema in ('marts', 'segments') and grantee = 'bi_reader'"
        ).fetchall()
    assert len(columns) > 100
    assert [row for row in columns if row["column_name"] in personal | {"loyalty_number", "days_until_birthday"}] == []


@pytest.mark.usefixtures("second")
def test_rolling_back_brings_the_former_marts_back_as_a_whole(shop: Settings) -> None:
    query = (
        "select (select max(as_of) from marts.customers) as one, (select max(as_of) from marts.daily_metrics) as other"
    )
    with connect("transformer", settings=shop, autocommit=True) as conn:
        newest = conn.execute(query).fetchone()
        transform.rollback(shop)
        former = conn.execute(query).fetchone()
        transform.rollback(shop)
        assert conn.execute(query).fetchone() == newest
    assert newest is not None
    assert former is not None
    assert former["one"] == former["other"] < newest["one"] == newest["other"]
