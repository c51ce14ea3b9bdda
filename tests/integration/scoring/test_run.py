"""Scores from marts to tables in a real Postgres: what is published, what is kept back, and who may do what."""

from datetime import timedelta

import psycopg
import pytest

from rapport.db import connect
from rapport.errors import DataError
from rapport.scoring.run import score_all
from rapport.settings import Settings

from .conftest import AS_OF, Shop

SCORES = ("lifetime", "churn", "send_time", "recommendations", "product_pairs", "sales_forecast")


def count(shop: Shop, relation: str) -> int:
    return int(str(shop.rows(f"select count(*) as n from scores.{relation}")[0]["n"]))


def test_a_run_publishes_what_beats_its_naive_rule_and_says_how_each_did(shop: Shop) -> None:
    shop.write()
    report = score_all(shop.settings, AS_OF)
    quality = {row["score"]: row for row in shop.rows("select * from scores.quality")}
    assert set(quality) == set(SCORES)
    for verdict in report.verdicts:
        row = quality[verdict.score]
        assert row["published"] is (verdict.score in report.rows)
        assert (row["value"], row["baseline_value"]) == (verdict.value, verdict.baseline_value)
        assert count(shop, verdict.score) == report.rows.get(verdict.score, 0)
    for score in ("churn", "send_time", "recommendations", "product_pairs", "sales_forecast"):
        assert quality[score]["published"], report.lines()


def test_scores_are_sound_and_find_what_the_shop_was_made_with(shop: Shop) -> None:
    shop.write()
    score_all(shop.settings, AS_OF)
    hours = shop.rows("select * from scores.customer_scores where best_send_hour is not null")
    assert len(hours) == 500
    early = [row for row in hours if int(str(row["customer_id"])[1:]) % 2 == 0]
    wanted = {"Europe/London": (8, 9, 20, 21)}["Europe/London"]  # read at 8 and 20 UTC, which is an hour later there
    assert sum(row["best_send_hour"] in wanted for row in hours) > 450
    assert sum(row["best_send_hour"] in (8, 9) for row in early) > sum(
        row["best_send_hour"] in (20, 21) for row in early
    )
    explored = [row for row in hours if row["explore_send_hour"] is not None]
    assert 0.04 < len(explored) / 500 < 0.13
    assert all(row["explore_send_hour"] != row["best_send_hour"] for row in explored)

    same_taste = shop.rows(
        "select count(*) as n from scores.recommendations where (substr(customer_id, 2)::int % 2 = 0)"
        " = (substr(product_id, 9, 1) = 'a')"
    )[0]["n"]
    assert int(str(same_taste)) > 0.9 * count(shop, "recommendations")
    pairs = shop.rows("select * from scores.product_pairs")
    assert all(str(row["product_id"])[:9] == str(row["companion_id"])[:9] for row in pairs)
    assert pairs

    forecast = shop.rows("select * from scores.sales_forecast order by category nulls first, day")
    assert len(forecast) == 28 * 3
    assert str(forecast[0]["day"]) == "2026-07-10"
    assert all(0 <= row["low_80"] <= row["high_80"] for row in forecast)  # type: ignore[operator]


def test_what_was_returned_is_out_of_stock_or_was_just_bought_is_never_recommended(shop: Shop) -> None:
    shop.products = [
        (product, source, category, "archived" if product.endswith("a3") else status, stock, there)
        if not str(product).endswith("b4")
        else (product, source, category, status, 0, there)
        for product, source, category, status, stock, there in shop.products  # type: ignore[attr-defined]
    ]
    back = shop.order("c001", AS_OF - timedelta(days=50), ["shopify:b5"])
    shop.items[-1] = (back, "c001", "shopify:b5", "product", 1, 0, 0, AS_OF - timedelta(days=50))
    shop.order("c001", AS_OF - timedelta(minutes=5), ["shopify:b6"])
    shop.write()
    score_all(shop.settings, AS_OF)
    assert count(shop, "recommendations") > 0
    assert not shop.rows("select 1 from scores.recommendations where product_id in ('shopify:a3', 'shopify:b4')")
    mine = {row["product_id"] for row in shop.rows("select * from scores.recommendations where customer_id = 'c001'")}
    assert mine
    assert not mine & {"shopify:b5", "shopify:b6"}


