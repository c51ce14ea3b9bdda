"""Codes of a pool made in the store: drawn and kept first, so that a run that breaks off is continued, not repeated."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import batched
from typing import Annotated, Any, Self

from psycopg.types.json import Jsonb
from pydantic import Field, ValidationError, model_validator

from rapport.campaigns.folder.parts import Duration, Line, Part, Slug
from rapport.campaigns.offers import coupons
from rapport.db import Connection, load_queries
from rapport.errors import DataError, PermanentError
from rapport.sources.shopify import discounts
from rapport.sources.shopify.client import ShopifyClient

SQL = load_queries(__package__, "coupon_creation.sql")
# No vowels, so no words; nothing that is read as something else. Ten of 27 are more than 47 bits: who guesses a
# million times at a pool of 100,000 codes finds one in about two thousand such raids.
_LETTERS = "23456789BCDFGHJKMNPQRTVWXYZ"
_LENGTH = 10
_MOST = 100_000


class Terms(Part):
    """What is asked of the store. `ends_in` counts from the moment the creation began."""

    coupon: Slug
    count: Annotated[int, Field(ge=1, le=_MOST)]
    title: Line
    percent: Annotated[Decimal, Field(gt=0, le=100, max_digits=5, decimal_places=2)] | None = None
    amount: Annotated[Decimal, Field(gt=0, le=1_000_000, decimal_places=2)] | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    ends_in: Duration | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.percent is None) == (self.amount is None):
            raise ValueError("give either --percent or --amount")
        if (self.amount is None) != (self.currency is None):
            raise ValueError("--amount and --currency go together")
        if self.ends_in is not None and not timedelta(hours=1) <= self.ends_in <= timedelta(days=3 * 366):
            raise ValueError("--ends-in must lie between 1h and 1098d")
        return self

    def __str__(self) -> str:
        worth = f"{self.percent}%" if self.percent is not None else f"{self.amount} {self.currency}"
        end = f", good for {self.ends_in / timedelta(days=1):g} days" if self.ends_in else ", without an end"
        return f"{self.count:,} codes of {worth}{end}, titled {self.title!r}"


@dataclass(frozen=True)
class Creation:
    """What one run made. `refused` counts codes by the store's reason; they are in no pool."""

    coupon: str
    made: int
    refused: dict[str, int]

    def __str__(self) -> str:
        lines = [f"{self.coupon}: {self.made:,} codes made in the store and added"]
        return "\n".join([*lines, *(f"  {count:,} refused: {reason}" for reason, count in self.refused.items())])


def terms(**given: Any) -> Terms:
    """Raises DataError that says what is wrong with the words of a command."""
    try:
        return Terms(**given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DataError(f"{where + ': ' if where else ''}{first['msg'].removeprefix('Value error, ')}") from None


def unfinished(conn: Connection, coupon: str) -> Terms | None:
    """The terms of a creation of this pool that broke off."""
    row = conn.execute(SQL["unfinished"], {"coupon": coupon}).fetchone()
    return Terms.model_validate(row["terms"]) if row else None


def check(conn: Connection, client: ShopifyClient, asked: Terms) -> None:
    """Raises DataError when the terms cannot be met: another creation is unfinished, or the shop's currency differs."""
    before = unfinished(conn, asked.coupon)
    if before is not None and before != asked:
        raise DataError(
            f"{asked.coupon} has an unfinished creation: {before}. Run that command again to finish it, "
            "or use another pool"
        )
    if asked.currency is not None and (currency := discounts.shop_currency(client)) != asked.currency:
        raise DataError(f"the shop's amounts are in {currency}, not in {asked.currency}: give --currency {currency}")


def create(conn: Connection, client: ShopifyClient, asked: Terms, now: datetime) -> Creation:
    """Makes the codes and puts each into its pool as soon as the store has it; finishes a creation that broke off.

    The connection commits by itself. Raises DataError as `check`, and TransientError or PermanentError of the store:
    after those, the same call goes on.
    """
    check(conn, client, asked)
    row = conn.execute(
        SQL["begin"],
        {
            "coupon": asked.coupon,
            "terms": Jsonb(asked.model_dump(mode="json")),
            "codes": _draw(asked.count),
            "now": now,
        },
    ).fetchone()
    if row is None or Terms.model_validate(row["terms"]) != asked:
        raise DataError(f"another creation of {asked.coupon} began at this moment; look at it and run this again")
    drawn: list[str] = row["codes"]
    made_at: datetime = row["created_at"]
    ends_at = made_at + asked.ends_in if asked.ends_in else None
    discount = discounts.Discount(asked.title, made_at, ends_at, asked.percent, asked.amount)
    try:
        discount_id = discounts.create_discount(client, discount, drawn[0])
    except discounts.DiscountRefused:
        # The store has nothing of it, and these words will not do.
        conn.execute(SQL["end"], {"coupon": asked.coupon})
        raise
    made, refused = 0, dict[str, int]()
    for batch in batched(_outstanding(conn, asked.coupon), discounts.CODES_AT_ONCE, strict=False):
        wanted = [code for code in batch if code != drawn[0]]
        faults = discounts.add_codes(client, discount_id, wanted) if wanted else {}
        for reason in faults.values():
            refused[reason] = refused.get(reason, 0) + 1
        good = [(code, ends_at) for code in batch if code not in faults]
        # As of when they were drawn: after a restored database was adopted, codes of before may be with a reader.
        added, _, taken = coupons.add(conn, asked.coupon, "store", good, made_at)
        if taken:
            raise PermanentError(f"{len(taken)} codes are in another pool: import no codes of an unfinished creation")
        made += added
    conn.execute(SQL["end"], {"coupon": asked.coupon})
    return Creation(asked.coupon, made, refused)


def _outstanding(conn: Connection, coupon: str) -> list[str]:
    return [row["code"] for row in conn.execute(SQL["outstanding"], {"coupon": coupon}).fetchall()]


def _draw(count: int) -> list[str]:
    drawn: dict[str, None] = {}
    while len(drawn) < count:
        drawn["".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))] = None
    return list(drawn)
