"""Life that no campaign caused: orders, tickets and mentions at the rates the shop's history had."""

import json
import math
import random
import sqlite3
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any

from rapport.db import load_queries
from rapport.sandbox import stock
from rapport.sandbox.store import get_meta, set_meta, transaction

SQL = load_queries("rapport.sandbox", "life.sql")
SLOT_SECONDS = 900
SLOTS_PER_TICK = 500
HISTORY_DAYS = 90
CONSENT_CHANGES_PER_PERSON_DAY = 0.0004
SLOTS_PER_SETTLING = 4
# Once a day, in the morning, something runs out.
SLOTS_PER_DAY, SLOT_OF_SELLING_OUT = 96, 32
UNTIL, RATES = "life_until", "life_rates"


class Background:
    """Schedules whole slots of a quarter of an hour; a slot's content hangs on the seed and its number only."""

    def __init__(self, con: sqlite3.Connection, seed: int) -> None:
        self._con, self._seed = con, seed
        persons = con.execute(SQL["weighted_persons"]).fetchall()
        self._buyers: list[int] = [row["person_id"] for row in persons]
        self._weights = list(accumulate(row["weight"] + 0.01 for row in persons))
        self._asking = self._ids("persons_in_support") or self._buyers
        self._talking = self._ids("persons_in_social")

    def schedule(self, now: float) -> int:
        """Puts every slot begun by `now` (epoch seconds) on the agenda; returns how many steps were added."""
        begun = get_meta(self._con, UNTIL)
        if begun is None:
            self._start(now)
            return 0
        first = int(begun)
        last = min(int(now // SLOT_SECONDS) + 1, first + SLOTS_PER_TICK)
        if last <= first or not self._buyers:
            return 0
        rates = json.loads(get_meta(self._con, RATES) or "{}")
        added = 0
        with transaction(self._con):
            for slot in range(first, last):
                added += self._fill(slot, rates)
            set_meta(self._con, UNTIL, str(last))
        return added

    def _start(self, now: float) -> None:
        rates = {}
        for kind in ("order", "ticket", "mention"):
            window = {"since": now - HISTORY_DAYS * 86400, "until": now}
            seen = self._con.execute(SQL[f"{kind}s_between"], window).fetchone()["n"]
            rates[kind] = max(seen, 1) / (HISTORY_DAYS * 86400 / SLOT_SECONDS)
        rates["consent"] = len(self._buyers) * CONSENT_CHANGES_PER_PERSON_DAY * SLOT_SECONDS / 86400
        with transaction(self._con):
            for product_id, back in stock.returns(self._con, now):
                self._restock(product_id, back)
            set_meta(self._con, RATES, json.dumps(rates))
            set_meta(self._con, UNTIL, str(int(now // SLOT_SECONDS) + 1))

    def _fill(self, slot: int, rates: dict[str, float]) -> int:
        draw = random.Random(f"{self._seed} slot {slot}")
        begin = slot * SLOT_SECONDS
        added = 0
        if slot % SLOTS_PER_SETTLING == 0:
            self._add(f"slot {slot} settle", begin, "settle", {})
            added += 1
        if slot % SLOTS_PER_DAY == SLOT_OF_SELLING_OUT:
            product_id, back = stock.sell_out(self._con, random.Random(f"{self._seed} stock {slot}"), begin)
            self._add(f"slot {slot} stock", begin, "stock", {"product_id": product_id, "pieces": 0})
            self._restock(product_id, back)
            added += 2
        for kind in ("order", "ticket", "mention", "consent"):
            for number in range(_poisson(rates[kind] * _time_of_day(begin), draw)):
                person = self._who(kind, draw)
                at = begin + draw.random() * SLOT_SECONDS
                payload: dict[str, Any] = {"person_id": person}
                if kind == "consent":
                    payload["state"] = draw.choices(("UNSUBSCRIBED", "SUBSCRIBED"), (3, 2))[0]
                if person is not None:
                    self._add(f"slot {slot} {kind} {number}", at, kind, payload)
                    added += 1
        return added

    def _add(self, key: str, at: float, kind: str, payload: dict[str, Any]) -> None:
        values = {"key": key, "due_at": at, "kind": kind, "payload": json.dumps(payload)}
        self._con.execute(SQL["add"], values)

    def _restock(self, product_id: int, at: int) -> None:
        payload = {"product_id": product_id, "pieces": stock.DELIVERED_PIECES}
        self._add(f"restock {product_id} {at}", at, "stock", payload)

    def _who(self, kind: str, draw: random.Random) -> int | None:
        if kind in ("order", "consent"):
            return int(draw.choices(self._buyers, cum_weights=self._weights)[0])
        people = self._asking if kind == "ticket" else self._talking
        return draw.choice(people) if people else None

    def _ids(self, query: str) -> list[int]:
        return [int(row["person_id"]) for row in self._con.execute(SQL[query])]


def _time_of_day(epoch: float) -> float:
    """Quiet nights and busy evenings, with a mean of 1 over the day; hours in UTC."""
    at = datetime.fromtimestamp(epoch, UTC)
    return 1 - 0.8 * math.cos((at.hour + at.minute / 60 - 6) / 24 * 2 * math.pi)


def _poisson(mean: float, draw: random.Random) -> int:
    threshold, product, count = math.exp(-mean), draw.random(), 0
    while product > threshold:
        product *= draw.random()
        count += 1
    return count
