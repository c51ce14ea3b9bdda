"""Buyers type the code of their mail; the store takes what it knows, in its time, and each only once."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import pytest

from rapport.sandbox import codes, world
from rapport.sandbox.behaviour import plan
from rapport.sandbox.mail.links import codes_in
from rapport.sandbox.store import open_world

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
HALF = {"value": {"percentage": 0.5}}


@pytest.fixture
def shop(tmp_path: Path) -> Connection:
    world.generate(tmp_path, seed=3, customers=20, origin=NOW, months=2)
    return open_world(tmp_path)


def give(con: Connection, code: str, *, value: dict[str, Any], days: tuple[int, int | None] = (-1, 30)) -> None:
    starts, ends = (None if day is None else (NOW + timedelta(days=day)).isoformat() for day in days)
    doc = json.dumps({"title": code, "startsAt": starts, "endsAt": ends, "value": value})
    discount = con.execute("insert into shopify_discounts (doc) values (?) returning id", (doc,)).fetchone()["id"]
    con.execute("insert into shopify_discount_codes (code, discount_id) values (?, ?)", (code, discount))


def buy(con: Connection, *typed: str) -> dict[str, Any]:
    order = world.place_order(con, 1, NOW, campaign="spring", codes=typed)
    row = con.execute("select doc from shopify_orders where id = ?", (order,)).fetchone()
    return dict(json.loads(row["doc"]))


def test_a_code_takes_off_what_it_is_worth_once(shop: Connection) -> None:
    give(shop, "BCD234FGHJ", value=HALF)
    first, second = buy(shop, "NOSUCHCODE", "bcd234fghj"), buy(shop, "BCD234FGHJ")
    gross = sum(line["originalUnitPriceSet"] * line["quantity"] for line in first["lineItems"])
    assert first["discountCodes"] == ["bcd234fghj"]
    assert abs(first["totalDiscountsSet"] - gross / 2) <= len(first["lineItems"])
    assert "BCD234FGHJ" not in second["discountCodes"]
    assert codes.redemptions(shop) == {"bcd234fghj": first["totalDiscountsSet"]}


def test_an_amount_is_never_more_than_the_goods_cost(shop: Connection) -> None:
    give(shop, "FIVER22222", value={"value": {"discountAmount": {"amount": "5.00"}}})
    give(shop, "ALLOF22222", value={"value": {"discountAmount": {"amount": "99999.00"}}})
    assert buy(shop, "FIVER22222")["totalDiscountsSet"] == 500
    whole = buy(shop, "ALLOF22222")
    assert whole["subtotalPriceSet"] == 0
    assert all(line["totalDiscountSet"] >= 0 for line in whole["lineItems"])


@pytest.mark.parametrize("days", [(1, 30), (-30, -1), (-30, 0)], ids=["not_yet", "over", "ends_now"])
def test_a_code_out_of_its_time_is_refused(shop: Connection, days: tuple[int, int]) -> None:
    give(shop, "BCD234FGHJ", value=HALF, days=days)
    assert "BCD234FGHJ" not in buy(shop, "BCD234FGHJ")["discountCodes"]
    assert codes.redemptions(shop) == {}


def test_a_reader_who_buys_brings_the_codes_that_the_mail_shows() -> None:
    html = (
        "<style>.XYZ-123456{}</style><p>Hello ADA, your code: <b>BCD234FGHJ</b></p>"
        '<a href="https://shop.example/A23456789B?utm_campaign=spring">Look</a>'
    )
    assert codes_in(html) == ["BCD234FGHJ"]
    mail = {
        "sg_message_id": "m1", "accepted_at": NOW.timestamp(), "send_at": None, "html": html, "headers": {},
        "categories": ["spring"], "to_email": "a@example.com", "group_id": None,
    }  # fmt: skip
    person = {
        "person_id": 1, "bounces": None, "machine_opens": 0, "open_propensity": 1.0, "click_propensity": 1.0,
        "buy_propensity": 1.0, "complaint_propensity": 0.0, "unsubscribe_propensity": 0.0, "preferred_hour": 9,
        "time_zone": "Europe/London",
    }  # fmt: skip
    bought = [step for step in plan(mail, person, 3) if step.kind == "buy"]
    assert [step.payload["codes"] for step in bought] == [["BCD234FGHJ"]]
