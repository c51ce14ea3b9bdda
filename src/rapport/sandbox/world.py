"""A shop's whole history made from a seed, with the truth of who is who kept aside."""

from __future__ import annotations

import random
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from sqlite3 import Connection

from rapport.db import load_queries
from rapport.sandbox import records, stock
from rapport.sandbox.catalogue import PRODUCTS, product_doc
from rapport.sandbox.living import change_email_consent, open_ticket, place_order, post_mention, settle
from rapport.sandbox.people import Person, make_people
from rapport.sandbox.shop_history import shop_history
from rapport.sandbox.store import QUERIES, get_meta, open_world, set_meta, transaction
from rapport.sandbox.talk_history import social_history, support_history
from rapport.sandbox.times import DAY, iso, seconds

__all__ = [
    "change_email_consent",
    "generate",
    "is_generated",
    "open_ticket",
    "place_order",
    "post_mention",
    "settle",
    "truth",
]


def generate(
    directory: Path, *, seed: int = 7, customers: int = 3000, origin: datetime, months: int = 18
) -> dict[str, int]:
    """Make `<directory>/world.db`: `customers` persons and `months` of history that ends at `origin` (aware).

    The same arguments give the same world. An older world in the same place is replaced. Answers the number of
    rows by table. Raises ValueError for fewer than one person or month.
    """
    if customers < 1 or months < 1:
        raise ValueError("a world needs at least one customer and one month")
    con = open_world(directory)
    try:
        with transaction(con):
            for statement in load_queries("rapport.sandbox", "clear.sql").values():
                con.execute(statement)
            _fill(con, str(seed), customers, seconds(origin), round(months * 30.44))
            set_meta(con, "seed", str(seed))
            set_meta(con, "origin", iso(seconds(origin)))
            set_meta(con, "months", str(months))
        return {row["name"]: row["rows_count"] for row in con.execute(QUERIES["row_counts"])}
    finally:
        con.close()


def is_generated(directory: Path) -> bool:
    """Whether a finished world lies there; a generation that was cut off leaves none."""
    if not (directory / "world.db").exists():
        return False
    con = open_world(directory)
    try:
        return get_meta(con, "origin") is not None
    finally:
        con.close()


def truth(con: Connection) -> dict[tuple[str, str], int]:
    """(system, account id) to person id: what identity resolution is measured against."""
    return {(row["system"], row["account_id"]): row["person_id"] for row in con.execute(QUERIES["truth"])}


def _fill(con: Connection, seed: str, customers: int, until: int, days: int) -> None:
    since = until - days * DAY
    people = _people(con, seed, customers)
    goods = random.Random(f"{seed}:products")
    for product in PRODUCTS:
        records.put_product(con, product_doc(goods, product, since, until))
    stock.begin(con, seed, until)
    talk = random.Random(f"{seed}:social")
    profiles = social_history(con, talk, seed, people, since, until)
    history = shop_history(con, random.Random(f"{seed}:shop"), seed, people, profiles, until, days)
    support_history(con, random.Random(f"{seed}:support"), people, history, since, until)


def _people(con: Connection, seed: str, customers: int) -> list[Person]:
    people = list(make_people(random.Random(f"{seed}:people"), customers))
    con.executemany(QUERIES["put_person"], [asdict(person) for person in people])
    return people
