"""Conditions over the audience: what may be written, what it means, and what the refusal says."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from rapport.campaigns.audience.columns import COLUMNS
from rapport.campaigns.audience.conditions import ConditionError, compile_condition, compile_parts

NOW = datetime(2026, 7, 10, tzinfo=UTC)
MODELS = Path(__file__).resolve().parents[3] / "dbt_project" / "models" / "activation" / "_models.yml"
KINDS = {"bigint": "number", "integer": "number", "smallint": "number", "timestamptz": "moment", "date": "moment"}
KINDS |= {"text": "text", "text[]": "list", "jsonb": "object"}
# Who they are, and what the planner asks for itself.
NOT_LOOKED_AT = {"customer_id", "email", "email_consent", "email_consent_at", "as_of"}


@pytest.mark.parametrize(
    "text",
    [
        "revenue > 100 and 'vip' in segments",
        "'vip' = any(segments) or 'vip' not in segments",
        "country_code in ('GB', 'FR') and language not in ('de')",
        "last_order_at between days_ago(400) and days_ago(180)",
        "last_order_at < '2026-01-01' and loyalty_points_expire_on <= days_from_now(14)",
        "coalesce(revenue, 0) / orders_count >= 2.5 * -1 + 3",
        "lower(favourite_category) not like 'kitch%' and length(first_name) > 1",
        "cart is not null and (churn_risk > 0.5) is true",
        "REVENUE > 1e3 -- a remark",
    ],
)
def test_what_may_be_written(text: str) -> None:
    assert compile_condition(text).where.as_string(None).startswith("coalesce(")


def test_texts_become_parameters_and_days_are_counted_from_the_moment_of_asking() -> None:
    condition = compile_condition("first_name = 'x''; drop table y' and last_order_at > days_ago(3) and revenue > 1.5")
    assert set(condition.values(NOW).values()) == {"x'; drop table y", NOW - timedelta(days=3), Decimal("1.5")}
    assert "drop" not in condition.where.as_string(None)
    assert condition.columns == {"first_name", "last_order_at", "revenue"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("frist_name = 'x'", "Did you mean first_name"),
        ("email = 'a@b.example'", "no column 'email'"),
        ("revenue > 'much'", "`'much'` is a text where a number belongs"),
        ("revenue", "compare it with something"),
        ("last_order_at > 'soon'", "days_ago"),
        ("cart = 'x'", "ask whether it `is null`"),
        ("true; drop table ops.send", "one condition"),
        ("revenue > (select 1)", "not allowed"),
        ("revenue > pg_sleep(9)", "no function pg_sleep"),
        ("first_name ~ '(a+)+$'", "not allowed"),
        ("revenue::text = '1'", "not allowed"),
        ("x.revenue > 1", "not allowed in this form"),
        ("first_name like 'a' escape 'b'", "not allowed"),
        ('first_name = "x"', "single quotes"),
        ("days_ago(revenue) < last_order_at", "whole number of days"),
        ("revenue > 1e99", "too large"),
        ("(" * 30 + "true" + ")" * 30, "nested"),
        ("not " * 300 + "true", "nested"),
        ("revenue > 1 and " * 60 + "true", "parts"),
        ("first_name = '" + "x" * 3000 + "'", "longer than"),
        ("", "one condition"),
        ("'", "cannot be read"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else None,
)
def test_what_may_not_and_what_the_error_says(text: str, told: str) -> None:
    with pytest.raises(ConditionError, match=told.replace("(", r"\(")):
        compile_condition(text)


def test_a_deep_sum_takes_no_longer_for_every_level() -> None:
    deep = "revenue"
    for _ in range(18):
        deep = f"({deep} + 1)"
    condition = compile_condition(f"{deep} > 1")
    assert len(condition.parameters) == 19, "each part is compiled once"


def test_the_columns_are_those_of_the_contract() -> None:
    models = yaml.safe_load(MODELS.read_text())["models"]
    (audience,) = [model for model in models if model["name"] == "campaign_audience"]
    contract = {column["name"]: column["data_type"].partition("(")[0].strip() for column in audience["columns"]}
    kinds = {"numeric": "number", "double precision": "number", **KINDS}
    for name, kind in contract.items():
        if name not in NOT_LOOKED_AT and kind != "boolean":
            assert COLUMNS.get(name) == kinds[kind], name


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("revenue > 1", [{"revenue"}]),
        ("revenue > 1 and churn_risk < 0.5 and 'vip' in segments", [{"revenue"}, {"churn_risk"}, {"segments"}]),
        ("((revenue > 1) and not (language = 'de' and orders_count = 2))", [{"revenue"}, {"language", "orders_count"}]),
        ("revenue > 1 or orders_count > 2 and churn_risk < 1", [{"revenue", "orders_count", "churn_risk"}]),
    ],
    ids=["one", "three", "in_brackets", "or"],
)
def test_parts_are_those_that_must_all_hold(text: str, columns: list[set[str]]) -> None:
    parts = compile_parts(text)
    assert [set(condition.columns) for _, condition in parts] == columns
    values = [value for _, condition in parts for value in condition.parameters.items()]
    assert len(dict(values)) == len(values), "no two share a parameter"
    assert sorted(map(str, dict(values).values())) == sorted(map(str, compile_condition(text).parameters.values()))


def test_parts_of_what_may_not_be_written_are_refused() -> None:
    with pytest.raises(ConditionError, match="there is no column"):
        compile_parts("revenue > 1 and email = 'x'")
