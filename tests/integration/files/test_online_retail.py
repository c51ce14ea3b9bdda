"""The real history of a shop, against figures that pandas computes from the raw file."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from rapport.clock import FixedClock
from rapport.db import connect
from rapport.landing.files import import_file
from rapport.settings import Settings
from rapport.sources.files import ImportReport, load_mapping

CLOCK = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def history(shared_data: Path) -> Path:
    path = shared_data / "online_retail_2009_2010.parquet"
    if not path.is_file():
        pytest.skip(f"the Online Retail II data set is not here: {path}")
    return path


@pytest.fixture(scope="module")
def report(history: Path, module_database: Settings) -> ImportReport:
    return import_file(history, load_mapping("online_retail_ii"), module_database, CLOCK)


def test_every_row_lands(report: ImportReport) -> None:
    assert (report.rows_read, report.rows_landed, report.rows_quarantined) == (525_461, 525_461, 0)


def test_figures_agree_with_pandas(report: ImportReport, history: Path, module_database: Settings) -> None:
    import pandas as pd

    raw = pd.read_parquet(history)
    cancelled = raw.Invoice.str.startswith("C")
    wanted = {
        "lines": len(raw),
        "orders": raw.Invoice.nunique(),
        "customers": raw["Customer ID"].nunique(),
        "without_customer": int(raw["Customer ID"].isna().sum()),
        "negative": int((raw.Quantity < 0).sum()),
        "cancelled": int(cancelled.sum()),
        "postage": int(raw.StockCode.isin(["POST", "DOT", "C2", "C3"]).sum()),
        "fees": int(raw.StockCode.isin(["BANK CHARGES", "AMAZONFEE", "CRUK"]).sum()),
        "net_sales": round(float((raw.Quantity * raw.Price).sum()), 2),
        "first_at": datetime(2009, 12, 1, 7, 45, tzinfo=UTC),
        # In December London keeps UTC; in June it is an hour ahead.
        "june_hours": int((pd.to_datetime(raw.InvoiceDate).dt.strftime("%Y-%m-%d %H") == "2010-06-01 12").sum()),
    }
    assert (wanted["orders"], wanted["customers"], wanted["without_customer"]) == (28_816, 4_383, 107_927)
    with connect("loader", settings=module_database) as conn:
        found = conn.execute(
            """
            select
                count(*) as lines,
                count(distinct order_id) as orders,
                count(distinct customer_id) as customers,
                count(*) filter (where customer_id is null) as without_customer,
                count(*) filter (where quantity < 0) as negative,
                count(*) filter (where is_cancellation) as cancelled,
                count(*) filter (where line_kind = 'postage') as postage,
                count(*) filter (where line_kind = 'fee') as fees,
                round(sum(quantity * unit_price), 2)::float8 as net_sales,
                min(ordered_at) as first_at,
                count(*) filter (
                    where ordered_at >= '2010-06-01 11:00+00' and ordered_at < '2010-06-01 12:00+00'
                ) as june_hours
            from raw_files.order_lines
            """
        ).fetchone()
    assert found == wanted


def test_lines_of_an_order_are_numbered_without_gaps(report: ImportReport, module_database: Settings) -> None:
    with connect("loader", settings=module_database) as conn:
        row = conn.execute(
            """
            select count(*) as n from (
                select 1 from raw_files.order_lines
                group by order_id having max(line_no) <> count(*) or min(line_no) <> 1
            ) as gaps
            """
        ).fetchone()
    assert row == {"n": 0}


def test_countries_are_codes_and_the_others_are_told(report: ImportReport, module_database: Settings) -> None:
    with connect("loader", settings=module_database) as conn:
        codes = conn.execute(
            "select country_code, count(*) as n from raw_files.order_lines group by 1 order by 2 desc limit 3"
        ).fetchall()
    assert [row["country_code"] for row in codes] == ["GB", "IE", "DE"]
    assert report.notes == ()


def test_again_changes_nothing(report: ImportReport, history: Path, module_database: Settings) -> None:
    mapping = load_mapping("online_retail_ii")
    assert import_file(history, mapping, module_database, CLOCK).already_imported
    forced = import_file(history, mapping, module_database, CLOCK, again=True)
    assert (forced.rows_landed, forced.rows_changed) == (525_461, 0)
