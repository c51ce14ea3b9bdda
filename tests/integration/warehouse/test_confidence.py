"""What only probably is one person's never stands in a mail to another; scores and consent reach who reads them."""

from decimal import Decimal
from typing import Any

import pytest

from rapport import identity, transform
from rapport.settings import Settings

from .conftest import FIRST, rows, run_script

ADA, BEN, CLEO = (f"shopify:gid://shopify/Customer/{number}" for number in (1, 4, 5))


@pytest.fixture(scope="module")
def built(shop: Settings) -> dict[str, Any]:
    """One build after Cleo's records were joined to Ben as probable ones."""
    transform.prepare(shop, FIRST)
    identity.resolve(shop, FIRST)
    run_script(shop, "probable_rows.sql")
    transform.build(shop, FIRST)
    transform.publish(shop)
    owners = {row["profile_key"]: row["customer_id"] for row in rows(shop, "identity.members", "profile_key")}
    return {
        "owners": owners,
        "audience": {row["email"]: row for row in rows(shop, "activation.campaign_audience", "email")},
        "customers": {row["customer_id"]: row for row in rows(shop, "marts.customers", "customer_id")},
        "segments": rows(shop, "segments.current_members", "segment"),
        "messages": rows(shop, "marts.messages", "send_id"),
    }


def test_a_probable_merge_puts_no_history_name_or_address_into_another_mail(built: dict[str, Any]) -> None:
    ben = built["audience"]["ben@example.com"]
    assert ben["customer_id"] == built["owners"][CLEO] == built["owners"][BEN]
    assert (ben["orders_count"], ben["revenue"], ben["last_order_at"]) == (0, 0, None)
    assert (ben["currency_code"], ben["first_order_channel"], ben["days_since_last_order"]) == (None, None, None)
    assert (ben["first_name"], ben["last_name"], ben["locale"], ben["country_code"]) == ("Ben", "Stone", "en-US", "US")
    assert (ben["purchased_products"], ben["recommended_products"], ben["rfm_group"]) == (None, None, None)
    assert (ben["last_product_title"], ben["churn_risk"], ben["probability_alive"]) == (None, None, None)
    assert "cleo@example.com" not in built["audience"]
    assert not any(isinstance(value, str) and "Cleo" in value for value in ben.values())


def test_reports_count_what_is_probable(built: dict[str, Any]) -> None:
    ben = built["customers"][built["owners"][BEN]]
    assert (ben["orders_count"], ben["revenue"], ben["currency_code"]) == (1, Decimal("33.0000"), "EUR")
    assert (ben["has_probable_profiles"], ben["email"], ben["emails_count"]) == (True, "ben@example.com", 2)


def test_consent_never_follows_a_merge(built: dict[str, Any]) -> None:
    """Cleo agreed, Ben did not."""
    assert built["audience"]["ben@example.com"]["email_consent"] is False
    assert built["customers"][built["owners"][BEN]]["consented_topics"] is None


def test_a_click_on_our_own_link_ends_consent_everywhere(built: dict[str, Any]) -> None:
    ada = built["customers"][built["owners"][ADA]]
    assert (ada["email"], ada["email_consent"], ada["consented_topics"]) == ("ada@example.com", False, None)
    assert ada["email_consent_at"].date().isoformat() == "2026-03-22"


def test_published_scores_stand_beside_the_customer_and_old_ones_do_not(built: dict[str, Any]) -> None:
    ada = built["customers"][built["owners"][ADA]]
    assert (ada["probability_alive"], ada["churn_risk"]) == (Decimal("0.9000"), Decimal("0.1000"))
    assert (ada["expected_orders_90d"], ada["expected_revenue_90d"]) == (Decimal("1.5000"), Decimal("30.0000"))
    assert ada["best_send_hour"] is None
    assert built["audience"]["ada@example.com"]["churn_risk"] == Decimal("0.1000")
    assert built["customers"][built["owners"]["zendesk:901"]]["scored_at"] is None
    found = {(row["segment"], row["customer_id"]) for row in built["segments"] if row["segment"].startswith("likely_")}
    assert found == {
        ("likely_to_buy_soon", built["owners"][ADA]),
        ("likely_to_churn", built["owners"][BEN]),
    }


def test_a_mail_may_show_what_was_bought_and_what_is_recommended(built: dict[str, Any]) -> None:
    ada = built["audience"]["ada@example.com"]
    assert [one["title"] for one in ada["purchased_products"]] == ["Red plate", "Teapot", "Blue mug"]
    (plate,) = ada["recommended_products"]
    assert set(plate) == {"product_id", "title", "price", "currency_code", "url", "image_url"}
    assert (plate["product_id"], plate["title"]) == ("shopify:gid://shopify/Product/2", "Red plate")


def test_a_mail_shows_the_stores_own_page_and_picture_without_any_visit(built: dict[str, Any]) -> None:
    ada = built["audience"]["ada@example.com"]
    shown = {one["title"]: (one["url"], one["image_url"]) for one in ada["purchased_products"]}
    plate = ("https://shop.example/plate", "https://shop.example/plate.jpg")
    assert shown == {"Red plate": plate, "Teapot": (None, None), "Blue mug": (None, None)}
    assert [(one["url"], one["image_url"]) for one in ada["recommended_products"]] == [plate]


def test_a_question_to_a_stranger_is_a_mail_of_no_customer(built: dict[str, Any]) -> None:
    (message,) = built["messages"]
    assert (message["customer_id"], message["campaign_id"]) == (None, "confirm")
