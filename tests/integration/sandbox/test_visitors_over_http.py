"""The simulated people's visits through a real gateway: all taken, none quarantined, nobody known who did not agree."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from rapport.db import connect
from rapport.gateway import create_app
from rapport.sandbox import world
from rapport.sandbox.catalogue import SHOP
from rapport.sandbox.life import Life
from rapport.sandbox.outbox import Gateway
from rapport.sandbox.store import open_world
from rapport.settings import Settings

START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


class MovableClock:
    at = START

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def gateway(database: Settings, clock: MovableClock) -> Iterator[Gateway]:
    shop = database.model_copy(update={"web_write_keys": ("wk",), "web_origins": (SHOP,)})
    server = uvicorn.Server(uvicorn.Config(create_app(shop, clock), port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.02)
        yield Gateway(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", "wk")
    finally:
        server.should_exit = True
        thread.join()


def rows(settings: Settings, query: str) -> list[dict[str, Any]]:
    with connect(settings=settings) as conn:
        return conn.execute(query).fetchall()  # type: ignore[call-overload]


def test_visits_reach_the_warehouse(database: Settings, gateway: Gateway, clock: MovableClock, tmp_path: Path) -> None:
    world.generate(tmp_path, seed=3, customers=80, origin=START, months=3)
    life = Life(tmp_path, clock, 3, gateway=gateway)
    sent = 0
    for _ in range(3):
        while taken := life.tick().get("web_event", 0):
            sent += taken
        clock.at += timedelta(hours=12)
    life.close()

    events = rows(database, "select * from raw_web.events")
    assert len(events) == sent > 500
    assert rows(database, "select * from raw_web.quarantine") == []
    truth = {row["device_id"]: row["consents"] for row in open_world(tmp_path).execute("select * from web_devices")}
    logged_in = {row["device_id"] for row in events if row["user_id"]}
    assert logged_in
    assert logged_in <= {device for device, consents in truth.items() if consents}
    refusals = [row for row in events if not row["has_consent"]]
    assert len(refusals) > 50
    assert {row["device_id"] for row in refusals} == {None}
    assert {row["is_bot"] for row in events} == {False, True}
    assert {row["device_kind"] for row in events if row["channel"] == "app"} == {"mobile"}
    assert max(row["occurred_at"] for row in events) <= clock.at
    assert all(row["page"].get("url", SHOP).startswith(SHOP) for row in events)
