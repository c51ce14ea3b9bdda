"""What a build makes of changed orders only equals what it would make of all of them, table by table, whatever the
history: late, changed, cancelled and deleted orders, merged people, builds that stopped half way, builds taken back."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import LiteralString

import pytest
from psycopg import sql

from rapport import identity, transform
from rapport.db import connect
from rapport.landing import prepare_raw
from rapport.settings import Settings
from rapport.transform.runner import run_dbt
from tests.integration.warehouse.conftest import run_script

FIRST = datetime(2026, 3, 25, 8, tzinfo=UTC)
LAYERS = ["marts", "segments", "activation"]
INCREMENTS = ["int_orders", "int_order_lines", "int_order_item_amounts", "int_order_amounts"]
INCREMENTS += ["int_web_visits", "int_web_sessions"]

# Each takes a number n drawn from the seed.
OF_SOME: LiteralString = " where id in (select id from raw_shopify.orders order by md5(id || %(n)s) limit 2)"
RETURNED: LiteralString = (
    "update raw_shopify.orders set line_items = jsonb_set(line_items, '{0,current_quantity}', '0')"
)
MOVED: LiteralString = (
    "update raw_shopify.orders set customer_id = 'gid://shopify/Customer/' || 1 + %(n)s::integer %% 6"
)
CHANGES: dict[str, LiteralString] = {
    "late": """
        insert into raw_shopify.orders (
            id, name, customer_id, email, created_at, updated_at, test, currency_code, source_name, shipping_amount,
            line_items
        )
        select
            'gid://shopify/Order/9' || %(n)s, '#9' || %(n)s, customer_id, email,
            timestamptz '2026-01-01' + %(n)s::integer * interval '1 hour', %(at)s, false,
            (array['GBP', 'EUR', 'JPY'])[1 + %(n)s::integer %% 3], source_name, 3,
            jsonb_set(line_items, '{0,id}', to_jsonb('gid://L/9' || %(n)s))
        from raw_shopify.orders where id = 'gid://shopify/Order/1'
        on conflict do nothing""",
    "returned": RETURNED + OF_SOME,
    "cancelled": "update raw_shopify.orders set cancelled_at = %(at)s" + OF_SOME,
    "emptied": "update raw_shopify.orders set line_items = '[]'" + OF_SOME,
    "a test": "update raw_shopify.orders set test = not coalesce(test, false)" + OF_SOME,
    "another buyer": MOVED + OF_SOME,
    "deleted": "delete from raw_shopify.orders" + OF_SOME,
    "deleted and back": """
        with gone as (delete from raw_shopify.orders where id = 'gid://shopify/Order/2' returning *)
        insert into raw_shopify.orders select * from gone""",
    "line of a file": "update raw_files.order_lines set quantity = quantity + 1 where md5(order_id || %(n)s) < '4'",
    "line of a file gone": "delete from raw_files.order_lines where md5(order_id || line_no || %(n)s) < '2'",
    "merged people": """
        update raw_shopify.customers set email = 'bea@example.com', first_name = 'Bea', last_name = 'Stone'
        where id = 'gid://shopify/Customer/' || 4 + %(n)s::integer %% 2""",
    "split people": """
        update raw_shopify.customers set email = 'apart' || %(n)s || '@example.com', first_name = 'Ann' || %(n)s
        where id = 'gid://shopify/Customer/2'""",
    "visits": """
        insert into raw_web.events (
            message_id, type, name, device_id, user_id, properties, page, channel, device_kind, is_bot, has_consent,
            occurred_at, received_at
        )
        select
            'e' || %(n)s || '-' || step, 'track', 'Product Viewed', 'd' || step %% 3,
            case when step = 4 then '1' end, jsonb_build_object('product_id', (1 + step %% 2)::text),
            '{"path": "/p"}', 'web', 'mobile', step = 5, true,
            timestamptz '2026-03-01' + (%(n)s::integer %% 40 + step * 11) * interval '1 minute', %(at)s
        from generate_series(1, 8) as step
        on conflict do nothing""",
    "an erased device": "delete from raw_web.events where device_id = 'd' || %(n)s::integer %% 3",
    "an event gone": "delete from raw_web.events where md5(message_id || %(n)s) < '4'",
    "another category": "update raw_shopify.products set product_type = 'Type ' || %(n)s",
}
# A build that stopped half way: some of the tables are of today, the others are not.
TORN = ["int_order_versions", "int_orders", "int_web_device_versions", "int_web_visits"]


def tables(settings: Settings, suffix: str) -> dict[str, Counter[str]]:
    """Every row, as text, of all that others read and of all that outlives a build."""
    found = {}
    with connect(settings=settings) as conn:
        names = conn.execute(
            "select table_schema as schema_name, table_name from information_schema.tables where"
            " table_schema = any(%(layers)s) or table_schema = 'intermediate' and table_name = any(%(increments)s)",
            {"layers": [f"{layer}{suffix}" for layer in LAYERS], "increments": INCREMENTS},
        ).fetchall()
        for row in names:
            name = sql.Identifier(row["schema_name"], row["table_name"])
            rows = conn.execute(sql.SQL("select found::text as found from {} as found").format(name)).fetchall()
            read_as = f"{row['schema_name'].removesuffix(suffix)}.{row['table_name']}"
            found[read_as] = Counter(one["found"] for one in rows)
    return found


def build(settings: Settings, as_of: datetime) -> None:
    transform.prepare(settings, as_of)
    identity.resolve(settings, as_of)
    transform.build(settings, as_of)
    transform.publish(settings)


def change(settings: Settings, lot: random.Random, count: int, at: datetime) -> list[str]:
    chosen = ["visits", "late", *lot.sample(sorted(CHANGES), count)]
    with connect("loader", settings=settings) as conn:
        for name in chosen:
            conn.execute(CHANGES[name], {"n": str(lot.randrange(1000)), "at": at})
    return chosen


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", [1, 2])
def test_increments_equal_a_whole_build(database: Settings, seed: int) -> None:
    lot = random.Random(seed)
    prepare_raw(database)
    for script in ("raw_defaults.sql", "raw_rows.sql", "more_rows.sql"):
        run_script(database, script)
    build(database, FIRST)
    day = timedelta(days=30)
    changes = [change(database, lot, 4, FIRST + day)]
    transform.prepare(database, FIRST + day)
    changes.append(change(database, lot, 3, FIRST + day))
    run_dbt("run", database, FIRST + day, ("--select", *TORN))
    changes.append(change(database, lot, 3, FIRST + day))
    build(database, FIRST + day)

    transform.rollback(database)
    changes.append(change(database, lot, 6, FIRST + 2 * day))
    build(database, FIRST + 2 * day)

    increments = tables(database, "")
    run_dbt("run", database, FIRST + 2 * day, ("--full-refresh",))
    whole = tables(database, "_next")
    different = {
        name: (list((increments[name] - rows).elements())[:2], list((rows - increments[name]).elements())[:2])
        for name, rows in whole.items()
        if increments[name] != rows
    }
    assert increments.keys() == whole.keys()
    assert sum(rows.total() for rows in whole.values()) > 100
    assert not different, changes


def test_an_unchanged_order_is_not_made_anew_and_a_changed_project_makes_all_anew(database: Settings) -> None:
    prepare_raw(database)
    for script in ("raw_defaults.sql", "raw_rows.sql"):
        run_script(database, script)

    def written() -> dict[str, str]:
        with connect("transformer", settings=database) as conn:
            rows = conn.execute("select order_key, xmin::text as xmin from intermediate.int_orders").fetchall()
        return {row["order_key"]: row["xmin"] for row in rows}

    transform.prepare(database, FIRST)
    first = written()
    with connect("loader", settings=database) as conn:
        conn.execute("update raw_shopify.orders set name = '#other' where id = 'gid://shopify/Order/1'")
    transform.prepare(database, FIRST)
    second = written()
    assert {key for key in first if first[key] != second[key]} == {"shopify:gid://shopify/Order/1"}

    elsewhere = database.model_copy(update={"default_country": "FR"})
    transform.prepare(elsewhere, FIRST)
    assert not {key for key, xmin in written().items() if second[key] == xmin}