def test_a_score_worse_than_its_naive_rule_keeps_yesterdays_rows(shop: Shop) -> None:
    shop.write()
    score_all(shop.settings, AS_OF)
    before = shop.rows("select * from scores.send_time order by customer_id")
    # Everybody now reads at hours drawn without any reason: there is nothing personal left to learn.
    with connect("transformer", settings=shop.settings) as conn:
        conn.execute(
            "update marts.messages set opened_at = date_trunc('day', opened_at)"
            " + make_interval(hours => abs(hashtext(send_id)) % 24)"
        )
    later = AS_OF + timedelta(hours=1)
    report = score_all(shop.settings, later)
    assert "send_time" not in report.rows
    assert any("send_time" in line and "not published" in line for line in report.lines())
    assert shop.rows("select * from scores.send_time order by customer_id") == before
    assert shop.rows("select distinct as_of from scores.churn") == [{"as_of": later}]
    last = shop.rows("select published from scores.quality where score = 'send_time' order by as_of desc limit 1")
    assert last == [{"published": False}]


def test_a_failure_in_the_middle_leaves_every_table_as_it_was(shop: Shop) -> None:
    shop.write()
    score_all(shop.settings, AS_OF)
    before = {name: shop.rows(f"select * from scores.{name} order by 1, 2") for name in (*SCORES, "quality")}
    with connect(settings=shop.settings) as conn:
        conn.execute("alter table scores.sales_forecast add check (as_of <= '2026-07-10 05:00+00')")
    with pytest.raises(psycopg.errors.CheckViolation):
        score_all(shop.settings, AS_OF + timedelta(hours=1))
    assert {name: shop.rows(f"select * from scores.{name} order by 1, 2") for name in before} == before


def test_running_again_changes_nothing_and_an_older_run_does_not_replace_a_newer_one(shop: Shop) -> None:
    shop.write()
    score_all(shop.settings, AS_OF)
    before = {name: shop.rows(f"select * from scores.{name} order by 1, 2") for name in SCORES}
    score_all(shop.settings, AS_OF)
    assert {name: shop.rows(f"select * from scores.{name} order by 1, 2") for name in SCORES} == before
    with pytest.raises(DataError, match="newer"):
        score_all(shop.settings, AS_OF - timedelta(days=1))
    assert {name: shop.rows(f"select * from scores.{name} order by 1, 2") for name in SCORES} == before


def test_what_happened_after_as_of_is_not_looked_at(shop: Shop) -> None:
    shop.write()
    score_all(shop.settings, AS_OF)
    before = {name: shop.rows(f"select * from scores.{name} order by 1, 2") for name in SCORES}
    with connect("transformer", settings=shop.settings) as conn:
        conn.execute(
            "insert into marts.orders select order_id || '-later', customer_id, order_kind, channel, currency_code,"
            " 1000, true, false, ordered_at + interval '400 days' from marts.orders"
        )
    score_all(shop.settings, AS_OF)
    assert {name: shop.rows(f"select * from scores.{name} order by 1, 2") for name in SCORES} == before


def test_an_empty_shop_publishes_nothing_and_says_why(database: Settings) -> None:
    shop = Shop(database)
    shop.write()
    report = score_all(database, AS_OF)
    assert report.rows == {}
    assert all("not published" in line for line in report.lines())
    assert all(row["remark"] for row in shop.rows("select remark from scores.quality"))


def test_without_marts_it_says_what_to_run(database: Settings) -> None:
    with pytest.raises(DataError, match="rapport run"):
        score_all(database, AS_OF)


@pytest.mark.parametrize("role", ["engine", "bi_reader", "gateway", "loader"], ids=str)
def test_only_the_transformer_writes_scores(database: Settings, role: str) -> None:
    with connect(role, settings=database) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):  # type: ignore[arg-type]
        conn.execute("delete from scores.lifetime")


@pytest.mark.parametrize("role", ["engine", "bi_reader"], ids=str)
def test_campaigns_and_bi_read_scores(database: Settings, role: str) -> None:
    with connect(role, settings=database) as conn:  # type: ignore[arg-type]
        assert conn.execute("select count(*) as n from scores.customer_scores").fetchone() == {"n": 0}
