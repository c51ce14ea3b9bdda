"""What a campaign brought: by variant, by model of attribution, and beyond what people held out bought anyway."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from rapport import identity, transform
from rapport.campaigns.offers import coupons
from rapport.campaigns.outcome.pooled import read_pooled
from rapport.campaigns.outcome.results import read
from rapport.campaigns.outcome.results_text import changes, render
from rapport.db import connect
from rapport.errors import PermanentError
from rapport.landing import prepare_raw
from rapport.settings import Settings

HERE = Path(__file__).parent
AS_OF = datetime(2026, 6, 5, 8, tzinfo=UTC)
TABLES = ("campaign_results", "campaign_arms", "campaign_links", "campaign_mailboxes", "campaign_cohorts", "coupons")
A = (10, 30, 0, 0, 0, 0, 0, 0)
# Of the variant b, the last two waited for the winner.
B = (40, 0, 0, 0, 0, 0, 0, 0, 50, 0)
HELD_OUT = (12, 0, 0, 0, 0)

COUNTED = (
    "planned",
    "accepted",
    "clicked",
    "unsubscribed",
    "bounced",
    "orders_count",
    "reporting_revenue",
    "holdout_count",
)

Rows = list[dict[str, Any]]
Tables = dict[str, Rows]


@pytest.fixture(scope="module")
def tables(module_database: Settings) -> Tables:
    def run_script(name: str) -> None:
        with connect(settings=module_database) as conn:
            conn.execute((HERE / name).read_text())

    prepare_raw(module_database)
    run_script("raw_defaults.sql")
    run_script("campaign_people.sql")
    run_script("coupon_orders.sql")
    transform.prepare(module_database, AS_OF)
    identity.resolve(module_database, AS_OF)
    run_script("campaign_ledger.sql")
    run_script("coupon_rows.sql")
    transform.build(module_database, AS_OF)
    transform.publish(module_database)
    with connect("bi_reader", settings=module_database) as conn:
        return {name: conn.execute(f"select * from marts.{name}").fetchall() for name in TABLES}


def one(found: Rows, **keys: Any) -> dict[str, Any]:
    (row,) = [row for row in found if all(row[name] == value for name, value in keys.items())]
    return row


def result(tables: Tables, campaign: str, variant: str = "a") -> dict[str, Any]:
    return one(tables["campaign_results"], campaign_id=campaign, variant=variant)


def test_each_variant_has_its_own_counts(tables: Tables) -> None:
    counts = ("planned", "accepted", "suppressed", "clicked", "bounced", "unsubscribed")
    assert [result(tables, "spring", "a")[name] for name in counts] == [8, 7, 1, 1, 0, 0]
    assert [result(tables, "spring", "b")[name] for name in counts] == [10, 10, 0, 3, 1, 1]
    assert result(tables, "spring", "b")["experiment"] == "words"
    assert result(tables, "summer")["experiment"] is None


@pytest.mark.parametrize(
    ("campaign", "variant", "last_touch", "linear", "position"),
    [
        # The click decides for spring, though summer's mail came later.
        pytest.param("spring", "a", (2, "40"), ("1.5", "35"), ("1.5", "35"), id="clicked"),
        pytest.param("spring", "b", (1, "50"), ("1.6667", "63.3333"), ("1.8", "66"), id="first-of-three"),
        pytest.param("summer", "a", (0, "0"), ("1.1667", "18.3333"), ("0.9", "13"), id="between"),
        pytest.param("extra", "a", (2, "40"), ("0.6667", "13.3333"), ("0.8", "16"), id="last-of-three"),
    ],
)
def test_three_models_share_out_the_same_orders(
    tables: Tables,
    campaign: str,
    variant: str,
    last_touch: tuple[int, str],
    linear: tuple[str, str],
    position: tuple[str, str],
) -> None:
    row = result(tables, campaign, variant)
    assert (row["orders_count"], row["reporting_revenue"]) == (last_touch[0], Decimal(last_touch[1]))
    for name, (orders, revenue) in {"linear": linear, "position": position}.items():
        assert (row[f"{name}_orders_count"], row[f"{name}_reporting_revenue"]) == (Decimal(orders), Decimal(revenue))


def test_cost_and_return_follow_the_mails_that_left(tables: Tables) -> None:
    row = result(tables, "spring", "a")
    assert row["reporting_cost"] == Decimal("0.0056")
    assert row["attributed_roi"] == pytest.approx((Decimal(40) - row["reporting_cost"]) / row["reporting_cost"])
    assert row["incremental_roi"] == pytest.approx(
        (row["incremental_reporting_revenue"] - row["reporting_cost"]) / row["reporting_cost"]
    )


def increment(treated: Sequence[float], held_out: Sequence[float]) -> tuple[float, float, float]:
    """Of all treated people together, with its interval: an independent path over every person's value."""
    change = np.mean(treated) - np.mean(held_out)
    margin = 1.96 * np.sqrt(np.var(treated, ddof=1) / len(treated) + np.var(held_out, ddof=1) / len(held_out))
    low, middle, high = (len(treated) * (change + sign * margin) for sign in (-1, 0, 1))
    return float(low), float(middle), float(high)


