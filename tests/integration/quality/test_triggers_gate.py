"""What sets off flows, checked: a sound state passes, and what would write to the wrong people is stopped."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from psycopg.types.json import Jsonb

from rapport.campaigns.audience.gate import TRIGGERS_SUITE
from rapport.campaigns.lifecycle.triggers import SAMPLES
from rapport.clock import FixedClock
from rapport.db import connect
from rapport.pipeline import TRIGGERS_GATE
from rapport.quality import run_suite
from rapport.settings import CHECKOUT, Settings

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
CREATE = """
create table activation.campaign_triggers (
    trigger text, trigger_id text, customer_id text, occurred_at timestamptz, expires_at timestamptz, context jsonb,
    as_of timestamptz
)
"""
FLOOD = """
insert into activation.campaign_triggers
select
    'price_dropped', day || ':' || n, 'c' || n, timestamptz '2026-03-01 11:00+00' - day * interval '1 day', null,
    jsonb_build_object('product', jsonb_build_object('title', 'Mug')), timestamptz '2026-03-01 12:00+00'
from generate_series(0, 20) as day, generate_series(1, case day when 0 then {today} else {every_day} end) as n
"""
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def built(module_database: Settings) -> Settings:
    with connect("transformer", settings=module_database) as conn:
        conn.execute(CREATE)
    return module_database


@pytest.fixture
def shop(built: Settings) -> Settings:
    with connect("transformer", settings=built) as conn:
        conn.execute("truncate activation.campaign_triggers")
        for number, (name, context) in enumerate(SAMPLES.items()):
            values = (name, f"{name}:{number}", f"c{number}", AT - DAY, AT + DAY, Jsonb(context), AT)
            conn.execute("insert into activation.campaign_triggers values (%s, %s, %s, %s, %s, %s, %s)", values)
    return built


def change(settings: Settings, statement: str) -> None:
    with connect("transformer", settings=settings) as conn:
        conn.execute(statement)  # type: ignore[arg-type]


def failures(settings: Settings) -> list[str]:
    return run_suite(TRIGGERS_GATE, settings, FixedClock(AT)).failures


def test_the_suite_knows_every_trigger_and_is_the_one_that_flows_ask_for() -> None:
    (table,) = json.loads((CHECKOUT / "expectations" / f"{TRIGGERS_GATE}.json").read_text())["tables"]
    (known,) = [check["kwargs"]["value_set"] for check in table["checks"] if "value_set" in check["kwargs"]]
    assert sorted(known) == sorted(SAMPLES)
    assert TRIGGERS_GATE == TRIGGERS_SUITE


def test_one_of_each_kind_passes(shop: Settings) -> None:
    verdict = run_suite(TRIGGERS_GATE, shop, FixedClock(AT))
    assert (verdict.passed, verdict.failures) == (True, [])
    pages = [page for page in Path(shop.home / "data_docs").rglob("*") if page.is_file()]
    assert not [page for page in pages if b"Stoneware" in page.read_bytes()], "what people left stays out of the pages"


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("update activation.campaign_triggers set trigger_id = 'one'", "expect_column_values_to_be_unique; 14 of 14"),
        ("update activation.campaign_triggers set trigger = 'moved' where trigger = 'lapsed'", "no flow knows another"),
        ("update activation.campaign_triggers set customer_id = null where trigger = 'lapsed'", "(customer_id)"),
        ("update activation.campaign_triggers set occurred_at = null where trigger = 'lapsed'", "(occurred_at)"),
        ("update activation.campaign_triggers set expires_at = occurred_at", "over before it happens"),
        ("update activation.campaign_triggers set context = '[]' where trigger = 'lapsed'", "for example lapsed:7"),
        ("update activation.campaign_triggers set context = '{}' where trigger = 'cart_abandoned'", "things in it"),
        ("update activation.campaign_triggers set context = '{}' where trigger = 'price_dropped'", "names it"),
        ("update activation.campaign_triggers set as_of = as_of - interval '3 days'", "the triggers are stale"),
    ],
    ids=["twice", "unknown", "nobody", "never", "over", "no-object", "empty-cart", "no-product", "stale"],
)
def test_a_fault_is_told_in_words(shop: Settings, broken: str, told: str) -> None:
    change(shop, broken)
    found = failures(shop)
    assert any(told in failure for failure in found), found


@pytest.mark.parametrize(
    ("today", "every_day", "stopped"),
    [(700, 50, True), (700, 80, False), (400, 5, False), (30_000, 0, False)],
    ids=["flood", "a-busy-day", "a-small-shop", "the-first-day"],
)
def test_far_more_of_a_kind_than_ever_stops(shop: Settings, today: int, every_day: int, stopped: bool) -> None:
    change(shop, FLOOD.format(today=today, every_day=every_day))
    assert [("more than ten times as many" in failure) for failure in failures(shop)] == [True] * stopped


def test_without_the_table_it_does_not_pass(shop: Settings) -> None:
    verdict = run_suite(TRIGGERS_GATE, shop, FixedClock(AT), schema="activation_next")
    assert not verdict.passed
    assert "the table is missing" in verdict.failures[0]
