"""One small shop, built twice: as found, and after months in which things changed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from rapport import identity, transform
from rapport.db import connect
from rapport.identity import IdentityReport
from rapport.landing import prepare_raw
from rapport.settings import Settings

HERE = Path(__file__).parent
FIRST = datetime(2026, 3, 25, 8, tzinfo=UTC)
SECOND = datetime(2026, 7, 25, 8, tzinfo=UTC)

Rows = list[dict[str, Any]]
Build = Callable[[Settings, datetime], tuple[IdentityReport, transform.BuildReport]]


@dataclass(frozen=True)
class Built:
    """What one build left behind: rows by relation, since the next build replaces the tables."""

    as_of: datetime
    identity: IdentityReport
    report: transform.BuildReport
    customers: dict[str, dict[str, Any]]
    owners: dict[str, str]
    tables: dict[str, Rows]

    def owner(self, profile_key: str) -> dict[str, Any]:
        """The customer a profile belongs to."""
        return self.customers[self.owners[profile_key]]


def rows(settings: Settings, relation: str, key: str) -> Rows:
    """All of a relation, sorted by one column."""
    query = sql.SQL("select * from {} order by {}").format(sql.Identifier(*relation.split(".")), sql.Identifier(key))
    with connect("transformer", settings=settings) as conn:
        return conn.execute(query).fetchall()


def run_script(settings: Settings, name: str) -> None:
    with connect(settings=settings) as conn:
        conn.execute((HERE / name).read_text())


def build_all(settings: Settings, as_of: datetime) -> tuple[IdentityReport, transform.BuildReport]:
    transform.prepare(settings, as_of)
    report = identity.resolve(settings, as_of)
    built = transform.build(settings, as_of)
    transform.publish(settings)
    return report, built


def snapshot(settings: Settings, as_of: datetime) -> Built:
    report, built = build_all(settings, as_of)
    keys = {
        "activation.campaign_audience": "email",
        "marts.orders": "order_id",
        "marts.order_items": "order_item_id",
        "marts.products": "product_id",
        "marts.messages": "send_id",
        "marts.campaign_results": "occurrence_key",
        "marts.product_prices": "valid_from",
        "marts.cohorts": "cohort_month",
        "marts.funnel": "month",
        "marts.daily_metrics": "date",
        "marts.customer_ids": "given_customer_id",
        "marts.customers_masked": "customer_id",
        "marts.support_tickets": "ticket_id",
        "segments.customer_segments": "customer_id",
        "segments.segment_sizes": "date",
        "intermediate.int_edges": "profile_key_a",
        "intermediate.int_order_attribution": "order_id",
        "identity.changes": "change_id",
    }
    return Built(
        as_of=as_of,
        identity=report,
        report=built,
        customers={row["customer_id"]: row for row in rows(settings, "marts.customers", "customer_id")},
        owners={row["profile_key"]: row["customer_id"] for row in rows(settings, "identity.members", "profile_key")},
        tables={relation.split(".")[1]: rows(settings, relation, key) for relation, key in keys.items()},
    )


@pytest.fixture(scope="session")
def build() -> Build:
    return build_all


@pytest.fixture(scope="module")
def shop(module_database: Settings) -> Settings:
    prepare_raw(module_database)
    run_script(module_database, "raw_defaults.sql")
    run_script(module_database, "raw_rows.sql")
    run_script(module_database, "more_rows.sql")
    return module_database


@pytest.fixture(scope="module")
def first(shop: Settings) -> Built:
    return snapshot(shop, FIRST)


@pytest.fixture(scope="module")
def second(shop: Settings, first: Built) -> Built:
    """Months later: two customers turn out to be one, a campaign has run, and segments have moved."""
    run_script(shop, "months_later.sql")
    return snapshot(shop, SECOND)
