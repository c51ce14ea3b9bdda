"""What is sold out, and when it is there again: planned beforehand, so that it hangs on the seed alone."""

from __future__ import annotations

import random
from datetime import datetime
from sqlite3 import Connection

from rapport.db import load_queries
from rapport.sandbox import records
from rapport.sandbox.catalogue import PRODUCTS
from rapport.sandbox.times import DAY, HOUR, iso, seconds

SQL = load_queries("rapport.sandbox", "stock.sql")
SOLD_OUT_AT_FIRST = 4
DELIVERED_PIECES = 60


def begin(con: Connection, seed: str, until: int) -> None:
    """Some goods have been sold out for weeks when the history ends at `until`; all but one come back in a day."""
    rng = random.Random(f"{seed}:stock")
    active = [product.product_id for product in PRODUCTS if _is_active(con, product.product_id)]
    for place, product_id in enumerate(rng.sample(active, SOLD_OUT_AT_FIRST)):
        since = until - rng.randrange(12 * DAY, 25 * DAY)
        back = until + (place + 1) * 6 * HOUR if place + 1 < SOLD_OUT_AT_FIRST else until + 30 * DAY
        _plan(con, product_id, since, back)
        _set(con, product_id, 0, None)


def sell_out(con: Connection, rng: random.Random, at: int) -> tuple[int, int]:
    """Plans that one thing runs out at `at`; answers its id and when it is there again (epoch seconds)."""
    product_id = rng.choice(PRODUCTS).product_id
    back = at + rng.randrange(20 * HOUR, 4 * DAY)
    _plan(con, product_id, at, back)
    return product_id, back


def returns(con: Connection, after: float) -> list[tuple[int, int]]:
    """(id, epoch seconds) of what comes back after a moment."""
    return [(row["product_id"], row["until_at"]) for row in con.execute(SQL["returns"], {"after": after})]


def sold_out(con: Connection) -> list[tuple[int, int, int]]:
    """(id, since, until) of everything that was, is or will be sold out, as far as it is planned."""
    return [(row["product_id"], row["since_at"], row["until_at"]) for row in con.execute(SQL["all"])]


def change_stock(con: Connection, product_id: int, pieces: int, at: datetime) -> None:
    """The store counts anew, in the caller's transaction; what is archived stays without."""
    if _is_active(con, product_id):
        _set(con, product_id, pieces, seconds(at))


def _is_active(con: Connection, product_id: int) -> bool:
    return bool(records.loads(_doc(con, product_id))["status"] == "ACTIVE")


def _set(con: Connection, product_id: int, pieces: int, at: int | None) -> None:
    doc = records.loads(_doc(con, product_id)) | {"totalInventory": pieces}
    if at is not None:
        doc["updatedAt"] = iso(at)
    records.put_product(con, doc)


def _doc(con: Connection, product_id: int) -> str:
    return str(con.execute(SQL["product"], {"product_id": product_id}).fetchone()["doc"])


def _plan(con: Connection, product_id: int, since: int, until: int) -> None:
    con.execute(SQL["plan"], {"product_id": product_id, "since_at": since, "until_at": until})
