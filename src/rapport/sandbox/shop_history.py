"""The store's past: accounts opened, orders placed through them, as guests and at the till."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from sqlite3 import Connection
from typing import Any

from rapport.sandbox import records
from rapport.sandbox.accounts import StoreAccount, account_age, main_account, note_handle, second_account
from rapport.sandbox.people import Person
from rapport.sandbox.seasons import order_times
from rapport.sandbox.shopping import Account, Placing, compose_order, taste
from rapport.sandbox.spelling import other_email, slug
from rapport.sandbox.times import epoch_of, iso

FIRST_CUSTOMER_ID = 7_300_000_000_001
FIRST_ORDER_ID = 5_600_000_000_001
ORDER_STEP = 1_024
FIRST_ORDER_NUMBER = 1_001


def order_number(order_id: int) -> int:
    """The number a shop's staff says for an order id of this world."""
    return FIRST_ORDER_NUMBER + (order_id - FIRST_ORDER_ID) // ORDER_STEP


@dataclass
class ShopHistory:
    """What the support desk needs to know: a person's orders as (epoch seconds, name) and their main account."""

    orders: dict[int, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))
    customer_ids: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Purchase:
    at: int
    person: Person
    account: StoreAccount | None
    channel: str
    email: str | None


def shop_history(
    con: Connection, rng: random.Random, seed: str, people: list[Person], handles: dict[int, str], until: int, days: int
) -> ShopHistory:
    """Write accounts and orders up to `until` (epoch seconds); `handles` are Bluesky handles by person."""
    history = ShopHistory()
    accounts: list[StoreAccount] = []
    purchases: list[_Purchase] = []
    shared = _shared_addresses(rng, people)
    for person in people:
        times = order_times(rng, person, until, days)
        own = _accounts(rng, person, times, until, days, FIRST_CUSTOMER_ID + 29 * len(accounts))
        if own and person.person_id in handles and rng.random() < 0.55:
            note_handle(own[0].doc, handles[person.person_id])
        if own:
            history.customer_ids[person.person_id] = own[0].account.customer_id
        accounts += own
        purchases += [_purchase(rng, person, own, at, shared.get(person.person_id)) for at in times]
    _write_orders(con, rng, seed, sorted(purchases, key=lambda p: (p.at, p.person.person_id)), until, history)
    for account in accounts:
        records.put_customer(con, account.doc)
        records.put_account(con, "shopify", account.account.customer_id, account.account.person_id)
    return history


def credit(doc: dict[str, Any], order: dict[str, Any]) -> None:
    """Count an order on its customer's document, which changes when the order does."""
    doc["numberOfOrders"] += 1
    doc["amountSpent"] += order["totalPriceSet"] - order["totalRefundedSet"]
    doc["updatedAt"] = iso(max(epoch_of(doc["updatedAt"]), epoch_of(order["updatedAt"])))


def _shared_addresses(rng: random.Random, people: list[Person]) -> dict[int, str]:
    """Offices where three people order under one info@ address."""
    offices = max(1, len(people) // 500)
    chosen = rng.sample(people, min(len(people), offices * 3))
    return {person.person_id: f"info@office{at // 3 + 1}.example" for at, person in enumerate(chosen)}


def _accounts(
    rng: random.Random, person: Person, times: list[int], until: int, days: int, customer_id: int
) -> list[StoreAccount]:
    if rng.random() < 0.04 and times:
        return []
    created = account_age(rng, times[0] if times else None, until, days)
    own = [main_account(rng, person, customer_id, created, until)]
    if rng.random() < 0.15:
        later = times[len(times) // 2] - 300 if len(times) > 1 else rng.randrange(created, until)
        own.append(second_account(rng, person, customer_id + 29, max(created, later), until))
    return own


def _purchase(rng: random.Random, person: Person, own: list[StoreAccount], at: int, shared: str | None) -> _Purchase:
    channel = rng.choices(("web", "app", "pos"), (84, 8, 8))[0]
    open_then = [account for account in own if account.created <= at]
    account = rng.choice(open_then) if open_then else None
    guest = 0.35 if channel == "pos" else 0.5 if shared else 0.06
    if account is None or rng.random() < guest:
        return _Purchase(at, person, None, channel, None if channel == "pos" else _guest_email(rng, person, shared))
    return _Purchase(at, person, account, channel, None)


def _guest_email(rng: random.Random, person: Person, shared: str | None) -> str:
    if shared is not None:
        return shared
    if rng.random() < 0.5:
        return person.email
    return other_email(rng, person.email, slug(person.first_name) or "me", slug(person.last_name) or "x")


def _write_orders(
    con: Connection, rng: random.Random, seed: str, purchases: list[_Purchase], until: int, history: ShopHistory
) -> None:
    tastes: dict[int, tuple[str, ...]] = {}
    for number, purchase in enumerate(purchases):
        person = purchase.person
        account: Account | None = None if purchase.account is None else purchase.account.account
        order_id = FIRST_ORDER_ID + number * ORDER_STEP
        placing = Placing(
            order_id, order_number(order_id), person, account, purchase.at, until, purchase.channel, purchase.email
        )
        favourites = tastes.setdefault(person.person_id, taste(seed, person.person_id))
        doc = compose_order(rng, placing, favourites)
        records.put_order(con, doc, person.person_id)
        history.orders[person.person_id].append((purchase.at, doc["name"]))
        if purchase.account is not None:
            credit(purchase.account.doc, doc)
