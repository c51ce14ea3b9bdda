"""Reading a record into its declared table, or into quarantine with a reason that shows no value."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from rapport.errors import TransientError
from rapport.sources.dlt_source import TimeCursor
from rapport.sources.pages import EMPTY_PAGES, PageGuard
from rapport.sources.records import Intake, Table, Unreadable

THINGS = Table(
    name="things",
    columns={
        "id": "bigint",
        "note": "text",
        "paid": "bool",
        "amount": "decimal",
        "tags": "json",
        "updated_at": "timestamp",
    },
    required=frozenset({"id", "updated_at"}),
    version="updated_at",
)
GOOD = {"id": "7", "updated_at": "2026-02-01T10:00:00+02:00"}


def test_a_record_becomes_exactly_the_declared_columns() -> None:
    row = THINGS.read(GOOD | {"note": "a\x00b", "amount": "12.5", "tags": ["x"], "paid": False, "more": 1})
    assert row == {
        "id": 7,
        "note": "ab",
        "paid": False,
        "amount": Decimal("12.5000"),
        "tags": ["x"],
        "updated_at": datetime(2026, 2, 1, 8, tzinfo=UTC),
    }


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": None}, "id is missing"),
        ({"id": ""}, "id is missing"),
        ({"id": 2**63}, "id is not a readable whole number"),
        ({"id": True}, "id is not a readable whole number"),
        ({"updated_at": "2026-02-01T10:00:00"}, "updated_at is not a readable time with a zone"),
        ({"updated_at": "31/12/2026"}, "updated_at is not a readable time with a zone"),
        ({"updated_at": "9999-12-31T23:59:59-23:00"}, "updated_at is not a readable time with a zone"),
        ({"amount": "NaN"}, "amount is not a readable amount"),
        ({"amount": "1e30"}, "amount is not a readable amount"),
        ({"amount": "12,50"}, "amount is not a readable amount"),
        ({"paid": "yes"}, "paid is not a readable true or false"),
        ({"tags": "a,b"}, "tags is not a readable list or object"),
        ({"note": {"a": 1}}, "note is not a readable text"),
    ],
)
def test_what_does_not_fit_is_named_by_column(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unreadable) as raised:
        THINGS.read(GOOD | change)
    assert str(raised.value) == reason


def test_intake_numbers_records_and_hands_bad_ones_on() -> None:
    kept: list[Any] = []
    intake = Intake(sink=lambda table, rows: kept.extend((table, *row) for row in rows))
    page = [GOOD, "text", GOOD | {"id": None}]
    assert len(list(intake.rows(THINGS, page, lambda record: record))) == 1
    assert list(intake.rows(THINGS, [GOOD], lambda record: {"id": record["missing"]["deeper"]})) == []
    intake.flush()
    assert [(table, number, reason) for table, number, reason, _ in kept] == [
        ("things", 2, "the record is not an object"),
        ("things", 3, "id is missing"),
        ("things", 4, "a nested part has another shape than the API states"),
    ]
    assert (intake.read["things"], intake.bad["things"]) == (4, 3)


def test_a_pager_that_stands_still_or_stays_empty_is_stopped() -> None:
    guard = PageGuard("Vendor: things")
    for number in range(EMPTY_PAGES - 1):
        guard.seen(0, f"c{number}")
    guard.seen(1, "full")
    guard.seen(0, "empty again")
    with pytest.raises(TransientError, match="points back"):
        guard.seen(5, "full")
    empty = PageGuard("Vendor: things")
    for number in range(EMPTY_PAGES - 1):
        empty.seen(0, f"c{number}")
    with pytest.raises(TransientError, match="empty pages in a row"):
        empty.seen(0, "last")


def test_the_cursor_never_goes_back_nor_past_the_clock() -> None:
    now = datetime(2026, 2, 1, tzinfo=UTC)
    state: dict[str, Any] = {}
    cursor = TimeCursor(state)
    assert cursor.start is None
    cursor.advance(now - timedelta(hours=1), now)
    assert cursor.start == now - timedelta(hours=1, minutes=10)
    cursor.advance(now - timedelta(hours=5), now)
    assert cursor.start == now - timedelta(hours=1, minutes=10)
    cursor.advance(now + timedelta(days=900), now)
    assert cursor.start == now - timedelta(minutes=10)
