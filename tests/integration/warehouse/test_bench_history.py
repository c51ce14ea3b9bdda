"""The history that `make bench-warehouse` makes is as large as asked, skewed, and changes by a day."""

from pathlib import Path

import pytest

from rapport.bench import warehouse
from rapport.db import connect
from rapport.errors import PermanentError
from rapport.landing import prepare_raw
from rapport.settings import Settings

SIZES = warehouse.Sizes(customers=400, orders=2_000, events=8_000)


def test_the_history_has_the_sizes_asked_for_and_few_who_buy_most(database: Settings) -> None:
    prepare_raw(database)
    warehouse._generate(database, SIZES)
    with connect("transformer", settings=database) as conn:
        counted = conn.execute(
            "select (select count(*) from raw_shopify.customers) as customers,"
            " (select count(*) from raw_shopify.orders) as orders, (select count(*) from raw_web.events) as events"
        ).fetchone()
        tenth = conn.execute(
            "select sum(n) filter (where place <= 0.1) / sum(n) as share from ("
            "  select count(*) as n, percent_rank() over (order by count(*) desc) as place"
            "  from raw_shopify.orders where customer_id is not null group by customer_id) as buyers"
        ).fetchone()
    assert counted == {"customers": 400, "orders": 2_000, "events": SIZES.web_events}
    assert tenth is not None
    assert tenth["share"] > 0.25


def test_a_disk_that_is_too_small_is_said_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="fewer --customers"):
        warehouse.require_room(tmp_path, warehouse.Sizes(10**12, 1, 1))
