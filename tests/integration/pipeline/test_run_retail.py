"""The main job on a real shop's year, checked against figures that pandas computes from the raw file itself."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from rapport import pipeline
from rapport.clock import FixedClock
from rapport.db import connect
from rapport.landing.files import import_file
from rapport.settings import Settings
from rapport.sources.files import load_mapping

AS_OF = datetime(2010, 12, 10, tzinfo=UTC)
NOT_GOODS = {
    "POST",
    "DOT",
    "C2",
    "C3",
    "BANK CHARGES",
    "AMAZONFEE",
    "CRUK",
    "M",
    "D",
    "S",
    "B",
    "ADJUST",
    "ADJUST2",
    "GIFT",
}
EXPORT = "online_retail_2009_2010.parquet"


@pytest.fixture(scope="module")
def lines(shared_data: Path) -> pd.DataFrame:
    return pd.read_parquet(shared_data / EXPORT)


@pytest.fixture(scope="module")
def goods(lines: pd.DataFrame) -> pd.DataFrame:
    """Lines of goods, their amounts in pence: all but postage, fees, adjustments, tests and vouchers."""
    code = lines["StockCode"].astype(str).str.strip().str.upper()
    kept = ~(code.isin(NOT_GOODS) | code.str.startswith(("TEST", "GIFT_")))
    return lines[kept].assign(pence=lambda frame: frame["Quantity"] * (frame["Price"] * 1000).round() / 10)


def pence(amount: Decimal) -> int:
    return round(amount * 100)


@pytest.fixture(scope="module")
def summary(module_database: Settings, shared_data: Path) -> pipeline.RunSummary:
    clock = FixedClock(AS_OF)
    import_file(shared_data / EXPORT, load_mapping("online_retail_ii"), module_database, clock)
    return pipeline.run(module_database, clock, campaigns=())


def test_every_customer_of_the_file_is_one_person(summary: pipeline.RunSummary, lines: pd.DataFrame) -> None:
    assert summary.counts["customers"] == lines["Customer ID"].nunique()


def test_every_invoice_is_one_order(summary: pipeline.RunSummary, lines: pd.DataFrame) -> None:
    assert summary.counts["orders"] == lines["Invoice"].nunique()


def test_revenue_by_month_equals_the_goods_sold_in_the_raw_file_to_the_cent(
    summary: pipeline.RunSummary, module_database: Settings, goods: pd.DataFrame
) -> None:
    expected = goods.groupby(pd.to_datetime(goods["InvoiceDate"]).dt.strftime("%Y-%m"))["pence"].sum()
    with connect("engine", settings=module_database) as conn:
        rows = conn.execute(
            "select to_char(ordered_at at time zone 'Europe/London', 'YYYY-MM') as month, sum(revenue) as revenue"
            " from marts.orders group by 1"
        ).fetchall()
    assert {row["month"]: pence(row["revenue"]) for row in rows} == {m: round(v) for m, v in expected.items()}
    assert pence(Decimal(summary.revenue["GBP"])) == round(goods["pence"].sum())


def test_revenue_of_each_customer_equals_their_goods_in_the_raw_file(
    summary: pipeline.RunSummary, module_database: Settings, goods: pd.DataFrame
) -> None:
    known = goods.dropna(subset="Customer ID")
    expected = known.groupby(known["Customer ID"].astype(int).astype(str))["pence"].sum()
    with connect("engine", settings=module_database) as conn:
        rows = conn.execute(
            "select split_part(founded_by, ':', 3) as id, revenue from marts.customers"
            " join identity.customer_ids using (customer_id)"
        ).fetchall()
    built = {row["id"]: pence(row["revenue"]) for row in rows}
    assert {id_: built.get(id_, 0) for id_ in expected.index} == {id_: round(v) for id_, v in expected.items()}


def test_nothing_is_planned_or_sent_by_a_run_without_campaigns(
    summary: pipeline.RunSummary, module_database: Settings
) -> None:
    assert summary.planned == {}
    with connect("engine", settings=module_database) as conn:
        assert conn.execute("select count(*) as n from ops.send").fetchone() == {"n": 0}
