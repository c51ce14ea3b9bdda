"""The simulated history: the same from the same seed, with its truth, its shape and no moment after its end."""

import json
import sqlite3
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rapport.delivery.rates import LIMITS
from rapport.sandbox.store import open_world, person_by_email
from rapport.sandbox.times import epoch_of
from rapport.sandbox.world import (
    change_email_consent,
    generate,
    is_generated,
    open_ticket,
    place_order,
    post_mention,
    settle,
    truth,
)

ORIGIN = datetime(2026, 3, 2, 6, tzinfo=UTC)
TABLES = ("shopify_customers", "shopify_orders", "zendesk_users", "zendesk_tickets", "bluesky_interactions")


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> sqlite3.Connection:
    """Six hundred people; only read."""
    directory = tmp_path_factory.mktemp("history")
    generate(directory, seed=7, customers=600, origin=ORIGIN)
    return open_world(directory)


@pytest.fixture
def world(tmp_path: Path) -> sqlite3.Connection:
    """Forty people whom a test may let live on."""
    generate(tmp_path, seed=3, customers=40, origin=ORIGIN)
    return open_world(tmp_path)


def docs(con: sqlite3.Connection, table: str) -> list[dict[str, Any]]:
    return [json.loads(row["doc"]) for row in con.execute(f"select doc from {table} order by id")]


def everything(con: sqlite3.Connection) -> list[str]:
    return [line for line in con.iterdump() if line.startswith("INSERT")]


def test_the_same_seed_makes_the_same_world(tmp_path: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        generate(tmp_path / name, seed=seed, customers=60, origin=ORIGIN)
    first, second, other = (everything(open_world(tmp_path / name)) for name in "abc")
    assert first == second
    assert first != other


def test_making_it_again_replaces_the_old_world(tmp_path: Path) -> None:
    assert not is_generated(tmp_path)
    generate(tmp_path, customers=60, origin=ORIGIN)
    rows = generate(tmp_path, customers=30, origin=ORIGIN)
    assert rows["persons"] == 30
    assert is_generated(tmp_path)


@pytest.mark.parametrize("wrong", [{"customers": 0}, {"months": 0}, {"origin": datetime(2026, 3, 2)}])  # noqa: DTZ001
def test_a_world_that_cannot_be_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"at least one|zone"):
        generate(tmp_path, **({"origin": ORIGIN} | wrong))


def test_every_account_has_one_person_behind_it(history: sqlite3.Connection) -> None:
    known = truth(history)
    for system, table in (("shopify", "shopify_customers"), ("zendesk", "zendesk_users")):
        ids = {str(doc["id"]).rpartition("/")[2] for doc in docs(history, table) if doc.get("role") != "agent"}
        assert ids == {account for kind, account in known if kind == system}
    persons = {row["person_id"] for row in history.execute("select person_id from persons")}
    assert set(known.values()) <= persons


def test_about_one_in_seven_has_a_second_store_account_spelt_otherwise(history: sqlite3.Connection) -> None:
    owners = Counter(person for (system, _), person in truth(history).items() if system == "shopify")
    twice = [person for person, accounts in owners.items() if accounts == 2]
    assert 0.08 < len(twice) / len(owners) < 0.22
    emails = {
        person: {row["email"] for row in history.execute(
            "select c.email from accounts a join shopify_customers c on c.id = cast(a.account_id as integer)"
            " where a.system = 'shopify' and a.person_id = ?", (person,))}
        for person in twice
    }  # fmt: skip
    assert sum(len(spellings) == 2 for spellings in emails.values()) > len(twice) / 2


def test_nothing_lies_after_the_origin(history: sqlite3.Connection) -> None:
    end = ORIGIN.timestamp()
    for table in (*TABLES, "shopify_products", "bluesky_profiles"):
        for doc in docs(history, table):
            times = [value for key, value in doc.items() if key.lower().endswith(("at", "_at")) and value]
            assert all(epoch_of(value) <= end for value in times if isinstance(value, str) and "T" in value)
    assert all(history.execute(f"select max(updated_at) from {table}").fetchone()[0] <= end for table in TABLES)


