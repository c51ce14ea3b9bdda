"""What was said in the past: support tickets and Bluesky."""

from __future__ import annotations

import random
from sqlite3 import Connection
from typing import Any

from rapport.sandbox import records
from rapport.sandbox.people import Person
from rapport.sandbox.shop_history import ShopHistory
from rapport.sandbox.social import (
    SHOP_HANDLE,
    did_of,
    handle_of,
    interaction,
    person_profile,
    profile_doc,
    shop_post,
)
from rapport.sandbox.support import FIRST_USER_ID, agents, compose_ticket, support_user
from rapport.sandbox.times import DAY, HOUR

FIRST_TICKET_ID = 2_001
_POST_EVERY = 4 * DAY


def support_history(
    con: Connection, rng: random.Random, people: list[Person], history: ShopHistory, since: int, until: int
) -> None:
    """Write users and tickets; about a quarter of those who bought once wrote to the desk."""
    for agent in agents(since):
        records.put_user(con, agent)
    tickets: list[tuple[int, Person, int, str | None]] = []
    user_id = FIRST_USER_ID
    for person in people:
        orders = history.orders.get(person.person_id, [])
        if rng.random() >= (0.25 if orders else 0.03):
            continue
        own = _ticket_times(rng, orders, since, until)
        if not own:
            continue
        user_id += rng.randrange(1, 400)
        created = min(at for at, _ in own)
        customer_id = history.customer_ids.get(person.person_id)
        records.put_user(con, support_user(rng, person, user_id, created, until, customer_id))
        records.put_account(con, "zendesk", user_id, person.person_id)
        tickets += [(at, person, user_id, order) for at, order in own]
    for number, (at, person, requester, order) in enumerate(sorted(tickets, key=lambda t: (t[0], t[2]))):
        doc = compose_ticket(rng, person, FIRST_TICKET_ID + number, requester, at, until, order)
        records.put_ticket(con, doc, person.person_id)


def social_history(
    con: Connection, rng: random.Random, seed: str, people: list[Person], since: int, until: int
) -> dict[int, str]:
    """Write profiles and interactions; answers the handles of those people who have one."""
    shop = profile_doc(did_of("shop"), SHOP_HANDLE, "The Shop", "Things for table and home", since, 4_200)
    records.put_profile(con, shop)
    posts = [shop_post(rng, shop, number, at) for number, at in enumerate(range(since, until, _POST_EVERY))]
    handles: dict[int, str] = {}
    for person in people:
        if rng.random() < 0.12:
            profile = person_profile(rng, seed, person, rng.uniform(since, until - DAY))
            records.put_account(con, "bluesky", profile["did"], person.person_id)
            handles[person.person_id] = handle_of(person)
            _take_part(con, rng, profile, person.language, posts, since, until)
    for number in range(max(3, len(people) // 60)):
        did = did_of(f"{seed}:stranger:{number}")
        stranger = profile_doc(did, f"passerby{number}.social.example", None, "", float(since), number * 7)
        _take_part(con, rng, stranger, "en", posts, since, until)
    for post in posts:
        records.put_interaction(con, post)
    return handles


def _take_part(
    con: Connection, rng: random.Random, profile: dict[str, Any], language: str, posts: list[dict[str, Any]],
    since: int, until: int,
) -> None:  # fmt: skip
    records.put_profile(con, profile)
    for _ in range(rng.choices((1, 2, 3, 5, 9), (40, 26, 18, 11, 5))[0]):
        at = rng.uniform(since, until - 60)
        records.put_interaction(con, interaction(rng, profile, language, at, posts, until))


def _ticket_times(
    rng: random.Random, orders: list[tuple[int, str]], since: int, until: int
) -> list[tuple[int, str | None]]:
    times: list[tuple[int, str | None]] = []
    for _ in range(rng.choices((1, 2, 3, 5), (68, 20, 9, 3))[0]):
        if orders and rng.random() < 0.8:
            placed, name = rng.choice(orders)
            at = placed + rng.randrange(6 * HOUR, 12 * DAY)
            times.append((at, name))
        else:
            times.append((rng.randrange(since, until), None))
    return [(at, name) for at, name in times if at < until]
