"""A broken raw table and an address that stands twice, through the whole main job: stopped, explained, and mended."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, LiteralString

import pytest

from rapport import pipeline
from rapport.clock import FixedClock
from rapport.db import connect
from rapport.errors import GateFailed
from rapport.landing.files import import_file
from rapport.settings import Settings
from rapport.sources.files import Mapping

AT = datetime(2026, 7, 10, 8, tzinfo=UTC)
CLOCK = FixedClock(AT)
PEOPLE = (("1", "ada", "ja"), ("2", "bob", "ja"), ("3", "eve", "nein"))
CUSTOMERS = "Id;Mail;Ok;OkAt\n" + "".join(f"{n};{who}@example.com;{ok};2025-01-01\n" for n, who, ok in PEOPLE)
ORDERS = "Order;Date;Customer;Code;Qty;Price\n" + "".join(f"{n};2025-11-2{n};{n};A1;1;20,00\n" for n in (1, 2, 3))


@pytest.fixture(scope="module")
def shop(module_database: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Three people who last bought long ago; two of them agreed to hear from the shop."""
    folder = tmp_path_factory.mktemp("exports")
    land(
        folder / "customers.csv",
        CUSTOMERS,
        {
            "relation": "customers",
            "columns": {"id": "Id", "email": "Mail", "email_consent": "Ok", "email_consent_at": "OkAt"},
        },
        module_database,
    )
    columns = {"order_id": "Order", "ordered_at": "Date", "customer_id": "Customer", "sku": "Code"}
    columns |= {"quantity": "Qty", "unit_price": "Price"}
    land(
        folder / "orders.csv",
        ORDERS,
        {"relation": "order_lines", "columns": columns, "currency": "EUR"},
        module_database,
    )
    return module_database


def land(path: Path, text: str, mapping: dict[str, Any], settings: Settings) -> None:
    path.write_text(text, encoding="utf-8")
    import_file(path, Mapping.model_validate({"feed": "laden"} | mapping), settings, CLOCK)


def change(settings: Settings, role: Any, statement: LiteralString) -> None:
    with connect(role, settings=settings) as conn:
        conn.execute(statement)


def count(settings: Settings, relation: LiteralString) -> int:
    with connect("engine", settings=settings) as conn:
        row = conn.execute("select count(*) as n from " + relation).fetchone()
    assert row is not None
    return int(row["n"])


def approved(settings: Settings, clock: FixedClock) -> dict[str, int]:
    """The waterfall of win_back once somebody has said yes."""
    assert pipeline.answer("win_back", settings, clock, "ann", "approved")
    return pipeline.plan_if_due("win_back", settings, clock)


def test_a_broken_raw_table_stops_before_the_build_and_the_mended_one_goes_all_the_way(shop: Settings) -> None:
    change(shop, "loader", "alter table raw_files.order_lines rename column quantity to amount")
    with pytest.raises(GateFailed, match=r"raw_files\.order_lines: columns are missing: quantity"):
        pipeline.run(shop, CLOCK, campaigns=("win_back",))
    assert count(shop, "ops.build") == 0
    change(shop, "loader", "alter table raw_files.order_lines rename column amount to quantity")
    summary = pipeline.run(shop, CLOCK, campaigns=("win_back",))
    assert summary.counts["customers"] == 3
    assert approved(shop, CLOCK)["planned"] == 2


def test_an_address_twice_stops_the_plan_and_a_rebuilt_audience_is_planned(shop: Settings) -> None:
    tomorrow = FixedClock(datetime(2026, 7, 11, 8, tzinfo=UTC))
    pipeline.run(shop, tomorrow, campaigns=())
    change(shop, None, "truncate ops.send, ops.decision, ops.occurrence cascade")
    pipeline.build(shop, tomorrow)
    change(
        shop,
        "transformer",
        "create temporary table again as select * from activation_next.campaign_audience"
        " where email = 'ada@example.com'; update again set customer_id = 'another';"
        " insert into activation_next.campaign_audience select * from again",
    )
    with pytest.raises(GateFailed, match="one address, one person") as stopped:
        pipeline.publish(shop, tomorrow)
    assert "ada@" not in str(stopped.value)
    assert count(shop, "activation.campaign_audience") == 3
    with pytest.raises(GateFailed, match=r"failed its check.*Mend the source, then run `rapport run`"):
        pipeline.plan("win_back", shop, tomorrow)
    assert count(shop, "ops.send") == count(shop, "ops.decision") == 0
    summary = pipeline.run(shop, tomorrow, campaigns=("win_back",))
    # Approved by the test before, if that has run here.
    assert (summary.planned.get("win_back") or approved(shop, tomorrow))["planned"] == 2
