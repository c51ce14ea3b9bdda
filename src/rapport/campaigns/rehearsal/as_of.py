"""A campaign's filter over the audience as it was: what can be known of a day in the past, and what is left out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import sql

from rapport.campaigns.audience.conditions import Condition, compile_parts
from rapport.campaigns.folder.model import Campaign

# Kept with their times, or the same then as now as far as anybody knows.
KNOWN = frozenset(
    ("segments", "first_name", "last_name", "locale", "language", "country_code", "time_zone", "time_zone_source")
)
KNOWN_BY_ORDERS = frozenset(
    (
        *("orders_count", "orders_count_365d", "revenue", "average_order_value", "currency_code"),
        *("first_order_channel", "first_order_at", "last_order_at", "days_since_last_order"),
    )
)


@dataclass(frozen=True)
class Filter:
    """The parts of a filter that a past day can answer, and the text of those that it cannot."""

    kept: list[Condition]
    left_out: list[str]

    def values(self, at: datetime) -> dict[str, Any]:
        """Parameters of `query`; days are counted from `at`."""
        return {name: value for part in self.kept for name, value in part.values(at).items()}

    def query(self, queries: Mapping[str, LiteralString]) -> sql.Composed:
        """The query `judge` with this filter in it."""
        columns = frozenset().union(*(part.columns for part in self.kept))
        audience: sql.Composable = sql.SQL("")
        if columns:
            by_orders = bool(columns & KNOWN_BY_ORDERS)
            audience = sql.SQL(queries["audience"]).format(
                columns=sql.SQL(queries["columns_of_orders"] if by_orders else ""),
                history=sql.SQL(queries["orders"] if by_orders else ""),
            )
        where = sql.SQL(" and ").join([sql.SQL("true"), *(part.where for part in self.kept)])
        return sql.SQL(queries["judge"]).format(audience=audience, filter=where)


def filter_of(campaign: Campaign, has_orders: bool) -> Filter:
    """What of the campaign's filter is played. A part is played whole or not at all."""
    known = KNOWN | KNOWN_BY_ORDERS if has_orders else KNOWN
    parts = compile_parts(campaign.filter) if campaign.filter else []
    return Filter(
        [condition for _, condition in parts if condition.columns <= known],
        [text for text, condition in parts if not condition.columns <= known],
    )
