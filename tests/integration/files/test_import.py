"""Files into Postgres: once, whole or not at all, and what is bad set aside with its reason."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from rapport.clock import FixedClock
from rapport.db import connect
from rapport.errors import DataError, PermanentError, TransientError
from rapport.landing.files import import_file
from rapport.settings import Settings
from rapport.sources.files import ImportReport, Mapping

CLOCK = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
HEADER = "Order;Date;Mail;Code;Qty;Price\n"
COLUMNS = {
    "order_id": "Order",
    "ordered_at": "Date",
    "email": "Mail",
    "sku": "Code",
    "quantity": "Qty",
    "unit_price": "Price",
}
ORDERS = Mapping.model_validate(
    {
        "feed": "laden",
        "relation": "order_lines",
        "columns": COLUMNS,
        "currency": "EUR",
        "time_zone": "Europe/Berlin",
        "rules": {"cancellation": {"column": "Order", "prefix": "S"}, "stock_movements": "zero_price_without_customer"},
        "line_kinds": {"postage": ["VERSAND"], "fee": [{"regex": "^GEB"}]},
    }
)
GOOD = [
    "1;14.03.2024 10:00;ada@example.com;A1;2;12,50",
    "1;14.03.2024 10:00;ada@example.com;versand;1;4,90",
    "S1;15.03.2024;ada@example.com;A1;-2;12,50",
    "2;01.07.2024 09:30;;A2;-5;0,00",
    "3;02.07.2024 09:30;שרה@example.com;GEB7;1;1.234,50",
]

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(lines: list[str], header: str = HEADER, name: str = "orders.csv") -> Path:
        path = tmp_path / name
        path.write_text(header + "".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path

    return make


def rows(settings: Settings, statement: LiteralString) -> list[dict[str, Any]]:
    with connect("loader", settings=settings) as conn:
        return conn.execute(statement).fetchall()


def run(path: Path, settings: Settings, mapping: Mapping = ORDERS, **more: Any) -> ImportReport:
    return import_file(path, mapping, settings, CLOCK, **more)


def test_lines_land_with_what_the_mapping_says_of_them(database: Settings, write: Write) -> None:
    report = run(write(GOOD), database)
    assert (report.rows_read, report.rows_landed, report.rows_changed, report.rows_quarantined) == (5, 5, 5, 0)
    found = rows(
        database,
        """
        select order_id, line_no, email, ordered_at, quantity::float8 as quantity, unit_price::float8 as price,
            currency_code, is_cancellation, line_kind
        from raw_files.order_lines order by order_id, line_no
        """,
    )
    june = datetime(2024, 7, 1, 7, 30, tzinfo=UTC)
    march = datetime(2024, 3, 14, 9, tzinfo=UTC)
    assert [tuple(row.values()) for row in found] == [
        ("1", 1, "ada@example.com", march, 2.0, 12.5, "EUR", False, "product"),
        ("1", 2, "ada@example.com", march, 1.0, 4.9, "EUR", False, "postage"),
        ("2", 1, None, june, -5.0, 0.0, "EUR", False, "adjustment"),
        ("3", 1, "שרה@example.com", june.replace(day=2), 1.0, 1234.5, "EUR", False, "fee"),
        ("S1", 1, "ada@example.com", datetime(2024, 3, 14, 23, tzinfo=UTC), -2.0, 12.5, "EUR", True, "product"),
    ]
    told = {item.setting: item.value for item in report.detected}
    assert (told["decimal"], told["dates in ordered_at"], told["delimiter"]) == (",", "dmy", "semicolon")


def test_the_load_keeps_the_report(database: Settings, write: Write) -> None:
    report = run(write([*GOOD, "4;gestern;a@example.com;A1;1;1,00"]), database)
    (load,) = rows(database, "select * from landing.load")
    assert (load["load_id"], load["source"], load["status"]) == (report.load_id, "files", "loaded")
    assert (load["rows_read"], load["rows_landed"], load["rows_quarantined"]) == (6, 5, 1)
    assert load["detail"]["quarantined_by_reason"] == report.quarantined_by_reason
    assert any("quarantined 1: ordered_at is not a date" in line for line in report.lines())


def test_bad_rows_go_to_quarantine_with_reason_and_record(database: Settings, write: Write) -> None:
    bad = [
        ";14.03.2024;a@example.com;A1;1;1,00",
        "7;31.02.2024;a@example.com;A1;1;1,00",
        "8;14.03.2024;a@example.com;A1;viele;",
        "9;14.03.2024;a\0@example.com;A1;1;1,00",
        "10;14.03.2024",
    ]
    report = run(write(GOOD + bad), database)
    assert (report.rows_read, report.rows_landed, report.rows_quarantined) == (10, 5, 5)
    found = rows(database, "select record_no, reason, record from landing.quarantine order by record_no")
    assert [(row["record_no"], row["reason"]) for row in found] == [
        (6, "order_id is empty"),
        (7, "ordered_at is not a date or time of the expected format"),
        (8, "quantity is not a number; unit_price is empty"),
        (9, "email holds a zero byte, which Postgres cannot store"),
        (10, "the number of fields differs from the header's"),
    ]
    assert found[2]["record"] == {
        "Order": "8",
        "Date": "14.03.2024",
        "Mail": "a@example.com",
        "Code": "A1",
        "Qty": "viele",
        "Price": "",
    }


def test_the_same_file_twice_changes_nothing(database: Settings, write: Write) -> None:
    path = write(GOOD)
    first = run(path, database)
    second = run(path, database)
    assert (second.already_imported, second.load_id, second.rows_read) == (True, first.load_id, 0)
    assert "already imported" in second.lines()[1]
    forced = run(path, database, again=True)
    assert (forced.rows_landed, forced.rows_changed) == (5, 0)
    assert {row["load_id"] for row in rows(database, "select load_id from raw_files.order_lines")} == {first.load_id}


def test_overlapping_exports_add_only_what_is_new(database: Settings, write: Write) -> None:
    run(write(GOOD), database)
    later = run(write([*GOOD[2:], "4;14.08.2024;a@example.com;A1;1;1,00"], name="later.csv"), database)
    assert (later.rows_landed, later.rows_changed) == (4, 1)
    assert len(rows(database, "select from raw_files.order_lines")) == 6


def test_a_corrected_mapping_reads_the_same_file_again(database: Settings, write: Write) -> None:
    path = write(GOOD)
    run(path, database)
    corrected = ORDERS.model_copy(update={"currency": "CHF"})
    assert run(path, database, corrected).rows_changed == 5
    assert rows(database, "select distinct currency_code from raw_files.order_lines") == [{"currency_code": "CHF"}]


def test_lines_of_one_order_need_not_stand_together(database: Settings, write: Write) -> None:
    run(write([GOOD[0], GOOD[4], GOOD[1]]), database)
    found = rows(database, "select sku, line_no from raw_files.order_lines where order_id = '1' order by line_no")
    assert [tuple(row.values()) for row in found] == [("A1", 1), ("versand", 2)]


def test_of_rows_with_one_stated_key_the_last_wins(database: Settings, write: Write) -> None:
    mapping = Mapping.model_validate(
        {"feed": "laden", "relation": "customers", "columns": {"id": "Id", "email": "Mail"}}
    )
    path = write(["1;a@example.com", "2;b@example.com", "1;c@example.com"], "Id;Mail\n")
    report = run(path, database, mapping)
    assert (report.rows_read, report.rows_landed, report.rows_superseded, report.rows_changed) == (3, 2, 1, 2)
    found = rows(database, "select id, email from raw_files.customers order by id")
    assert [tuple(row.values()) for row in found] == [("1", "c@example.com"), ("2", "b@example.com")]
    assert run(path, database, mapping, again=True).rows_changed == 0


def test_an_older_export_does_not_bring_old_facts_back(database: Settings, write: Write) -> None:
    mapping = Mapping.model_validate(
        {
            "feed": "laden",
            "relation": "customers",
            "columns": {"id": "Id", "email": "Mail", "email_consent": "Ok", "birth_date": "Born", "updated_at": "At"},
        }
    )
    header = "Id;Mail;Ok;Born;At\n"
    run(write(["1;new@example.com;nein;1980-12-24;2024-05-02"], header), database, mapping)
    run(write(["1;old@example.com;ja;1980-12-24;2024-05-01"], header, "old.csv"), database, mapping)
    (found,) = rows(database, "select email, email_consent, birth_date::text as born from raw_files.customers")
    assert found == {"email": "new@example.com", "email_consent": False, "born": "1980-12-24"}


def test_a_loyalty_programme_lands_and_an_older_export_takes_nothing_back(database: Settings, write: Write) -> None:
    mapping = Mapping.model_validate(
        {
            "feed": "club",
            "relation": "loyalty",
            "date_format": "ymd",
            "columns": {
                "id": "Card",
                "tier": "Tier",
                "points": "Points",
                "points_expiring": "Expiring",
                "expire_on": "Until",
                "updated_at": "Changed",
            },
        }
    )
    header = "Card,Tier,Points,Expiring,Until,Changed\n"
    run(write(["1001,gold,420,100,2027-03-31,2027-03-02", "1002,,many,,,2027-03-02"], header), database, mapping)
    run(write(["1001,silver,90,,,2027-03-01"], header, "older.csv"), database, mapping)
    found = rows(database, "select id, tier, points, points_expiring, expire_on::text as until from raw_files.loyalty")
    assert [tuple(row.values()) for row in found] == [("1001", "gold", 420, 100, "2027-03-31")]
    assert [row["reason"] for row in rows(database, "select reason from landing.quarantine")] == [
        "points is not a whole number"
    ]


def test_products_land(database: Settings, write: Write) -> None:
    mapping = Mapping.model_validate(
        {
            "feed": "laden",
            "relation": "products",
            "columns": {"id": "Nr", "price": "Preis", "inventory": "Lager", "currency_code": "Währung"},
        }
    )
    run(write(["0815;9,90;1.200;eur", "0816;;;", "0817;1,00;halb;EUR"], "Nr;Preis;Lager;Währung\n"), database, mapping)
    found = rows(
        database, "select id, price::text as price, inventory, currency_code from raw_files.products order by id"
    )
    assert [tuple(row.values()) for row in found] == [("0815", "9.9000", 1200, "EUR"), ("0816", None, None, None)]
    assert [row["reason"] for row in rows(database, "select reason from landing.quarantine")] == [
        "inventory is not a whole number"
    ]


@pytest.mark.parametrize("lines", [[], [""]])
def test_a_file_without_rows_is_a_load_of_none(database: Settings, write: Write, lines: list[str]) -> None:
    report = run(write(lines), database)
    assert (report.rows_read, report.rows_landed) == (0, 0)
    assert run(write([], header="", name="empty.csv"), database).rows_read == 0


@pytest.mark.parametrize(
    ("header", "lines", "words"),
    [
        (HEADER.replace("Price", "Preis"), GOOD, "the header lacks 'Price'"),
        (HEADER, ["1;01/02/2024;a;A1;1;1,5"], "reads as day/month and as month/day alike"),
        (HEADER, ["1;14.03.2024;a;A1;1;1,234"], "may mean a thousand or a fraction"),
        (
            HEADER,
            ["1;14.03.2024;a;A1;1;1,50", "1;14.03.2024;a;A1;1;1.50"],
            "1 numbers are written with a decimal point",
        ),
    ],
)
def test_what_cannot_be_read_as_a_whole_is_refused(
    database: Settings, write: Write, header: str, lines: list[str], words: str
) -> None:
    with pytest.raises(PermanentError, match=words):
        run(write(lines, header), database)
    (load,) = rows(database, "select status, error from landing.load")
    assert load["status"] == "failed"
    assert words in load["error"]
    assert rows(database, "select from raw_files.order_lines") == []


def test_stating_what_cannot_be_seen_makes_the_file_readable(database: Settings, write: Write) -> None:
    path = write(["1;01/02/2024;a;A1;1;1,234"])
    run(path, database, ORDERS.model_copy(update={"date_format": "mdy", "decimal": ","}))
    (row,) = rows(database, "select ordered_at, unit_price::text as price from raw_files.order_lines")
    assert row == {"ordered_at": datetime(2024, 1, 1, 23, tzinfo=UTC), "price": "1.2340"}


def test_a_file_that_is_mostly_unreadable_lands_nothing(database: Settings, write: Write) -> None:
    lines = ["1;14.03.2024;a;A1;viele;1,00"] * 60 + [GOOD[0]] * 59
    with pytest.raises(DataError, match=r"60 of the first 119 rows cannot be read: quantity is not a number \(60\)"):
        run(write(lines), database)
    assert rows(database, "select from raw_files.order_lines") == []
    assert rows(database, "select from landing.quarantine") == []
    tolerant = ORDERS.model_copy(update={"max_bad_share": 0.6})
    assert run(write(lines), database, tolerant).rows_quarantined == 60


def test_postgres_going_away_leaves_nothing_and_a_rerun_completes(
    database: Settings, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rapport.sources.files.read_csv.BLOCK_BYTES", 2_048)
    path = write([f"{n};14.03.2024;a@example.com;A1;{'x' if n == 3 else 1};1,00" for n in range(500)])
    seen = []

    def end_connections(read: int) -> None:
        seen.append(read)
        with connect(settings=database, autocommit=True) as conn:
            conn.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'rapport:loader' and datname = current_database()"
            )

    with pytest.raises(TransientError, match="Postgres went away during the import"):
        run(path, database, progress=end_connections)
    assert 0 < seen[0] < 500
    assert rows(database, "select from raw_files.order_lines") == []
    assert rows(database, "select from landing.quarantine") == []
    assert rows(database, "select from landing.file") == []
    assert [row["status"] for row in rows(database, "select status from landing.load")] == ["failed"]
    assert run(path, database).rows_landed == 499


def test_an_import_that_was_killed_is_closed_by_the_next(database: Settings, write: Write) -> None:
    with connect("loader", settings=database) as conn:
        conn.execute(
            "insert into landing.load (load_id, source, started_at, status)"
            " values (gen_random_uuid(), 'files', now(), 'running')"
        )
    run(write(GOOD), database)
    found = rows(database, "select status, error from landing.load order by status")
    assert [row["status"] for row in found] == ["failed", "loaded"]
    assert "ended without a word" in found[0]["error"]


def test_a_running_import_is_left_alone(database: Settings, write: Write) -> None:
    other = write(["5;14.08.2024;a@example.com;A1;1;1,00"], name="other.csv")
    products = Mapping.model_validate({"feed": "laden", "relation": "products", "columns": {"id": "Order"}})
    run(write(GOOD), database, progress=lambda _: run(other, database, products) and None)
    assert [row["status"] for row in rows(database, "select status from landing.load")] == ["loaded", "loaded"]


def test_a_refusal_by_postgres_names_no_personal_data(
    database: Settings, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise psycopg.errors.CheckViolation("Failing row contains (ada@example.com)")

    monkeypatch.setattr("rapport.landing.files.finish_load", refuse)
    with pytest.raises(PermanentError) as raised:
        run(write(GOOD), database)
    assert "ada@" not in str(raised.value)
    assert rows(database, "select error from landing.load") == [{"error": "CheckViolation"}]
