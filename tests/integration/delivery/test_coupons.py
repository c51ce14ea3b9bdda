"""A code of one's own: one a send however often it is tried, never one for two, none that may have gone out before."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rapport.campaigns.offers import coupons
from rapport.clock import FixedClock
from rapport.db import connect
from rapport.delivery import Limits, run_dispatcher
from rapport.delivery.claim import SQL

QUICK = Limits(connect_seconds=0.5, read_seconds=1, deadline_seconds=2, lease_seconds=3, window_seconds=4)
CODE = re.compile(r"Code: (\S+) until")


@pytest.fixture
def stocked(shop: Any, tmp_path: Path) -> Any:
    """The shop, its template printing a code; returns a function that imports so many."""
    shop.conn.execute(
        "update ops.template set coupon = 'spring10', coupon_valid_seconds = 864000,"
        " body_text = body_text || ' Code: {{ coupon.code }} until {{ coupon.expires_at|date }}'"
    )

    def stock(number: int, *, ends_in: timedelta | None = None, prefix: str = "SPRING") -> coupons.ImportReport:
        file = tmp_path / "codes.csv"
        end = "" if ends_in is None else (shop.clock.now() + ends_in).isoformat()
        lines = [f"{prefix}-{at:04},{end}" for at in range(number)]
        file.write_text("\n".join(["code,ends_at", *lines]))
        return coupons.import_codes(shop.conn, "spring10", file, shop.clock.now())

    return stock


def codes(provider: Any) -> dict[str, str]:
    """By address, as the provider got them."""
    return {
        body["personalizations"][0]["to"][0]["email"]: CODE.findall(body["content"][0]["value"])[0]
        for body in provider.bodies
    }


def dispatch(shop: Any, **more: Any) -> Any:
    return run_dispatcher(shop.settings, shop.clock, until_idle=True, limits=QUICK, **more)


def test_each_reader_gets_a_code_of_their_own(shop: Any, provider: Any, stocked: Any) -> None:
    stocked(30)
    shop.plan(20)
    assert dispatch(shop, concurrency=8).accepted == 20
    given = codes(provider)
    assert len(given) == len(set(given.values())) == 20
    rows = shop.conn.execute("select * from ops.coupon_code where send_id is not null").fetchall()
    assert {row["code"] for row in rows} == set(given.values())
    assert {row["expires_at"] - row["bound_at"] for row in rows} == {timedelta(days=10)}


def test_a_second_try_sends_the_same_code(shop: Any, provider: Any, stocked: Any) -> None:
    stocked(5)
    (send_id,) = shop.plan(1)
    seen: list[str] = []
    answers = iter(["busy", "accept"])

    def behave(address: str) -> str:
        row = shop.conn.execute("select code from ops.coupon_code where send_id = %s", (send_id,)).fetchall()
        seen.extend(one["code"] for one in row)
        return next(answers, "accept")

    provider.behave = behave
    dispatch(shop)
    assert shop.row(send_id)["attempt_no"] == 2
    assert list(codes(provider).values()) == ["SPRING-0000"]
    assert seen == ["SPRING-0000"] * 2


def test_an_empty_pool_fails_the_messages_that_it_has_no_code_for(shop: Any, provider: Any, stocked: Any) -> None:
    stocked(2)
    shop.plan(5)
    dispatch(shop)
    assert shop.states() == {"accepted": 2, "failed": 3}
    reasons = {row["reason"] for row in shop.conn.execute("select reason from ops.send where state = 'failed'")}
    assert all("coupon" in reason for reason in reasons), reasons
    assert len(set(codes(provider).values())) == 2


def test_a_code_that_ends_before_the_reader_is_told_is_not_given(shop: Any, provider: Any, stocked: Any) -> None:
    stocked(3, ends_in=timedelta(days=9))
    stocked(3, ends_in=timedelta(days=11), prefix="LATER")
    shop.plan(2)
    dispatch(shop)
    assert {code[:5] for code in codes(provider).values()} == {"LATER"}


def test_two_workers_at_one_moment_never_take_the_same_code(shop: Any, stocked: Any) -> None:
    stocked(10)
    ids = shop.plan(10)
    halves = [ids[:5], ids[5:]]

    def bind(half: list[Any]) -> set[str]:
        with connect("engine", settings=shop.settings) as conn, conn.transaction():
            rows = conn.execute(SQL["bind"], {"send_ids": half, "now": shop.clock.now()}).fetchall()
            conn.execute("select pg_sleep(0.3)")
            return {row["code"] for row in rows}

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(bind, halves)
    assert len(first) == len(second) == 5
    assert None not in first | second
    assert not first & second


def test_codes_of_before_an_adoption_are_not_given_again(shop: Any, provider: Any, stocked: Any) -> None:
    stocked(3)
    shop.clock = FixedClock(shop.clock.now() + timedelta(minutes=1))
    shop.conn.execute(
        "insert into ops.adoption (adoption_id, adopted_by, adopted_at, forced, details)"
        " values (gen_random_uuid(), 'test', %s, false, '{}')",
        (shop.clock.now(),),
    )
    assert coupons.free(shop.conn, "spring10", timedelta(days=10), shop.clock.now()) == 0
    (send_id,) = shop.plan(1)
    rows = shop.conn.execute(SQL["bind"], {"send_ids": [send_id], "now": shop.clock.now()}).fetchall()
    assert [row["code"] for row in rows] == [None]


def test_bad_rows_of_a_file_are_told_by_line_and_the_others_are_in(shop: Any, tmp_path: Path) -> None:
    file = tmp_path / "codes.csv"
    file.write_text(
        "code,ends_at\nGOOD-1,\nno good,\ngood-1,\nGOOD-2,2026-01-01\nGOOD-3,soon\n\nGOOD-4,2030-01-01\nOTHER-1,\n",
        encoding="utf-8-sig",
    )
    coupons.add(shop.conn, "other", "import", [("other-1", None)], shop.clock.now())
    report = coupons.import_codes(shop.conn, "spring10", file, shop.clock.now())
    assert report.added == 2
    assert [fault.partition(":")[0] for fault in report.faults] == ["line 3", "line 4", "line 5", "line 6", "line 9"]
    assert "belongs to other already" in report.faults[-1]
    again = coupons.import_codes(shop.conn, "spring10", file, shop.clock.now())
    assert (again.added, again.known) == (0, 2)


def test_whoever_approves_reads_that_codes_are_short(shop: Any, stocked: Any) -> None:
    stocked(3)
    coupon = coupons.Coupon(name="spring10", valid_for="10d")
    assert coupons.shortage(shop.conn, coupon, 3, shop.clock.now()) is None
    told = coupons.shortage(shop.conn, coupon, 5, shop.clock.now())
    assert told is not None
    assert "2 would fail" in told
    assert "rapport coupons import" in told


def test_the_list_of_what_went_out_shows_no_code_in_full(shop: Any, provider: Any, stocked: Any) -> None:
    stocked(3)
    shop.plan(1)
    dispatch(shop)
    (row,) = coupons.bound(shop.conn, "spring10", 10)
    assert row["code"] == "…0000"
    assert (row["campaign_id"], row["state"]) == ("hello", "accepted")
    (pool,) = coupons.pools(shop.conn, shop.clock.now())
    assert (pool.free, pool.sent) == (2, 1)