def test_orders_add_up(history: sqlite3.Connection) -> None:
    for order in docs(history, "shopify_orders"):
        gross = sum(line["originalUnitPriceSet"] * line["quantity"] for line in order["lineItems"])
        assert order["subtotalPriceSet"] == gross - order["totalDiscountsSet"]
        assert order["totalPriceSet"] == order["subtotalPriceSet"] + order["totalShippingPriceSet"]
        assert 0 <= order["totalRefundedSet"] <= order["totalPriceSet"]
        assert (order["cancelledAt"] is None) or order["totalRefundedSet"] == order["totalPriceSet"]


def test_customers_carry_the_sums_of_their_orders(history: sqlite3.Connection) -> None:
    spent: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for order in docs(history, "shopify_orders"):
        if order["customer"]:
            spent[order["customer"]["id"]] += order["totalPriceSet"] - order["totalRefundedSet"]
            count[order["customer"]["id"]] += 1
    for customer in docs(history, "shopify_customers"):
        assert customer["amountSpent"] == spent[customer["id"]]
        assert customer["numberOfOrders"] == count[customer["id"]]


def test_accounts_exist_before_their_orders(history: sqlite3.Connection) -> None:
    early = history.execute(
        "select count(*) from shopify_orders o join shopify_customers c on c.id = o.customer_id"
        " where o.created_at < c.created_at"
    ).fetchone()[0]
    assert early == 0


def test_there_are_people_to_win_back(history: sqlite3.Connection) -> None:
    edge = ORIGIN.timestamp() - 180 * 86_400
    last = history.execute("select max(created_at) as at from shopify_orders group by person_id").fetchall()
    gone = sum(row["at"] < edge for row in last)
    assert 0.2 < gone / len(last) < 0.55


def test_most_but_not_all_may_be_written_to(history: sqlite3.Connection) -> None:
    states = Counter(
        address["marketingState"]
        for doc in docs(history, "shopify_customers")
        if (address := doc["defaultEmailAddress"]) is not None
    )
    assert 0.7 < states["SUBSCRIBED"] / states.total() < 0.9
    assert set(states) == {"SUBSCRIBED", "NOT_SUBSCRIBED", "UNSUBSCRIBED", "PENDING"}


def test_the_world_is_wide(history: sqlite3.Connection) -> None:
    people = history.execute("select * from persons").fetchall()
    names = "".join(row["first_name"] + row["last_name"] for row in people)
    assert any("Ѐ" <= letter <= "ӿ" for letter in names)
    assert any("؀" <= letter <= "ۿ" for letter in names)
    assert any("一" <= letter <= "鿿" for letter in names)
    assert len({row["time_zone"] for row in people}) > 15
    assert all(row["email"].isascii() and row["email"].endswith((".example", "example.com", "example.org"))
               for row in people)  # fmt: skip
    sources = {doc["sourceName"] for doc in docs(history, "shopify_orders")}
    assert sources == {"web", "app", "pos"}
    guests = [doc for doc in docs(history, "shopify_orders") if doc["customer"] is None]
    assert any(doc["email"] and doc["email"].startswith("info@") for doc in guests)


def test_some_gave_their_handle_and_it_is_theirs(history: sqlite3.Connection) -> None:
    known = truth(history)
    handles = {row["handle"]: row["id"] for row in history.execute("select id, handle from bluesky_profiles")}
    given = [doc for doc in docs(history, "shopify_customers") if doc["note"]]
    assert len(given) > 5
    for doc in given:
        did = handles[doc["note"].removeprefix("bluesky:@")]
        assert known["bluesky", did] == known["shopify", doc["legacyResourceId"]]


def subscriber(con: sqlite3.Connection) -> sqlite3.Row:
    row = con.execute("select email from shopify_customers where email is not null order by id limit 1").fetchone()
    person = person_by_email(con, row["email"].upper())
    assert person is not None
    return person