@pytest.mark.parametrize(("variant", "spent"), [("a", A), ("b", B)], ids=["a", "b"])
def test_the_increment_is_that_over_people_held_out(tables: Tables, variant: str, spent: Sequence[float]) -> None:
    row = result(tables, "spring", variant)
    assert (row["holdout"], row["holdout_count"], row["is_effect_complete"]) == ("holdout", 5, True)
    names = [f"incremental_reporting_revenue{end}" for end in ("_low", "", "_high")]
    assert [float(row[name]) for name in names] == pytest.approx(increment(spent, HELD_OUT), abs=1e-3)
    orders = [2.0 if value == 40 else float(value > 0) for value in spent]
    names = [f"incremental_orders_count{end}" for end in ("_low", "", "_high")]
    assert [float(row[name]) for name in names] == pytest.approx(increment(orders, (1, 0, 0, 0, 0)), abs=1e-3)


def test_who_is_held_out_of_everything_stands_in_where_nobody_else_is(tables: Tables) -> None:
    summer, extra = result(tables, "summer"), result(tables, "extra")
    assert (summer["holdout"], summer["holdout_count"]) == ("global_holdout", 4)
    assert extra["holdout"] is None
    assert extra["incremental_reporting_revenue"] is None


def test_an_arm_keeps_apart_who_waited_for_the_winner(tables: Tables) -> None:
    arms = {
        (row["arm"], row["is_in_test"]): (row["people_count"], row["buyers_count"], row["reporting_revenue"])
        for row in tables["campaign_arms"]
        if row["campaign_id"] == "spring"
    }
    assert arms == {
        ("a", True): (8, 2, Decimal(40)),
        ("b", True): (8, 1, Decimal(40)),
        ("b", False): (2, 1, Decimal(50)),
        ("holdout", True): (5, 1, Decimal(12)),
    }


def test_an_arm_knows_what_its_people_bought_before(tables: Tables) -> None:
    held_out = one(tables["campaign_arms"], campaign_id="spring", arm="holdout")
    # Ninety-nine buyers in a hundred spent less than the cap between the two who bought before.
    assert held_out["before_revenue"] == pytest.approx(39.75)
    treated = one(tables["campaign_arms"], campaign_id="spring", arm="a")
    assert (treated["before_revenue"], treated["before_products"]) == (15, 15 * 30)


def test_links_are_counted_without_what_could_name_a_person(tables: Tables) -> None:
    links = {
        (row["variant"], row["link"]): (row["people_count"], row["clicks_count"])
        for row in tables["campaign_links"]
        if row["people_count"]
    }
    assert links == {
        ("a", "https://shop.example/sale"): (1, 1),
        ("b", "https://shop.example/sale"): (1, 2),
        ("b", "https://mail.shop.example/u/…"): (1, 1),
        ("b", "https://shop.example/hi/…/x"): (1, 1),
    }


def test_what_a_scanner_clicked_is_counted_apart(tables: Tables) -> None:
    row = result(tables, "spring", "b")
    assert (row["clicked"], row["machine_clicked_only"]) == (3, 1)
    machines = {row["link"]: row["machine_clicks_count"] for row in tables["campaign_links"] if row["variant"] == "b"}
    followed = {link.rpartition("/")[2] for link, count in machines.items() if count}
    assert followed == {"sale", "new", "old"}
    unread = one(tables["campaign_links"], variant="b", link="https://shop.example/new")
    assert (unread["people_count"], unread["clicks_count"], unread["first_clicked_at"]) == (0, 0, None)
    arms = [row for row in tables["campaign_arms"] if (row["campaign_id"], row["arm"]) == ("spring", "b")]
    assert sum(row["clicked_count"] for row in arms) == 3
    assert sum(row["machine_clicked_only"] for row in tables["campaign_mailboxes"]) == 1


def test_families_of_mailboxes_are_told_apart(tables: Tables) -> None:
    families = {
        row["mailbox"]: (row["planned"], row["accepted"], row["bounced"], row["unsubscribed"])
        for row in tables["campaign_mailboxes"]
        if row["campaign_id"] == "spring"
    }
    assert families == {"gmail": (9, 8, 0, 1), "rest": (9, 9, 1, 0)}


def test_cohorts_follow_people_week_by_week_until_now(tables: Tables) -> None:
    spring = [row for row in tables["campaign_cohorts"] if row["campaign_id"] == "spring"]
    # The fifth week after 1 May ended on 5 June at 05:00.
    assert {row["week"] for row in spring} == set(range(5))
    week = {(row["arm"], row["week"]): (row["buyers_count"], row["orders_count"]) for row in spring}
    assert (week["a", 0], week["a", 2], week["b", 0], week["holdout", 0]) == ((2, 2), (1, 1), (2, 3), (1, 1))
    assert one(spring, arm="b", week=1)["unsubscribed_count"] == 1


