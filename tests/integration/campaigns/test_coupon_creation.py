"""Codes made in the store, over real HTTP: each once, whatever breaks off; what the store refuses is told."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from psycopg.types.json import Jsonb
from typer.testing import CliRunner

from rapport.campaigns.offers import coupon_creation, coupons
from rapport.cli import app as cli
from rapport.clock import FixedClock
from rapport.db import connect
from rapport.errors import DataError, PermanentError
from rapport.sandbox import shopify
from rapport.sandbox.faults import Faults
from rapport.sandbox.limits import LeakyBucket
from rapport.sandbox.servers import Servers
from rapport.sandbox.store import open_world
from rapport.settings import Settings
from rapport.sources.shopify.client import ShopifyClient

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FREE = timedelta(days=1)


class BrokeOff(Exception):
    pass


class Store:
    """The sandbox's store, empty, on a port of its own."""

    def __init__(self, world: Path) -> None:
        self.faults = Faults()
        self.con = open_world(world)
        self._loop = asyncio.new_event_loop()
        self._servers = Servers("127.0.0.1")
        served = shopify.app(world, FixedClock(NOW), self.faults, bucket=LeakyBucket(50_000, 50_000))
        self.port = self._servers.add("shopify", served, 0)
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        asyncio.run_coroutine_threadsafe(self._servers.start(), self._loop).result(30)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._servers.stop(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)

    def codes(self) -> list[str]:
        return [row["code"] for row in self.con.execute("select code from shopify_discount_codes order by id")]

    def discounts(self) -> list[dict[str, Any]]:
        return [orjson.loads(row["doc"]) for row in self.con.execute("select doc from shopify_discounts order by id")]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def settings(database: Settings, store: Store) -> Settings:
    return database.model_copy(update={"shopify_url": f"http://127.0.0.1:{store.port}", "shopify_token": shopify.TOKEN})


def asked(**more: Any) -> coupon_creation.Terms:
    return coupon_creation.terms(**{"coupon": "spring10", "count": 600, "title": "Spring", "percent": "10"} | more)


def create(
    settings: Settings, terms: coupon_creation.Terms, wait: Callable[[float], None] = lambda _: None, at: datetime = NOW
) -> coupon_creation.Creation:
    with connect("engine", autocommit=True, settings=settings) as conn:
        return coupon_creation.create(conn, ShopifyClient(settings, wait=wait), terms, at)


def pool(settings: Settings) -> list[dict[str, Any]]:
    with connect("engine", settings=settings) as conn:
        return conn.execute("select code, coupon, ends_at, origin from ops.coupon_code order by code").fetchall()


def test_the_pool_gets_what_the_store_has(settings: Settings, store: Store) -> None:
    made = create(settings, asked(ends_in="30d"))
    assert (made.made, made.refused) == (600, {})
    rows = pool(settings)
    assert sorted(row["code"] for row in rows) == sorted(store.codes())
    assert len({row["code"] for row in rows}) == 600
    assert {(row["coupon"], row["origin"], row["ends_at"]) for row in rows} == {
        ("spring10", "store", NOW + timedelta(days=30))
    }
    (discount,) = store.discounts()
    assert (discount["title"], discount["usageLimit"], discount["appliesOncePerCustomer"]) == ("Spring", 1, False)
    assert discount["value"]["value"] == {"percentage": 0.1}
    assert discount["endsAt"] == "2026-03-31T12:00:00+00:00"
    sizes = [
        len(orjson.loads(row["doc"])["codes"]) for row in store.con.execute("select * from shopify_code_creations")
    ]
    assert sizes == [249, 250, 100]


def test_a_second_run_makes_more(settings: Settings, store: Store) -> None:
    create(settings, asked(count=3))
    create(settings, asked(count=3))
    assert len(pool(settings)) == len(store.codes()) == 6
    assert len(store.discounts()) == 2


@pytest.mark.parametrize("breaks_at", [1, 2, 3], ids=["first_batch", "second_batch", "third_batch"])
def test_a_run_that_breaks_off_is_finished_by_the_next(settings: Settings, store: Store, breaks_at: int) -> None:
    waits = Counter[str]()

    def wait(_: float) -> None:
        waits["times"] += 1
        if waits["times"] == breaks_at:
            raise BrokeOff

    with pytest.raises(BrokeOff):
        create(settings, asked(ends_in="30d"), wait)
    assert len(pool(settings)) < 600
    again = create(settings, asked(ends_in="30d"), at=NOW + timedelta(hours=5))
    assert again.refused == {}
    assert sorted(row["code"] for row in pool(settings)) == sorted(store.codes())
    assert len(store.codes()) == 600
    assert len(store.discounts()) == 1
    assert {row["ends_at"] for row in pool(settings)} == {NOW + timedelta(days=30)}