def test_a_purchase_after_a_mail_names_its_campaign(world: sqlite3.Connection) -> None:
    person, at = subscriber(world), ORIGIN + timedelta(hours=2)
    account = world.execute(
        "select c.id, c.email, c.doc from accounts a join shopify_customers c on c.id = cast(a.account_id as integer)"
        " where a.system = 'shopify' and a.person_id = ? order by c.id limit 1", (person["person_id"],)
    ).fetchone()  # fmt: skip
    before = json.loads(account["doc"])
    order_id = place_order(world, person["person_id"], at, campaign="win_back", email=account["email"])
    order = json.loads(world.execute("select doc from shopify_orders where id = ?", (order_id,)).fetchone()["doc"])
    after = json.loads(world.execute("select doc from shopify_customers where id = ?", (account["id"],)).fetchone()[0])
    visit = order["customerJourneySummary"]["lastVisit"]
    assert visit["utmParameters"]["campaign"] == "win_back"
    assert "utm_campaign=win_back" in visit["landingPage"]
    assert order["createdAt"] == after["updatedAt"] == "2026-03-02T08:00:00Z"
    assert after["numberOfOrders"] == before["numberOfOrders"] + 1
    assert after["amountSpent"] == before["amountSpent"] + order["totalPriceSet"]


def test_people_write_to_the_desk_and_about_the_shop(world: sqlite3.Connection) -> None:
    for row in world.execute("select person_id from persons").fetchall():
        ticket = open_ticket(world, row["person_id"], ORIGIN)
        requester = world.execute("select requester_id from zendesk_tickets where id = ?", (ticket,)).fetchone()[0]
        assert truth(world)["zendesk", str(requester)] == row["person_id"]
        uri = post_mention(world, row["person_id"], ORIGIN)
        author = world.execute("select author_did from bluesky_interactions where id = ?", (uri,)).fetchone()[0]
        assert truth(world)["bluesky", author] == row["person_id"]


def test_consent_changes_for_all_accounts_or_the_one_named(world: sqlite3.Connection) -> None:
    person, at = subscriber(world), ORIGIN + timedelta(minutes=5)
    assert change_email_consent(world, person["person_id"], "UNSUBSCRIBED", at) >= 1
    assert change_email_consent(world, person["person_id"], "SUBSCRIBED", at, email="nobody@post.example") == 0
    states = [
        (address["marketingState"], address["marketingUpdatedAt"])
        for row in world.execute(
            "select c.doc from accounts a join shopify_customers c on c.id = cast(a.account_id as integer)"
            " where a.system = 'shopify' and a.person_id = ?", (person["person_id"],))
        if (address := json.loads(row["doc"])["defaultEmailAddress"])
    ]  # fmt: skip
    assert set(states) == {("UNSUBSCRIBED", "2026-03-02T06:05:00Z")}
    with pytest.raises(ValueError, match="no such e-mail marketing state"):
        change_email_consent(world, person["person_id"], "MAYBE", at)


def test_the_shop_works_off_what_is_open_and_only_once(world: sqlite3.Connection) -> None:
    person = subscriber(world)
    settle(world, ORIGIN + timedelta(days=6))
    order_id = place_order(world, person["person_id"], ORIGIN + timedelta(days=6))
    later = ORIGIN + timedelta(days=8)
    assert settle(world, later) >= 1
    order = json.loads(world.execute("select doc from shopify_orders where id = ?", (order_id,)).fetchone()["doc"])
    assert (order["displayFulfillmentStatus"], order["updatedAt"]) == ("FULFILLED", "2026-03-10T06:00:00Z")
    assert settle(world, later) == 0


def test_an_unknown_person_does_nothing(world: sqlite3.Connection) -> None:
    with pytest.raises(LookupError, match="no person"):
        place_order(world, 9_999, ORIGIN)
    assert person_by_email(world, "nobody@post.example") is None


def test_people_complain_of_mail_as_rarely_as_those_of_a_healthy_list(history: sqlite3.Connection) -> None:
    (rate,) = history.execute("select avg(complaint_propensity) from persons").fetchone()
    lowest = min(limit for _, limit in LIMITS["complaints"])
    assert 0 < rate < lowest / 5
