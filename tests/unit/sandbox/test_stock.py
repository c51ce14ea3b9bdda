"""Things run out and come back; visitors who find them gone ask to be told, and nobody puts them into a cart."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from rapport.sandbox import stock, world
from rapport.sandbox.life import Life
from rapport.sandbox.store import open_world
from rapport.sandbox.visitors import Visitors

START = datetime(2026, 11, 2, 6, 0, tzinfo=UTC)


class MovableClock:
    at = START

    def now(self) -> datetime:
        return self.at


def inventory(con: Connection) -> dict[int, int]:
    docs = [json.loads(row["doc"]) for row in con.execute("select doc from shopify_products")]
    return {int(doc["legacyResourceId"]): doc["totalInventory"] for doc in docs if doc["status"] == "ACTIVE"}


def named(con: Connection, name: str) -> list[dict[str, Any]]:
    found = [json.loads(row["event"]) for row in con.execute("select event from web_outbox order by position")]
    return [event for event in found if event.get("event") == name]


def test_who_sees_a_thing_sold_out_asks_for_it_and_nobody_can_buy_it(tmp_path: Path) -> None:
    world.generate(tmp_path, seed=3, customers=900, origin=START, months=3)
    con = open_world(tmp_path)
    Visitors(con, 3).schedule(START.timestamp())
    gone = {str(number): (since, until) for number, since, until in stock.sold_out(con)}
    left = inventory(con)
    assert len(gone) == stock.SOLD_OUT_AT_FIRST
    assert {left[int(number)] for number in gone} == {0}
    asked = named(con, "Back In Stock Requested")
    assert len(asked) > 10
    for event in asked:
        since, until = gone[event["properties"]["product_id"]]
        assert since <= datetime.fromisoformat(event["timestamp"]).timestamp() < until + 3600


def test_what_is_gone_comes_back_within_the_day_and_other_things_run_out(tmp_path: Path) -> None:
    world.generate(tmp_path, seed=3, customers=30, origin=START, months=2)
    clock = MovableClock()
    life, con = Life(tmp_path, clock, 3), open_world(tmp_path)
    life.tick()
    first = {number for number, _, _ in stock.sold_out(con)}
    clock.at += timedelta(hours=24)
    while life.tick():
        pass
    later = {number for number, pieces in inventory(con).items() if not pieces}
    assert len(first & later) == 1
    clock.at += timedelta(days=3)
    while life.tick():
        pass
    assert {number for number, pieces in inventory(con).items() if not pieces} - first
    life.close()
    product = json.loads(con.execute("select doc from shopify_products order by updated_at desc limit 1").fetchone()[0])
    assert datetime.fromisoformat(product["updatedAt"]) > START
