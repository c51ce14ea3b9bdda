"""Marts of a small shop as dbt would leave them: two tastes, a weekly rhythm, people with hours of their own."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from rapport.db import connect
from rapport.settings import Settings

AS_OF = datetime(2026, 7, 10, 5, 0, tzinfo=UTC)
DAYS = 400
MARTS = """
create table marts.customers (customer_id text, currency_code text, time_zone text);
create table marts.orders (
    order_id text, customer_id text, order_kind text, channel text, currency_code text, revenue numeric(18, 4),
    counts_as_order boolean, is_cancelled boolean, ordered_at timestamptz
);
create table marts.order_items (
    order_id text, customer_id text, product_id text, line_kind text, quantity numeric, net_quantity numeric,
    revenue numeric(18, 4), ordered_at timestamptz
);
create table marts.products (
    product_id text, source text, category text, status text, inventory bigint, is_in_catalogue boolean
);
create table marts.messages (
    send_id text, customer_id text, accepted_at timestamptz, delivered_at timestamptz, opened_at timestamptz,
    machine_opened_at timestamptz, clicked_at timestamptz
);
"""
GOODS = [f"shopify:{taste}{number}" for taste in "ab" for number in range(12)]


@dataclass
class Shop:
    settings: Settings
    customers: list[tuple[object, ...]] = field(default_factory=list)
    orders: list[tuple[object, ...]] = field(default_factory=list)
    items: list[tuple[object, ...]] = field(default_factory=list)
    messages: list[tuple[object, ...]] = field(default_factory=list)
    products: list[tuple[object, ...]] = field(default_factory=list)

    def order(self, customer: str | None, at: datetime, goods: list[str], currency: str = "GBP") -> str:
        order_id = f"o{len(self.orders)}"
        self.orders.append((order_id, customer, "sale", "web", currency, 10.0 * len(goods), True, False, at))
        self.items += [(order_id, customer, product, "product", 1, 1, 10.0, at) for product in goods]
        return order_id

    def write(self) -> None:
        tables = {
            "customers": self.customers,
            "orders": self.orders,
            "order_items": self.items,
            "messages": self.messages,
            "products": self.products,
        }
        with connect("transformer", settings=self.settings) as conn:
            conn.execute(MARTS)
            for name, rows in tables.items():
                with conn.cursor().copy(f"copy marts.{name} from stdin".encode()) as copy:
                    for row in rows:
                        copy.write_row(row)

    def rows(self, query: str) -> list[dict[str, object]]:
        with connect("engine", settings=self.settings) as conn:
            return conn.execute(query.encode()).fetchall()


@pytest.fixture
def shop(database: Settings) -> Shop:
    """500 customers; those with an even number like `a` products and read at 8, the others `b` and read at 20."""
    made = Shop(database)
    rng = np.random.default_rng(5)
    for number, product in enumerate(GOODS):
        made.products.append((product, "shopify", f"category {product[8]}", "active", None if number % 2 else 9, True))
    for number in range(500):
        customer = f"c{number:03}"
        made.customers.append((customer, "GBP", "Europe/London" if number % 3 else "no/such_zone"))
        taste = GOODS[:12] if number % 2 == 0 else GOODS[12:]
        begun, rate, gone = rng.integers(1, DAYS), rng.gamma(1.0, 1 / 50), rng.exponential(250)
        day = float(begun)
        while day > max(0.0, begun - gone):
            at = AS_OF.replace(hour=9) - timedelta(days=int(day), minutes=int(rng.integers(0, 300)))
            if at.weekday() < 6 or rng.random() < 0.3:
                made.order(customer, at, [str(p) for p in rng.choice(taste, rng.integers(1, 4), replace=False)])
            day -= max(1.0, rng.exponential(1 / rate))
        for mail in range(int(rng.integers(0, 5))):
            sent = AS_OF.replace(hour=int(rng.integers(0, 24))) - timedelta(days=10 + 20 * mail)
            read = sent.replace(hour=8 if number % 2 == 0 else 20) + timedelta(days=1, minutes=int(rng.integers(0, 59)))
            made.messages.append((f"s{number}-{mail}", customer, sent, sent, read, None, None))
    return made
