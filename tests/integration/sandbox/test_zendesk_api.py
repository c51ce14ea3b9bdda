"""The desk's server speaks Zendesk's incremental exports: cursors, hold-back, rate limit, faults."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from rapport.clock import FixedClock
from rapport.sandbox import zendesk
from rapport.sandbox.faults import Faults
from rapport.sandbox.limits import PerMinute
from rapport.sandbox.store import open_world
from rapport.sandbox.world import generate, open_ticket

ORIGIN = datetime(2026, 3, 2, 6, tzinfo=UTC)
TICKETS = "/api/v2/incremental/tickets/cursor.json"
USERS = "/api/v2/incremental/users/cursor.json"


@pytest.fixture(scope="module")
def world_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("desk")
    generate(directory, seed=11, customers=120, origin=ORIGIN)
    return directory


def client(directory: Path, at: datetime = ORIGIN, faults: Faults | None = None, **options: Any) -> TestClient:
    app = zendesk.app(directory, FixedClock(at), faults, **({"per_minute": 10_000} | options))
    http = TestClient(app)
    http.auth = (f"{zendesk.EMAIL}/token", zendesk.TOKEN)
    return http


def pages(http: TestClient, path: str, size: int) -> list[dict[str, Any]]:
    params: dict[str, Any] = {"start_time": 0, "per_page": size}
    found = []
    while True:
        found.append(http.get(path, params=params).json())
        if found[-1]["end_of_stream"]:
            return found
        params = {"cursor": found[-1]["after_cursor"], "per_page": size}


@pytest.mark.parametrize(("path", "kind"), [(TICKETS, "tickets"), (USERS, "users")])
def test_pages_hold_everything_once(world_dir: Path, path: str, kind: str) -> None:
    edge = ORIGIN.timestamp() - 60
    total = open_world(world_dir).execute(
        f"select count(*) from zendesk_{kind} where updated_at <= ?", (edge,)
    ).fetchone()[0]  # fmt: skip
    size = total // 3 + 1 if total % 3 == 0 else total // 3
    found = pages(client(world_dir), path, size)
    assert len(found) >= 3
    assert 0 < len(found[-1][kind]) < size
    ids = [record["id"] for page in found for record in page[kind]]
    assert len(set(ids)) == len(ids) == total
    changed = [record["updated_at"] for page in found for record in page[kind]]
    assert changed == sorted(changed)


def test_the_start_is_included(world_dir: Path) -> None:
    first = client(world_dir).get(TICKETS, params={"start_time": 0, "per_page": 5}).json()["tickets"][3]
    start = int(datetime.fromisoformat(first["updated_at"]).timestamp())
    again = client(world_dir).get(TICKETS, params={"start_time": start, "per_page": 5}).json()["tickets"]
    assert again[0]["id"] == first["id"]


def test_the_last_minute_is_held_back_and_the_cursor_goes_on_from_there(tmp_path: Path) -> None:
    generate(tmp_path, seed=4, customers=30, origin=ORIGIN)
    con = open_world(tmp_path)
    at = ORIGIN + timedelta(hours=1)
    ticket = open_ticket(con, 1, at)
    early = pages(client(tmp_path, at + timedelta(seconds=59)), TICKETS, 1_000)[-1]
    assert ticket not in [record["id"] for record in early["tickets"]]
    late = client(tmp_path, at + timedelta(seconds=60)).get(TICKETS, params={"cursor": early["after_cursor"]}).json()
    assert [record["id"] for record in late["tickets"]] == [ticket]


def test_metric_sets_come_when_asked_for(world_dir: Path) -> None:
    http = client(world_dir)
    plain = http.get(TICKETS, params={"start_time": 0}).json()["tickets"]
    rich = http.get(TICKETS, params={"start_time": 0, "include": "metric_sets"}).json()["tickets"]
    assert "metric_set" not in plain[0]
    assert any(ticket["metric_set"]["solved_at"] for ticket in rich)


def test_the_eleventh_call_of_a_minute_waits(world_dir: Path) -> None:
    now = [100.0]
    http = client(world_dir, limit=PerMinute(10, lambda: now[0]))
    for _ in range(10):
        assert http.get(USERS, params={"start_time": 0}).status_code == 200
        now[0] += 1
    refused = http.get(USERS, params={"start_time": 0})
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "50")
    now[0] += int(refused.headers["Retry-After"])
    assert http.get(USERS, params={"start_time": 0}).status_code == 200


def test_wrong_credentials_and_questions_are_refused_in_json(world_dir: Path) -> None:
    http = client(world_dir)
    for given in ((f"{zendesk.EMAIL}/token", "wrong"), (zendesk.EMAIL, zendesk.TOKEN)):
        refused = http.get(TICKETS, params={"start_time": 0}, auth=given)
        assert (refused.status_code, refused.json()["error"]) == (401, "Couldn't authenticate you")
    recent = int(ORIGIN.timestamp()) - 30
    for params in ({}, {"start_time": "soon"}, {"start_time": recent}, {"cursor": "zz"}):
        answer = http.get(TICKETS, params=params)
        assert (answer.status_code, answer.json()["error"]) == (400, "InvalidValue")


def test_faults(world_dir: Path) -> None:
    http = client(world_dir, faults=Faults(error_500=1, rate_limited=1, expired_token=1))
    statuses = [http.get(USERS, params={"start_time": 0}).status_code for _ in range(4)]
    assert statuses == [500, 429, 401, 200]
    http.post("/_sandbox/faults", json={"truncated": 1})
    with pytest.raises(json.JSONDecodeError):
        http.get(USERS, params={"start_time": 0}).json()
    http.post("/_sandbox/faults", json={"empty_page": 1})
    found = pages(http, USERS, 1_000)
    assert [bool(page["users"]) for page in found] == [False, True]
