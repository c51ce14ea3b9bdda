"""What is kept of a visitor's event, and what is not."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from rapport.gateway.visit_fields import Kept
from rapport.gateway.visitors import Visitor
from rapport.gateway.visits import BadEventError, Reader, Row

NOW = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)
READER = Reader("a secret", "Analytics", Kept(["shop.example"]))
YES = {"consent": {"categoryPreferences": {"Analytics": True, "Advertising": False}}}
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5"
    " Mobile/15E148 Safari/604.1"
)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36"
)
IPAD = SAFARI.replace("iPhone", "iPad", 1)


def event(**changes: Any) -> dict[str, Any]:
    base = {"messageId": "m1", "anonymousId": "d1", "userId": "u1", "event": "Product Viewed", "context": YES}
    return {name: value for name, value in (base | changes).items() if value is not None}


def track(**changes: Any) -> Row:
    return READER.single(event(**changes), "track", None, NOW)


def page(context: dict[str, Any], **properties: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    given = event(event=None, properties=properties, context=YES | context)
    row = READER.single(given, "page", None, NOW)
    return json.loads(row.page), json.loads(row.campaign)


def test_an_event_becomes_a_row() -> None:
    row = track(properties={"product_id": 7, "price": "19.90", "secret": "x"}, timestamp="2027-03-01T09:00:00Z")
    assert (row.message_id, row.type, row.name, row.device_id, row.user_id) == (
        "m1", "track", "Product Viewed", "d1", "u1",
    )  # fmt: skip
    assert json.loads(row.properties) == {"product_id": "7", "price": "19.90"}
    assert (row.occurred_at.isoformat(), row.received_at) == ("2027-03-01T09:00:00+00:00", NOW)
    assert row.has_consent


@pytest.mark.parametrize(
    "context",
    [
        None,
        {},
        {"consent": True},
        {"consent": {"categoryPreferences": True}},
        {"consent": {"categoryPreferences": {"Analytics": False}}},
        {"consent": {"categoryPreferences": {"Analytics": "true"}}},
        {"consent": {"categoryPreferences": {"Analytics": 1}}},
        {"consent": {"categoryPreferences": {"Advertising": True, "analytics": True}}},
    ],
    ids=["no_context", "none", "bare_true", "no_categories", "refused", "text", "number", "another_category"],
)
def test_without_consent_nothing_is_kept_that_names_anybody(context: dict[str, Any] | None) -> None:
    page_of = {"page": {"url": "https://shop.example/me", "path": "/me"}, "campaign": {"source": "mail"}}
    given = event(
        context=None if context is None else context | page_of,
        properties={"product_id": "7"},
        previousId="old",
        timestamp="2027-03-01T08:47:11Z",
    )
    row = READER.single(given, "track", SAFARI, NOW)
    assert (row.device_id, row.user_id, row.previous_id) == (None, None, None)
    assert (row.properties, row.page, row.campaign) == ("{}", "{}", "{}")
    assert (row.has_consent, row.name, row.device_kind) == (False, "Product Viewed", "mobile")
    assert row.occurred_at.isoformat() == "2027-03-01T08:00:00+00:00"
    assert "m1" not in row.message_id
    again = READER.single(given, "track", SAFARI, NOW)
    assert again.message_id == row.message_id


def test_a_name_of_ones_own_is_not_kept_without_consent() -> None:
    assert track(event="Ada Lovelace looked", context=None).name is None


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({}, "09:30:00"),
        ({"timestamp": "2027-03-01T09:10:00Z"}, "09:10:00"),
        # A device two hours fast: what it did ten minutes before sending was ten minutes ago.
        ({"timestamp": "2027-03-01T11:20:00Z", "sentAt": "2027-03-01T11:30:00Z"}, "09:20:00"),
        ({"originalTimestamp": "2027-03-01T05:20:00+02:00", "sentAt": "2027-03-01T03:21:00Z"}, "09:29:00"),
        ({"originalTimestamp": "2027-03-01T09:00:00Z", "timestamp": "2027-03-01T01:00:00Z"}, "09:00:00"),
        ({"timestamp": "2027-03-01T12:00:00Z"}, "09:30:00"),
        ({"timestamp": "2027-03-01T11:40:00Z", "sentAt": "2027-03-01T11:30:00Z"}, "09:30:00"),
    ],
    ids=["none", "as_given", "fast_clock", "zones", "original_wins", "future", "sent_before_it_happened"],
)
def test_a_wrong_clock_is_corrected(times: dict[str, str], expected: str) -> None:
    assert track(**times).occurred_at.strftime("%H:%M:%S") == expected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"anonymousId": None, "userId": None}, "neither anonymousId nor userId"),
        ({"anonymousId": "", "userId": ""}, "neither anonymousId nor userId"),
        ({"anonymousId": ["d1"]}, "anonymousId is no text"),
        ({"anonymousId": True}, "anonymousId is no text"),
        ({"userId": "x" * 201}, "userId is no text"),
        ({"userId": "ada@post.example"}, "userId looks like an address"),
        ({"messageId": "a\0b"}, "messageId is no text"),
        ({"event": None}, "without its name"),
        ({"event": {"a": 1}}, "without its name"),
        ({"timestamp": "yesterday"}, "timestamp is no ISO 8601 time"),
        ({"timestamp": 1_700_000_000}, "timestamp is no ISO 8601 time"),
        ({"sentAt": "2015-2-02T00:30:12.984Z", "timestamp": "2027-03-01T09:10:00Z"}, "sentAt is no ISO 8601 time"),
        ({"timestamp": "1999-01-01T00:00:00Z"}, "before 2000"),
        ({"properties": {"query": "x" * 33_000}}, "larger than 32 kB"),
    ],
    ids=[
        "no_id", "empty_ids", "list", "boolean", "long", "address", "nul", "no_name", "name_no_text", "no_time",
        "number_as_time", "sent_no_time", "old", "large",
    ],
)  # fmt: skip
def test_an_event_that_cannot_be_read_says_why(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadEventError, match=reason) as error:
        track(**changes)
    assert "ada" not in str(error.value)


def test_in_a_batch_the_bad_are_set_aside_and_the_good_kept() -> None:
    document = {
        "sentAt": "2027-03-01T11:30:00Z",
        "context": YES,
        "batch": [
            event(type="track", context=None, timestamp="2027-03-01T11:20:00Z"),
            event(type="track", context=None, timestamp="2027-03-01T11:20:00Z"),
            event(type="teleport"),
            event(type="track", messageId="m3", userId="ada@post.example"),
            "text",
        ],
    }
    reading = READER.batch(document, None, NOW)
    (row,) = reading.rows
    assert (row.has_consent, row.occurred_at.strftime("%H:%M"), reading.repeated) == (True, "09:20", 1)
    assert len(reading.bad) == 3
    assert {bad.reason.partition(" ")[0] for bad in reading.bad} == {"type", "userId", "not"}
    assert "post.example" not in str(reading.bad)
    assert '"userId":"text"' in str(reading.bad)
    assert READER.batch(document, None, NOW).bad == reading.bad


@pytest.mark.parametrize(
    "document", [[], {}, {"batch": {}}, {"batch": [{}] * 2501}, "x"], ids=["list", "none", "object", "many", "text"]
)
def test_what_is_no_batch_is_refused_whole(document: Any) -> None:
    with pytest.raises(BadEventError):
        READER.batch(document, None, NOW)


def test_addresses_of_pages_lose_what_may_name_a_person() -> None:
    url = "https://shop.example/me/orders?email=ada%40post.example&utm_source=mail&utm_campaign=win_back#token"
    kept, campaign = page({"page": {"referrer": "https://search.example/?q=ada"}}, url=url, title="Ada's orders")
    assert kept == {
        "url": "https://shop.example/me/orders?utm_source=mail&utm_campaign=win_back",
        "path": "/me/orders",
        "referrer_host": "search.example",
    }
    assert campaign == {"source": "mail", "name": "win_back"}


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/12345678/orders/0a1b2c3d4e5f60718293a4b5c6d7e8f9/authenticate", "/-/orders/-/authenticate"),
        ("/me/ada@post.example", "/me/-"),
        ("/me/ada%40post.example/edit", "/me/-/edit"),
        ("/products/house-espresso-beans-250-g", "/products/house-espresso-beans-250-g"),
        ("/collections/2026", "/collections/2026"),
    ],
    ids=["order_page", "address", "quoted_address", "product", "year"],
)
def test_parts_of_a_path_that_stand_for_a_person_are_left_out(path: str, kept: str) -> None:
    assert page({}, url=f"https://shop.example{path}?key=x")[0] == {"url": f"https://shop.example{kept}", "path": kept}
    assert page({"page": {"path": f"{path}#x"}})[0] == {"path": kept}


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/shop.example",
        "https://shop.example@evil.example/",
        "https://shop.example.evil.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example/x",
        ["https://shop.example/"],
    ],
    ids=["other_host", "as_user", "as_prefix", "script", "data", "no_scheme", "list"],
)
def test_no_address_of_others_is_kept(url: Any) -> None:
    row = track(properties={"product_id": "7", "url": url, "image_url": url, "products": [{"url": url, "sku": "A"}]})
    assert json.loads(row.properties) == {"product_id": "7", "products": [{"sku": "A"}]}
    assert "url" not in page({}, url=url)[0]


def test_traits_of_people_and_their_network_are_not_kept() -> None:
    given = event(
        event=None, traits={"email": "ada@post.example"}, context=YES | {"ip": "192.0.2.1", "userAgent": SAFARI}
    )
    row = READER.single(given, "identify", None, NOW)
    assert (row.user_id, row.device_id) == ("u1", "d1")
    assert not {"ada", "192.0.2.1", "iPhone"} & set(str(row).replace('"', " ").split())
    assert "post.example" not in str(row)


def test_a_bot_is_marked_by_what_it_calls_itself() -> None:
    visitor = Visitor()
    assert visitor.is_bot("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)")
    assert visitor.is_bot("python-requests/2.32")
    assert not any(visitor.is_bot(agent) for agent in (SAFARI, CHROME, IPAD, None))


@pytest.mark.parametrize(
    ("agent", "context", "kind"),
    [
        (SAFARI, {}, "mobile"),
        (CHROME, {}, "desktop"),
        (IPAD, {}, "tablet"),
        (None, {}, "unknown"),
        ("ShopApp/3.1", {"device": {"type": "ios"}}, "mobile"),
        ("ShopApp/3.1", {"device": {"type": ["ios"]}}, "unknown"),
    ],
    ids=["phone", "computer", "tablet", "nothing", "app", "nonsense"],
)
def test_kinds_of_devices(agent: str | None, context: dict[str, Any], kind: str) -> None:
    assert Visitor().device_kind(agent, context) == kind