def test_answers_that_are_lost_double_nothing(settings: Settings, store: Store) -> None:
    class Deaf(ShopifyClient):
        """Loses the first answer to every mutation: the store has acted, and is asked again."""

        def run(self, name: str, variables: Mapping[str, Any]) -> dict[str, Any]:
            if name in ("createDiscount", "addCodes"):
                store.faults.set({"truncated": 1})
            return super().run(name, variables)

    with connect("engine", autocommit=True, settings=settings) as conn:
        client = Deaf(settings, wait=lambda _: None)
        made = coupon_creation.create(conn, client, asked(count=300), NOW)
    assert (made.made, made.refused) == (300, {})
    assert sorted(row["code"] for row in pool(settings)) == sorted(store.codes())
    assert (len(store.codes()), len(store.discounts())) == (300, 1)


def test_codes_of_before_an_adopted_restore_are_not_free(settings: Settings) -> None:
    def wait(_: float) -> None:
        raise BrokeOff

    with pytest.raises(BrokeOff):
        create(settings, asked(count=5), wait)
    with connect(settings=settings) as conn:
        conn.execute(
            "insert into ops.adoption (adoption_id, adopted_by, adopted_at, forced, details)"
            " values (gen_random_uuid(), 'test', %s, false, '{}')",
            [NOW + timedelta(hours=1)],
        )
    create(settings, asked(count=5), at=NOW + timedelta(hours=2))
    with connect("engine", settings=settings) as conn:
        assert coupons.free(conn, "spring10", FREE, NOW + timedelta(hours=2)) == 0


def test_another_wish_for_a_pool_that_is_unfinished_is_refused(settings: Settings, store: Store) -> None:
    def wait(_: float) -> None:
        raise BrokeOff

    with pytest.raises(BrokeOff):
        create(settings, asked(count=5), wait)
    with pytest.raises(DataError, match=r"unfinished creation: 5 codes of 10%"):
        create(settings, asked(count=6))
    assert create(settings, asked(coupon="other", count=2)).made == 2
    create(settings, asked(count=5))
    assert Counter(row["coupon"] for row in pool(settings)) == {"spring10": 5, "other": 2}


def test_what_the_store_refuses_is_told_and_in_no_pool(settings: Settings, store: Store) -> None:
    with connect("engine", autocommit=True, settings=settings) as conn:
        terms = asked(count=4)
        conn.execute(
            coupon_creation.SQL["begin"],
            {
                "coupon": "spring10",
                "terms": Jsonb(terms.model_dump(mode="json")),
                "codes": ["MINE1", "THEIRS", "MINE2", "MINE3"],
                "now": NOW,
            },
        )
    store.con.execute("insert into shopify_discounts (id, doc) values (1, '{}')")
    store.con.execute("insert into shopify_discount_codes (code, discount_id) values ('theirs', 1)")
    made = create(settings, terms)
    assert made.made == 3
    assert made.refused == {"code: Code must be unique. Please try a different code.": 1}
    assert [row["code"] for row in pool(settings)] == ["MINE1", "MINE2", "MINE3"]


def test_terms_that_the_store_refuses_leave_nothing_behind(settings: Settings, store: Store) -> None:
    with pytest.raises(PermanentError, match=r"basicCodeDiscount\.title: Title can't be blank"):
        create(settings, asked(count=5, title=" "))
    with connect("engine", settings=settings) as conn:
        assert coupon_creation.unfinished(conn, "spring10") is None
    assert (store.codes(), pool(settings)) == ([], [])


def test_an_amount_is_in_the_shops_currency(settings: Settings, store: Store) -> None:
    with pytest.raises(DataError, match="amounts are in GBP, not in EUR"):
        create(settings, asked(count=1, percent=None, amount="5", currency="EUR"))
    create(settings, asked(count=1, percent=None, amount="5.50", currency="GBP"))
    (discount,) = store.discounts()
    assert discount["value"]["value"] == {"discountAmount": {"amount": "5.50", "appliesOnEachItem": False}}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"percent": None}, "either --percent or --amount"),
        ({"amount": "5", "currency": "GBP"}, "either --percent or --amount"),
        ({"percent": None, "amount": "5"}, "go together"),
        ({"percent": "120"}, "percent"),
        ({"count": 0}, "count"),
        ({"ends_in": "5m"}, "--ends-in"),
        ({"coupon": "Spring 10"}, "coupon"),
    ],
    ids=["no_worth", "two_worths", "no_currency", "too_much", "none", "too_short", "name"],
)
def test_words_that_say_nothing_sensible_are_refused(words: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        asked(**words)


def test_the_command_says_what_it_would_do_and_does_it(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rapport.cli.coupons.get_settings", lambda: settings)
    words = ["coupons", "create", "spring10", "--count", "2", "--percent", "10"]
    dry = CliRunner().invoke(cli, [*words, "--dry-run"])
    assert dry.output == "spring10: would make 2 codes of 10%, without an end, titled 'spring10'\n"
    assert (store.codes(), pool(settings)) == ([], [])
    done = CliRunner().invoke(cli, words)
    assert done.output == "spring10: 2 codes made in the store and added\n"
    assert len(pool(settings)) == 2
    # Nothing was built yet, so nothing is said of what was redeemed.
    assert CliRunner().invoke(cli, ["coupons", "show", "spring10"]).output == "no code of spring10 has gone out\n"
