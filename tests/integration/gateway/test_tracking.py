"""Visitors' events over the whole path: who may send, what is stored, what is refused, and Segment's own client."""

import base64
import json
import logging
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import uvicorn
from segment.analytics.client import Client
from starlette.testclient import TestClient

from rapport.clock import FixedClock
from rapport.db import connect
from rapport.gateway import create_app, tracking
from rapport.settings import Settings

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
KEY, OTHER_KEY, SHOP = "wk-1", "wk-2", "https://shop.example"
YES = {"consent": {"categoryPreferences": {"Analytics": True}}}


@pytest.fixture
def shop(database: Settings) -> Settings:
    return database.model_copy(
        update={"web_write_keys": (KEY, OTHER_KEY), "web_origins": (SHOP,), "metrics_token": "a-token-for-tests"}
    )


@pytest.fixture
def client(shop: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(shop, FixedClock(NOW))) as client:
        yield client


def event(number: int = 1, **changes: Any) -> dict[str, Any]:
    base = {"type": "track", "event": "Product Viewed", "messageId": f"m{number}", "anonymousId": "d1", "context": YES}
    return {name: value for name, value in (base | changes).items() if value is not None}


def stored(shop: Settings, columns: str = "message_id, type, device_id", table: str = "events") -> list[Any]:
    with connect(settings=shop) as conn:
        return [tuple(row.values()) for row in conn.execute(f"select {columns} from raw_web.{table} order by 1")]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "kind"),
    [(path, kind) for kind in ("identify", "track", "page", "screen", "alias", "group") for path in (kind, kind[0])],
)
def test_each_address_takes_its_type(client: TestClient, shop: Settings, path: str, kind: str) -> None:
    answer = client.post(f"/v1/{path}", json=event(userId="u1", writeKey=KEY, type=None))
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert stored(shop) == [("m1", kind, "d1")]


@pytest.mark.parametrize("path", ["batch", "b", "import"])
def test_a_batch_is_kept_once_however_often_it_comes(client: TestClient, shop: Settings, path: str) -> None:
    body = {"writeKey": OTHER_KEY, "batch": [event(1), event(2), event(2)]}
    assert [client.post(f"/v1/{path}", json=body).status_code for _ in range(3)] == [200] * 3
    assert [row[0] for row in stored(shop)] == ["m1", "m2"]
    metrics = client.get("/metrics", headers={"Authorization": "Bearer a-token-for-tests"}).text
    assert 'rapport_gateway_web_events_total{result="new"} 2.0' in metrics
    assert 'rapport_gateway_web_events_total{result="repeated"} 7.0' in metrics


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "Basic " + base64.b64encode(b"wk-1:").decode()}, 200),
        ({"Authorization": "basic " + base64.b64encode(b"wk-2").decode()}, 200),
        ({"Authorization": "Basic " + base64.b64encode(b"wk-3:").decode()}, 401),
        ({"Authorization": "Basic ???"}, 401),
        ({"Authorization": "Bearer wk-1"}, 401),
        ({}, 401),
    ],
    ids=["user", "no_colon", "unknown", "no_base64", "bearer", "none"],
)
def test_the_write_key_may_be_the_user(
    client: TestClient, shop: Settings, headers: dict[str, str], status: int
) -> None:
    assert client.post("/v1/track", json=event(), headers=headers).status_code == status
    assert len(stored(shop)) == (status == 200)


def test_what_is_bad_is_refused_alone_and_set_aside_in_a_batch(client: TestClient, shop: Settings) -> None:
    single = client.post("/v1/track", json=event(anonymousId=None, writeKey=KEY))
    assert (single.status_code, single.json()["message"]) == (400, "neither anonymousId nor userId")
    bad = event(2, userId="ada@post.example")
    for _ in range(2):
        answer = client.post("/v1/batch", json={"writeKey": KEY, "batch": [event(1), bad, event(3)]})
        assert (answer.status_code, answer.json()) == (200, {"success": True, "quarantined": 1})
    assert [row[0] for row in stored(shop)] == ["m1", "m3"]
    ((reason, shape),) = stored(shop, "reason, shape", "quarantine")
    assert (reason.partition(" ")[0], shape["userId"]) == ("userId", "text")


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("track", b"{", "not JSON"),
        ("track", b"[]", None),
        ("track", b'{"a":"' + b"x" * 33_000 + b'"}', "larger than"),
        ("batch", b'{"writeKey":"wk-1","batch":"' + b"x" * 520_000 + b'"}', "larger than"),
        ("batch", json.dumps({"writeKey": KEY, "batch": [{}] * 2501}).encode(), "more than 2500 events"),
        ("batch", json.dumps({"writeKey": KEY}).encode(), "no list of events"),
    ],
    ids=["half", "list", "large_event", "large_batch", "many", "no_batch"],
)
def test_bodies_beyond_the_limits_are_refused(
    client: TestClient, shop: Settings, path: str, body: bytes, reason: str | None
) -> None:
    answer = client.post(f"/v1/{path}", content=body)
    assert answer.status_code == (400 if reason else 401)
    assert (reason or "") in answer.json()["message"]
    assert stored(shop) == []