def test_a_code_is_followed_to_the_order_that_named_it(tables: Tables) -> None:
    assert {row["masked_code"] for row in tables["coupons"]} == {"…001", "…002", "…003", "…009"}
    assert {(row["pool"], row["campaign_id"], row["occurrence_key"]) for row in tables["coupons"]} == {
        ("spring10", "spring", "2026-05-01T06:00")
    }
    used = one(tables["coupons"], masked_code="…001")
    assert used["redeemed_order_id"] == "shopify:gid://shopify/Order/1"
    assert (used["discount_amount"], used["revenue"], used["currency_code"]) == (2, 10, "GBP")
    assert used["redeemed_at"] == datetime(2026, 5, 3, 10, tzinfo=UTC)
    assert used["redeemed_by_customer_id"] == used["customer_id"]
    unused = one(tables["coupons"], masked_code="…002")
    assert (unused["is_redeemed"], unused["orders_count"], unused["redeemed_order_id"]) == (False, 0, None)
    twice = one(tables["coupons"], masked_code="…009")
    assert (twice["orders_count"], twice["redeemed_order_id"]) == (2, "shopify:gid://shopify/Order/4")
    passed_on = one(tables["coupons"], masked_code="…003")
    assert passed_on["redeemed_order_id"] == "shopify:gid://shopify/Order/6"
    assert passed_on["redeemed_by_customer_id"] != passed_on["customer_id"]


def test_a_pool_tells_how_many_of_its_codes_were_redeemed(module_database: Settings, tables: Tables) -> None:
    with connect("engine", settings=module_database) as conn:
        spring, other = coupons.redeemed(conn, "spring10"), coupons.redeemed(conn, "other")
    assert str(spring) == "3 of 4 redeemed (75.0%), last on 2026-05-04, as of the last build"
    assert str(other) == "0 of 0 redeemed, as of the last build"


def test_no_table_of_bi_holds_a_code(module_database: Settings, tables: Tables) -> None:
    with connect("bi_reader", settings=module_database) as conn:
        columns = conn.execute(
            "select table_schema, table_name, column_name from information_schema.column_privileges"
            " where grantee = 'bi_reader' and column_name in ('code', 'discount_codes')"
        ).fetchall()
    assert columns == []
    whole = ("SPRING-001", "SPRING-002", "SPRING-003", "SPRING-009", "SPRING-FREE")
    assert [code for code in whole if code in str(tables["coupons"]).upper()] == []


def test_a_marketer_reads_the_results_in_words(module_database: Settings, tables: Tables) -> None:
    console = Console(width=100)
    with console.capture() as shown:
        console.print(render(read("spring", module_database)))
    print(shown.get())
    text = " ".join(shown.get().split())
    assert "spring 2026-05-01T06:00, planned 2026-05-01 05:00 UTC, figures of 2026-06-05 08:00 UTC" in text
    assert "opened by machines only" in text
    assert "Beyond what 5 people held out bought anyway" in text
    assert "cannot tell yet" in text
    assert "b against a, clicks: +25.00 points; cannot tell yet: fewer than 50 people did anything" in text


def test_occurrences_of_a_period_are_read_together(module_database: Settings, tables: Tables) -> None:
    (spring,) = read_pooled("spring", module_database)
    alone = read("spring", module_database)
    assert spring.pool
    assert (spring.pool.step, spring.pool.occurrences, spring.pool.people) == ("", 1, 23)
    # Of one occurrence the pool says what the occurrence says.
    assert spring.comparisons == alone.comparisons
    for pooled, row in zip(spring.variants, alone.variants, strict=True):
        names = [f"incremental_{total}" for total in ("orders_count", "reporting_revenue")]
        assert [pooled[name] for name in names] == pytest.approx([float(row[name]) for name in names], abs=1e-3)
        assert [pooled[name] for name in COUNTED] == [row[name] for name in COUNTED]
    with pytest.raises(PermanentError, match="look further back with --days"):
        read_pooled("spring", module_database, days=20)


def test_nobody_held_out_is_said_to_be_a_gap(module_database: Settings, tables: Tables) -> None:
    assert list(changes(read("extra", module_database))) == [
        "Nobody was held out, so nobody can say what would have been bought anyway (holdout_percent)."
    ]


def test_what_was_never_sent_has_no_results(module_database: Settings, tables: Tables) -> None:
    with pytest.raises(PermanentError, match="autumn: no mail of it is in the published tables"):
        read("autumn", module_database)
    with pytest.raises(PermanentError, match="spring 2026-01-01T06:00: no mail"):
        read("spring", module_database, "2026-01-01T06:00")
