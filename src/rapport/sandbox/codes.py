"""Discount codes at the till: the store takes one that it knows, that is good at that moment, and that nobody used."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from sqlite3 import Connection
from typing import Any

import orjson

from rapport.db import load_queries
from rapport.sandbox.times import epoch_of

SQL = load_queries("rapport.sandbox", "discounts.sql")


@dataclass(frozen=True)
class Code:
    """What a buyer typed and what it takes off: per cent of each line, or pence of the order."""

    text: str
    percent: int = 0
    pence: int = 0


def first_good(con: Connection, typed: Iterable[str], at: float) -> Code | None:
    """The first of the codes that the store accepts at a moment (epoch seconds); the others are refused."""
    for text in typed:
        row = con.execute(SQL["unused_code"], {"code": text}).fetchone()
        if row is not None and _is_good(doc := orjson.loads(row["doc"]), at):
            return _worth(text, doc["value"]["value"])
    return None


def redeem(con: Connection, code: Code, order_id: int, discount: int) -> None:
    """Uses a code up, in the caller's transaction; `discount` is what the order got for it, in pence."""
    con.execute(SQL["redeem"], {"code": code.text, "order_id": order_id, "discount": discount})


def redemptions(con: Connection) -> dict[str, int]:
    """Codes that orders used up, with what each took off, in pence."""
    return {row["code"]: row["discount"] for row in con.execute(SQL["redemptions"])}


def _is_good(doc: dict[str, Any], at: float) -> bool:
    return epoch_of(doc["startsAt"]) <= at and (doc["endsAt"] is None or at < epoch_of(doc["endsAt"]))


def _worth(text: str, value: dict[str, Any]) -> Code:
    if "percentage" in value:
        return Code(text, percent=round(value["percentage"] * 100))
    return Code(text, pence=int(Decimal(str(value["discountAmount"]["amount"])) * 100))