def test_browsers_may_send_from_the_shops_own_pages_only(client: TestClient, shop: Settings) -> None:
    asks = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-retry-count",
    }
    preflight = client.options("/v1/t", headers={"Origin": SHOP} | asks)
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, SHOP)
    # analytics.js sends text/plain, which needs no preflight.
    body = json.dumps(event(writeKey=KEY))
    given = client.post("/v1/t", content=body, headers={"Origin": SHOP, "Content-Type": "text/plain"})
    assert (given.status_code, given.headers["access-control-allow-origin"]) == (200, SHOP)
    foreign = {"Origin": "https://evil.example"}
    assert client.options("/v1/t", headers=foreign | asks).status_code == 400
    assert client.post("/v1/t", content=json.dumps(event(2, writeKey=KEY)), headers=foreign).status_code == 403
    assert [row[0] for row in stored(shop)] == ["m1"]


def test_without_origins_the_shops_own_address_is_one(shop: Settings) -> None:
    own = shop.model_copy(update={"web_origins": (), "shop_url": "https://Shop.example/en/"})
    with TestClient(create_app(own, FixedClock(NOW))) as client:
        body = json.dumps(event(writeKey=KEY))
        codes = [
            client.post("/v1/t", content=body, headers={"Origin": origin}).status_code
            for origin in (SHOP, "https://www.shop.example", "null")
        ]
    assert codes == [200, 403, 403]


def test_a_browser_that_is_a_machine_is_marked(client: TestClient, shop: Settings) -> None:
    google = {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}
    client.post("/v1/t", json=event(1, writeKey=KEY), headers={"Origin": SHOP} | google)
    said = event(2, writeKey=KEY, context=YES | {"userAgent": google["User-Agent"]})
    client.post("/v1/t", json=said)
    # A shop's own server is no visitor, whatever its library calls itself.
    client.post("/v1/t", json=event(3, writeKey=KEY), headers={"User-Agent": "analytics-node/2.0"})
    assert stored(shop, "message_id, is_bot") == [("m1", True), ("m2", True), ("m3", False)]


def test_without_consent_no_identifier_reaches_the_database(client: TestClient, shop: Settings) -> None:
    given = event(userId="u1", writeKey=KEY, context={"ip": "192.0.2.7"}, properties={"query": "ada@post.example"})
    assert client.post("/v1/track", json=given).status_code == 200
    with connect(settings=shop) as conn:
        row = conn.execute("select to_jsonb(e)::text as t from raw_web.events as e").fetchone()
    assert row is not None
    assert not [word for word in ("m1", "d1", "u1", "192.0.2.7", "ada") if f'"{word}"' in row["t"]]
    with connect(settings=shop) as conn, pytest.raises(psycopg.errors.CheckViolation):
        conn.execute("update raw_web.events set device_id = 'd1'")


def test_the_gateway_may_only_add(client: TestClient, shop: Settings) -> None:
    client.post("/v1/track", json=event(writeKey=KEY))
    for statement in (
        "select device_id from raw_web.events",
        "select shape from raw_web.quarantine",
        "update raw_web.events set user_id = 'x'",
        "delete from raw_web.events",
        "truncate raw_web.events",
    ):
        with (
            connect("gateway", settings=shop, autocommit=True) as conn,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            conn.execute(statement)  # type: ignore[call-overload]


def test_a_network_has_its_measure(shop: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "BURST", 3)
    monkeypatch.setattr(tracking, "PER_SECOND", 0.0)
    with TestClient(create_app(shop, FixedClock(NOW))) as client:
        answers = [client.post("/v1/t", content=b"{") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [400, 400, 400, 429, 429]
    assert answers[-1].headers["Retry-After"] == "5"


def test_without_a_write_key_there_is_no_such_address(database: Settings) -> None:
    with TestClient(create_app(database, FixedClock(NOW))) as client:
        assert client.post("/v1/track", json=event(writeKey="")).status_code == 404


def test_when_the_database_is_away_senders_are_told_to_repeat(shop: Settings, caplog: pytest.LogCaptureFixture) -> None:
    away = shop.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/none"})
    with TestClient(create_app(away, FixedClock(NOW))) as client, caplog.at_level(logging.INFO):
        answer = client.post("/v1/track", json=event(writeKey=KEY, userId="a-user-id"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert "a-user-id" not in caplog.text


def test_the_vendors_own_client_is_understood(shop: Settings) -> None:
    config = uvicorn.Config(create_app(shop, FixedClock(NOW)), port=0, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        client = Client(KEY, host=f"http://127.0.0.1:{port}", sync_mode=True, max_retries=0)
        client.identify("7300000000001", {"email": "ada@post.example"}, context=YES, anonymous_id="d1")
        client.track("7300000000001", "Product Added", {"product_id": "1", "price": 9.5, "quantity": 2}, context=YES)
        client.page("7300000000001", name="Home", properties={"path": "/"}, context=YES)
    finally:
        server.should_exit = True
        thread.join()
    rows = stored(shop, "type, name, user_id, properties ->> 'price', has_consent")
    assert rows == [
        ("identify", None, "7300000000001", None, True),
        ("page", "Home", "7300000000001", None, True),
        ("track", "Product Added", "7300000000001", "9.5", True),
    ]
