"""The network's server speaks XRPC: sessions that expire, lists newest first, profiles, faults."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from rapport.sandbox import bluesky
from rapport.sandbox.faults import Faults
from rapport.sandbox.store import open_world
from rapport.sandbox.world import generate, post_mention

ORIGIN = datetime(2026, 3, 2, 6, tzinfo=UTC)
SESSION = "/xrpc/com.atproto.server.createSession"
REFRESH = "/xrpc/com.atproto.server.refreshSession"
NOTIFICATIONS = "/xrpc/app.bsky.notification.listNotifications"
FEED = "/xrpc/app.bsky.feed.getAuthorFeed"
THREAD = "/xrpc/app.bsky.feed.getPostThread"
PROFILES = "/xrpc/app.bsky.actor.getProfiles"


@dataclass
class MovedClock:
    at: datetime = ORIGIN

    def now(self) -> datetime:
        return self.at


@pytest.fixture(scope="module")
def world_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("network")
    generate(directory, seed=11, customers=150, origin=ORIGIN)
    return directory


def client(directory: Path, clock: MovedClock | None = None, faults: Faults | None = None) -> TestClient:
    http = TestClient(bluesky.app(directory, clock or MovedClock(), faults))
    session = http.post(SESSION, json={"identifier": bluesky.HANDLE, "password": bluesky.APP_PASSWORD}).json()
    http.headers["Authorization"] = f"Bearer {session['accessJwt']}"
    return http


def pages(http: TestClient, path: str, name: str, size: int, **params: Any) -> list[list[dict[str, Any]]]:
    found: list[list[dict[str, Any]]] = []
    cursor = None
    while True:
        answer = http.get(path, params=params | {"limit": size} | ({"cursor": cursor} if cursor else {})).json()
        found.append(answer[name])
        cursor = answer.get("cursor")
        if cursor is None:
            return found


def test_notifications_are_listed_once_newest_first(world_dir: Path) -> None:
    total = (
        open_world(world_dir).execute("select count(*) from bluesky_interactions where kind != 'post'").fetchone()[0]
    )
    size = total // 3 + 1 if total % 3 == 0 else total // 3
    found = pages(client(world_dir), NOTIFICATIONS, "notifications", size)
    assert len(found) >= 3
    assert 0 < len(found[-1]) < size
    flat = [record for page in found for record in page]
    assert len({record["uri"] for record in flat}) == len(flat) == total
    seen = [record["indexedAt"] for record in flat]
    assert seen == sorted(seen, reverse=True)
    assert {record["reason"] for record in flat} <= {"mention", "reply", "quote", "like", "repost", "follow"}


def test_the_feed_holds_the_shops_own_posts_and_their_threads(world_dir: Path) -> None:
    http = client(world_dir)
    posts = [item["post"] for page in pages(http, FEED, "feed", 50, actor=bluesky.HANDLE) for item in page]
    assert len(posts) > 100
    assert {post["author"]["handle"] for post in posts} == {bluesky.HANDLE}
    row = open_world(world_dir).execute("select doc from bluesky_interactions where kind = 'reply' limit 1").fetchone()
    reply = json.loads(row["doc"])
    thread = http.get(THREAD, params={"uri": reply["reasonSubject"]}).json()["thread"]
    assert reply["uri"] in [below["post"]["uri"] for below in thread["replies"]]
    assert http.get(THREAD, params={"uri": "at://nothing"}).json()["error"] == "NotFound"
    assert http.get(FEED, params={"actor": "nobody.social.example"}).status_code == 400


def test_profiles_come_up_to_twenty_five_and_strangers_are_left_out(world_dir: Path) -> None:
    http = client(world_dir)
    dids = [row["id"] for row in open_world(world_dir).execute("select id from bluesky_profiles limit 26")]
    found = http.get(PROFILES, params={"actors": [*dids[:20], "did:plc:nobody"]}).json()["profiles"]
    assert [profile["did"] for profile in found] == dids[:20]
    assert len(dids) >= 20
    for actors in ([], ["did:plc:x"] * 26):
        assert http.get(PROFILES, params={"actors": actors}).json()["error"] == "InvalidRequest"


def test_what_lies_ahead_is_not_shown(tmp_path: Path) -> None:
    generate(tmp_path, seed=4, customers=20, origin=ORIGIN)
    clock = MovedClock(ORIGIN + timedelta(minutes=9))
    uri = post_mention(open_world(tmp_path), 1, ORIGIN + timedelta(minutes=10))
    http = client(tmp_path, clock)
    assert uri not in [record["uri"] for record in http.get(NOTIFICATIONS).json()["notifications"]]
    clock.at = ORIGIN + timedelta(minutes=10)
    assert http.get(NOTIFICATIONS).json()["notifications"][0]["uri"] == uri


def test_a_session_expires_and_is_refreshed_once_per_token(world_dir: Path) -> None:
    clock = MovedClock()
    http = TestClient(bluesky.app(world_dir, clock))
    assert http.get(NOTIFICATIONS).status_code == 401
    wrong = http.post(SESSION, json={"identifier": bluesky.HANDLE, "password": "wrong"})
    assert (wrong.status_code, wrong.json()["error"]) == (401, "AuthenticationRequired")
    session = http.post(SESSION, json={"identifier": bluesky.HANDLE, "password": bluesky.APP_PASSWORD}).json()
    bearer = {"Authorization": f"Bearer {session['accessJwt']}"}
    assert http.get(NOTIFICATIONS, headers=bearer).status_code == 200
    clock.at += timedelta(hours=2)
    expired = http.get(NOTIFICATIONS, headers=bearer)
    assert (expired.status_code, expired.json()["error"]) == (400, "ExpiredToken")
    refresh = {"Authorization": f"Bearer {session['refreshJwt']}"}
    fresh = http.post(REFRESH, headers=refresh).json()
    renewed = {"Authorization": f"Bearer {fresh['accessJwt']}"}
    assert http.get(NOTIFICATIONS, headers=renewed).status_code == 200
    assert http.post(REFRESH, headers=refresh).json()["error"] == "ExpiredToken"


@pytest.mark.parametrize("params", [{"limit": 101}, {"limit": "x"}, {"cursor": "zz"}])
def test_a_malformed_question_is_refused(world_dir: Path, params: dict[str, Any]) -> None:
    answer = client(world_dir).get(NOTIFICATIONS, params=params)
    assert (answer.status_code, answer.json()["error"]) == (400, "InvalidRequest")


def test_faults(world_dir: Path) -> None:
    http = client(world_dir)
    http.post("/_sandbox/faults", json={"error_500": 1, "rate_limited": 1, "expired_token": 1})
    assert [http.get(NOTIFICATIONS).status_code for _ in range(4)] == [500, 429, 400, 200]
    http.post("/_sandbox/faults", json={"truncated": 1})
    with pytest.raises(json.JSONDecodeError):
        http.get(NOTIFICATIONS).json()
    http.post("/_sandbox/faults", json={"empty_page": 1})
    found = pages(http, NOTIFICATIONS, "notifications", 100)
    assert not found[0]
    assert found[1]
