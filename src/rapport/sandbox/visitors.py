"""People, strangers and machines on the shop's pages: their visits, past and present, as events in an outbox."""

from __future__ import annotations

import random
from collections.abc import Callable
from sqlite3 import Connection
from typing import Any

from rapport.db import load_queries
from rapport.sandbox import records, stock
from rapport.sandbox.browsing import Events, Visit, crawl, purchase, stroll
from rapport.sandbox.devices import Device, crawler, devices_of, stranger
from rapport.sandbox.people import Person
from rapport.sandbox.seasons import local_moment
from rapport.sandbox.shopping import taste
from rapport.sandbox.store import get_meta, set_meta, transaction
from rapport.sandbox.times import DAY, epoch_of, iso_ms

SQL = load_queries("rapport.sandbox", "web.sql")
HISTORY_DAYS = 90
UNTIL = "web_until"
SLOT_SECONDS = 900
SLOTS_PER_TICK = 500
# Visits without a purchase in thirty days, by persona; and of strangers and machines for each of the shop's people.
RATES = {
    "champion": 1.5, "loyal": 0.8, "new": 0.8, "one_time": 0.22, "lapsed": 0.09, "bargain_hunter": 0.75, "browser": 0.7,
}  # fmt: skip
STRANGERS, CRAWLERS = 0.08, 0.02


class Visitors:
    """Fills the outbox. What a visit holds hangs on the seed and on what the visit is named after."""

    def __init__(self, con: Connection, seed: int) -> None:
        self._con, self._seed = con, str(seed)
        self._people = {row["person_id"]: Person.of(row) for row in con.execute(SQL["people"])}
        self._households = {row["person_id"]: row["household"] for row in con.execute(SQL["households"])}
        self._sold_out: list[tuple[int, int, int]] = []
        self._accounts = {row["person_id"]: row["account_id"] for row in con.execute(SQL["accounts"])}

    def schedule(self, now: float) -> None:
        """Makes the visits up to `now` (epoch seconds); at first those of the past too."""
        begun, last = get_meta(self._con, UNTIL), int(now // SLOT_SECONDS) + 1
        self._sold_out = stock.sold_out(self._con)
        with transaction(self._con):
            if begun is None:
                self._keep_truth()
                self._make_history(int(now))
            else:
                last = min(last, int(begun) + SLOTS_PER_TICK)
                for slot in range(int(begun), last):
                    self._fill(slot)
            set_meta(self._con, UNTIL, str(last))

    def bought(self, person_id: int, order_id: int, landing: str | None) -> None:
        """The visit behind an order that has just been placed, in the caller's transaction."""
        row = self._con.execute(SQL["order"], {"order_id": order_id}).fetchone()
        self._purchase(records.loads(row["doc"]), person_id, landing)

    def came_by_mail(self, person_id: int, message_id: str, at: float, landing: str) -> None:
        """Who clicks in a mail arrives at its address."""
        rng = random.Random(f"{self._seed}:click:{message_id}:{at:.3f}")
        device = self._pick(rng, person_id)
        self._stroll(rng, device, person_id, at + 2, landing)

    def _keep_truth(self) -> None:
        for person_id in self._people:
            for device in self._devices(person_id):
                values = {"device_id": device.device_id, "person_id": person_id, "kind": device.kind}
                self._con.execute(SQL["put_device"], values | {"consents": device.consents})

    def _make_history(self, until: int) -> None:
        since = until - HISTORY_DAYS * DAY
        for row in self._con.execute(SQL["orders_between"], {"since": since, "until": until}).fetchall():
            self._purchase(records.loads(row["doc"]), row["person_id"], None)
        for person in self._people.values():
            rng = random.Random(f"{self._seed}:visits:{person.person_id}")
            for _ in range(_count(rng, RATES[person.persona] * HISTORY_DAYS / 30)):
                at = min(local_moment(rng, person, until - rng.randrange(HISTORY_DAYS) * DAY), until - 1800)
                self._stroll(rng, self._pick(rng, person.person_id), person.person_id, at)
        rng = random.Random(f"{self._seed}:strangers")
        for share, who in ((STRANGERS, stranger), (CRAWLERS, crawler)):
            for _ in range(round(len(self._people) * share * HISTORY_DAYS / 30)):
                self._unknown(rng, who, since + rng.random() * (until - since - 1800))

    def _fill(self, slot: int) -> None:
        """The visits of a quarter of an hour, as many as the history had on average."""
        rng = random.Random(f"{self._seed} web slot {slot}")
        people = list(self._people.values())
        share = SLOT_SECONDS / (30 * DAY)
        weights = [RATES[person.persona] for person in people]
        for _ in range(_count(rng, sum(weights) * share)):
            person = rng.choices(people, weights)[0]
            at = (slot + rng.random()) * SLOT_SECONDS
            self._stroll(rng, self._pick(rng, person.person_id), person.person_id, at)
        for rate, who in ((STRANGERS, stranger), (CRAWLERS, crawler)):
            for _ in range(_count(rng, len(people) * rate * share)):
                self._unknown(rng, who, (slot + rng.random()) * SLOT_SECONDS)

    def _stroll(
        self, rng: random.Random, device: Device, person_id: int, at: float, landing: str | None = None
    ) -> None:
        visit = Visit(rng, device, at, self._accounts.get(person_id), landing)
        missing = frozenset(number for number, since, until in self._sold_out if since <= at < until)
        self._post(stroll(visit, taste(self._seed, person_id), rng.random() < device.logs_in, missing))

    def _unknown(self, rng: random.Random, who: Callable[[random.Random], Device], at: float) -> None:
        visit = Visit(rng, who(rng), at, None)
        if who is crawler:
            self._post(crawl(visit))
        else:
            self._post(stroll(visit, taste(self._seed, rng.randrange(10**6)), logs_in=False))

    def _purchase(self, order: dict[str, Any], person_id: int, landing: str | None) -> None:
        if order["sourceName"] == "pos":
            return
        rng = random.Random(f"{self._seed}:purchase:{order['id']}")
        devices = [d for d in self._devices(person_id) if (d.kind == "app") == (order["sourceName"] == "app")]
        device = rng.choice(devices or self._devices(person_id))
        account = None if order["customer"] is None else order["customer"]["id"].rpartition("/")[2]
        # Pages are read before the order is placed; the last event of the visit is the order itself.
        visit = Visit(rng, device, 0.0, account, landing)
        events = purchase(visit, order, taste(self._seed, person_id))
        shift = epoch_of(order["createdAt"]) - events[-1][0]
        self._post([(at + shift, event | {"timestamp": iso_ms(at + shift)}) for at, event in events])

    def _devices(self, person_id: int) -> list[Device]:
        return devices_of(self._seed, person_id, self._households.get(person_id))

    def _pick(self, rng: random.Random, person_id: int) -> Device:
        return rng.choice(self._devices(person_id))

    def _post(self, events: Events) -> None:
        rows = [{"due_at": at, "event": records.dumps(event)} for at, event in events]
        self._con.executemany(SQL["put_event"], rows)


def _count(rng: random.Random, mean: float) -> int:
    """Whole, with the given mean."""
    return int(mean) + (rng.random() < mean % 1)
