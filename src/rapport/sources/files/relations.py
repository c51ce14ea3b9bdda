"""What a file may hold: the columns of `raw_files.*` that an export can fill, and how each is read."""

from dataclasses import dataclass
from typing import Literal

Relation = Literal["customers", "order_lines", "products", "loyalty"]
Kind = Literal["text", "id", "country", "number", "whole", "time", "date", "boolean"]


@dataclass(frozen=True)
class Column:
    """One of our columns. `required` means that a row without a value goes to quarantine."""

    name: str
    kind: Kind = "text"
    required: bool = False


def _columns(kind: Kind, names: str) -> tuple[Column, ...]:
    return tuple(Column(name, kind) for name in names.split())


CUSTOMERS = (
    Column("id", "id", required=True),
    *_columns("text", "email phone first_name last_name full_name"),
    Column("birth_date", "date"),
    Column("country_code", "country"),
    *_columns("text", "city zip address1 locale time_zone"),
    Column("email_consent", "boolean"),
    Column("email_consent_at", "time"),
    *_columns("text", "loyalty_number social_handle"),
    *_columns("time", "created_at updated_at"),
)

ORDER_LINES = (
    Column("order_id", "id", required=True),
    Column("line_no", "whole"),
    Column("customer_id", "id"),
    *_columns("text", "email phone"),
    Column("ordered_at", "time", required=True),
    Column("cancelled_at", "time"),
    *_columns("id", "product_id sku"),
    Column("title"),
    *(Column(name, "number", required=True) for name in ("quantity", "unit_price")),
    Column("discount", "number"),
    Column("currency_code", required=True),
    Column("country_code", "country"),
    Column("channel"),
)

PRODUCTS = (
    Column("id", "id", required=True),
    *_columns("id", "sku"),
    *_columns("text", "title category brand"),
    Column("price", "number"),
    Column("currency_code"),
    Column("inventory", "whole"),
    Column("status"),
    Column("updated_at", "time"),
)

LOYALTY = (
    Column("id", "id", required=True),
    *_columns("text", "email tier"),
    *_columns("whole", "points points_expiring"),
    Column("expire_on", "date"),
    *_columns("time", "tier_since updated_at"),
)

COLUMNS: dict[Relation, tuple[Column, ...]] = {
    "customers": CUSTOMERS,
    "order_lines": ORDER_LINES,
    "products": PRODUCTS,
    "loyalty": LOYALTY,
}

MADE: dict[Relation, tuple[str, ...]] = {
    "customers": (),
    "order_lines": ("is_cancellation", "line_kind"),
    "products": (),
    "loyalty": (),
}
"""Columns that the rules of a mapping fill."""

KEYS: dict[Relation, tuple[str, ...]] = {
    "customers": ("id",),
    "order_lines": ("order_id", "line_no"),
    "products": ("id",),
    "loyalty": ("id",),
}
"""The key within a feed."""
