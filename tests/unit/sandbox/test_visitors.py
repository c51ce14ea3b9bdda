"""What people do on the shop's pages: the same for a seed, in step with the orders, and never lost on the way."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import httpx
import pytest

from rapport.sandbox import world
from rapport.sandbox.devices import devices_of
from rapport.sandbox.life import Life
from rapport.sandbox.outbox import BATCH, Gateway
from rapport.sandbox.store import open_world
from rapport.sandbox.visitors import Visitors

START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
GATEWAY = Gateway("https://gateway.example/", "wk")


class MovableClock:
    at = START

    def now(self) -> datetime:
        return self.at


class Pages:
    """A gateway that remembers; `status` is what it answers."""

    def __init__(self, status: int = 200) -> None:
        self.status, self.requests = status, list[httpx.Request]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self.status)

    @property
    def taken(self) -> list[dict[str, Any]]:
        return [event for request in self.requests for event in json.loads(request.content)["batch"]]


def history(directory: Path, people: int = 200) -> Connection:
    world.generate(directory, seed=3, customers=people, origin=START, months=4)
    con = open_world(directory)
    Visitors(con, 3).schedule(START.timestamp())
    return con


def events(con: Connection) -> list[dict[str, Any]]:
    return [json.loads(row["event"]) for row in con.execute("select event from web_outbox order by position")]


def test_the_same_seed_gives_the_same_visits(tmp_path: Path) -> None:
    one, two = (events(history(tmp_path / name, people=40)) for name in ("one", "two"))
    assert one == two
    assert len({event["messageId"] for event in one}) == len(one) > 300


def test_visits_lie_in_the_past_and_orders_are_those_of_the_store(tmp_path: Path) -> None:
    con = history(tmp_path)
    found = events(con)
    times = [datetime.fromisoformat(event["timestamp"]) for event in found]
    assert START - timedelta(days=91) < min(times) < max(times) <= START
    since = (START - timedelta(days=90)).timestamp()
    rows = con.execute("select id from shopify_orders where created_at > ? and doc not like '%\"pos\"%'", (since,))
    completed = [event["properties"]["order_id"] for event in found if event.get("event") == "Order Completed"]
    assert sorted(completed) == sorted(str(row["id"]) for row in rows)
    for event in found:
        assert "@" not in json.dumps(event)


def test_devices_are_kept_as_truth_and_a_household_shares_its_computer(tmp_path: Path) -> None:
    con = history(tmp_path, people=400)
    truth = {(row["device_id"], row["person_id"]) for row in con.execute("select * from web_devices")}
    assert {person for _, person in truth} == set(range(1, 401))
    known = {event["anonymousId"] for event in events(con) if "userId" in event}
    assert known <= {device for device, _ in truth}
    shared = con.execute(
        "select count(distinct person_id) as people from web_devices group by device_id order by people desc"
    ).fetchone()
    assert shared["people"] > 1
    mine, ours = devices_of("3", 1), devices_of("3", 1, household=1)
    assert ours[: len(mine)] == mine
    assert len(ours) == len(mine) + 1


def test_what_the_gateway_does_not_take_is_sent_again(tmp_path: Path) -> None:
    world.generate(tmp_path, seed=3, customers=60, origin=START, months=2)
    pages, clock = Pages(503), MovableClock()
    life = Life(tmp_path, clock, 3, transport=httpx.MockTransport(pages), gateway=GATEWAY)
    assert "web_event" not in life.tick()
    waiting = len(events(open_world(tmp_path)))
    assert waiting > 400
    pages.status, pages.requests = 200, []
    while life.tick().get("web_event"):
        pass
    assert len(pages.taken) == waiting
    assert events(open_world(tmp_path)) == []
    assert {str(request.url) for request in pages.requests} == {"https://gateway.example/v1/batch"}
    assert pages.requests[0].headers["Authorization"].startswith("Basic ")
    assert max(len(json.loads(request.content)["batch"]) for request in pages.requests) <= BATCH
    life.close()


@pytest.mark.parametrize("restart", [False, True], ids=["one_run", "restarts"])
def test_people_browse_on_while_the_shop_lives(tmp_path: Path, restart: bool) -> None:
    world.generate(tmp_path, seed=3, customers=300, origin=START, months=4)
    pages, clock = Pages(), MovableClock()
    transport = httpx.MockTransport(pages)
    life = Life(tmp_path, clock, 3, transport=transport, gateway=GATEWAY)
    while life.tick().get("web_event"):
        pass
    before = {event["messageId"] for event in pages.taken}
    for _ in range(8):
        clock.at += timedelta(hours=6)
        if restart:
            life.close()
            life = Life(tmp_path, clock, 3, transport=transport, gateway=GATEWAY)
        while life.tick():
            pass
    con = open_world(tmp_path)
    placed = {
        str(row["id"])
        for row in con.execute("select id from shopify_orders where created_at > ?", (START.timestamp(),))
    }
    news = [event for event in pages.taken if event["messageId"] not in before]
    bought = {event["properties"]["order_id"] for event in news if event.get("event") == "Order Completed"}
    assert bought == placed
    assert len(bought) > 2
    assert len({event["anonymousId"] for event in news}) > len(bought)
    assert all(datetime.fromisoformat(event["timestamp"]) <= clock.at for event in news)
    life.close()
