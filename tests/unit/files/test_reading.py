"""What is read from a file: encodings, delimiters, kinds of files, and headers that do not fit."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rapport.errors import PermanentError
from rapport.sources.files import Mapping
from rapport.sources.files.read_csv import WRONG_FIELDS
from rapport.sources.files.reading import Reading, open_reading

Make = Callable[..., Mapping]
Write = Callable[..., Path]
HEADER = "Order,Date,Code,Title,Qty,Price\n"


def read(path: Path, mapping: Mapping) -> tuple[list[dict[str, Any]], list[Any], Reading]:
    reading = open_reading(path, mapping, "UTC")
    landings = list(reading.batches())
    rows = [row for landing in landings for row in landing.table.to_pylist()]
    return rows, [bad for landing in landings for bad in landing.bad], reading


def told(reading: Reading, setting: str) -> str:
    return next(item.value for item in reading.detected if item.setting == setting)


@pytest.mark.parametrize(
    ("title", "encoding", "detected"),
    [
        ("Tasse", "utf-8", "utf-8"),
        ("Tässchen für Zoë", "utf-8", "utf-8"),
        ("Tässchen für Zoë", "utf-8-sig", "utf-8-sig"),
        ("Tässchen für Zoë", "utf-16", "utf-16"),
        ("Tässchen für Zoë", "utf-16-le", "utf-16-le"),
        ("Tässchen für Zoë", "utf-16-be", "utf-16-be"),
        ("Tässchen für Zoë – 5 €", "cp1252", "cp1252"),
        ("湯のみ茶碗 染付け ラッキーキャット", "shift_jis", "cp932"),
        ("كوب قهوة من الخزف", "utf-8", "utf-8"),
        ("ספל קפה ‏מחרס", "utf-8", "utf-8"),
    ],
)
def test_the_encoding_is_found(mapping: Make, write: Write, title: str, encoding: str, detected: str) -> None:
    line = f"1,2024-03-01 10:00,A1,{title},1,2.50\n"
    rows, bad, reading = read(write(HEADER + line * 5, encoding), mapping())
    assert {row["title"] for row in rows} == {title}
    assert (len(rows), bad, told(reading, "encoding")) == (5, [], detected)


def test_a_stated_encoding_is_taken(mapping: Make, write: Write) -> None:
    path = write(HEADER + "1,2024-03-01,A1,Čaj a šálek,1,2.50\n", "cp1250")
    rows, _, reading = read(path, mapping(encoding="cp1250"))
    assert rows[0]["title"] == "Čaj a šálek"
    assert reading.detected[1].how == "stated"


def test_broken_bytes_in_a_utf8_file_cost_only_their_row(mapping: Make, write: Write) -> None:
    good = "1,2024-03-01,A1,Zoë,1,2.50\n".encode() * 30
    rows, bad, _ = read(write(HEADER.encode() + good + b"2,2024-03-01,A1,Zo\xeb,1,2.50\n"), mapping())
    assert len(rows) == 30
    values = ("2", "2024-03-01", "A1", "Zo\\xeb", "1", "2.50")
    record = dict(zip(HEADER.strip().split(","), values, strict=True))
    assert bad == [(31, "bytes that are not utf-8 text", record)]


def test_bytes_outside_a_stated_encoding_cost_only_their_row(mapping: Make, write: Write) -> None:
    data = HEADER.encode() + b"1,2024-03-01,A1,ok,1,2.50\n2,2024-03-01,A1,\x81,1,2.50\n"
    rows, bad, _ = read(write(data), mapping(encoding="cp1252"))
    assert [row["order_id"] for row in rows] == ["1"]
    assert [(number, reason) for number, reason, _ in bad] == [(2, "bytes that are not cp1252 text")]


@pytest.mark.parametrize(("sign", "name"), [(",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "bar")])
def test_the_delimiter_is_found(mapping: Make, write: Write, sign: str, name: str) -> None:
    text = (HEADER + '1,2024-03-01,A1,"a, b; c",1,2.50\n').replace(",", sign).replace(f"a{sign} b; c", "a, b; c")
    if sign == ";":
        text = text.replace("a, b; c", "a, b c")
    rows, bad, reading = read(write(text), mapping())
    assert (len(rows), bad, told(reading, "delimiter")) == (1, [], name)
    assert rows[0]["title"].startswith("a, b")


def test_line_breaks_within_quotes_and_blanks_around_values_are_kept_and_cut(mapping: Make, write: Write) -> None:
    path = write(' order ,DATE,Code,"Tit""le",Title,Qty,Price\r\n1,2024-03-01,  A1 ,x,"two\r\nlines",1,2.50')
    rows, bad, _ = read(path, mapping())
    assert bad == []
    assert (rows[0]["sku"], rows[0]["title"]) == ("A1", "two\r\nlines")


def test_lines_above_the_header_are_skipped_when_stated(mapping: Make, write: Write) -> None:
    path = write("Orders of Märchenladen\nmade 2024\n" + HEADER + "1,2024-03-01,A1,x,1,2.50\n")
    assert len(read(path, mapping(skip_lines=2))[0]) == 1


@pytest.mark.parametrize("content", ["", HEADER, HEADER.strip(), "\n\n"])
def test_a_file_without_rows_gives_none(mapping: Make, write: Write, content: str) -> None:
    assert read(write(content), mapping())[:2] == ([], [])


def test_a_header_without_a_mapped_column_is_refused(mapping: Make, write: Write) -> None:
    path = write("Order,Date,Code,Name,Qty,Price\n1,2024-03-01,A1,x,1,2.50\n")
    with pytest.raises(PermanentError, match=r"orders\.csv: the header lacks 'Title'; it has 'Order', 'Date'"):
        read(path, mapping())


def test_a_mapped_header_that_stands_twice_is_refused(mapping: Make, write: Write) -> None:
    with pytest.raises(PermanentError, match="'Title' stands 2 times in the header"):
        read(write(HEADER.replace("Code", "Title,Code") + "1,2,3,4,5,6,7\n"), mapping())


def test_a_quote_that_is_never_closed_is_told(mapping: Make, write: Write) -> None:
    path = write(HEADER + '1,2024-03-01,A1,"x,1,2.50\n' + "2,2024-03-01,A1,y,1,2.50\n" * 3)
    rows, bad, _ = read(path, mapping())
    assert (rows, [reason for _, reason, _ in bad]) == ([], [WRONG_FIELDS])


def test_a_quote_that_swallows_a_long_file_refuses_it(
    mapping: Make, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rapport.sources.files.read_csv.BLOCK_BYTES", 4_096)
    path = write(HEADER + '1,2024-03-01,A1,"x,1,2.50\n' + "2,2024-03-01,A1,y,1,2.50\n" * 900)
    with pytest.raises(PermanentError, match=r"cannot be split into records: .* opened and never closed"):
        read(path, mapping())


def test_blocks_are_joined_without_a_seam(mapping: Make, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rapport.sources.files.read_csv.BLOCK_BYTES", 512)
    lines = [f'{n // 7},2024-03-01,A{n},"a\nb",{"x" if n % 50 == 0 else 1},2\n' for n in range(1, 500)]
    lines[99] = "too,few\n"
    rows, bad, _ = read(write(HEADER + "".join(lines)), mapping())
    assert sorted(number for number, *_ in bad) == [50, *range(100, 500, 50)]
    assert [row["record_no"] for row in rows] == [n for n in range(1, 500) if n % 50]
    assert all(row["sku"] == f"A{row['record_no']}" for row in rows)
    assert rows[-1]["line_no"] == 499 - 71 * 7 + 1


def test_records_keep_their_numbers_when_some_have_too_few_fields(mapping: Make, write: Write) -> None:
    good, short, wrong = "1,2024-03-01,A,x,1,2\n", "1,2024-03-01,A\n", "1,2024-03-01,A,x,many,2\n"
    _, bad, _ = read(write(HEADER + good + short + good + short + wrong + good), mapping())
    assert sorted((number, reason.split(" ")[0]) for number, reason, _ in bad) == [
        (2, "the"),
        (4, "the"),
        (5, "quantity"),
    ]


def test_json_lines_are_read_with_their_types_and_inner_keys(mapping: Make, write: Write) -> None:
    path = write(
        '{"Order": 1, "Date": "2024-03-01T10:00:00+02:00", "Code": 7, "Title": "x", "Qty": 2, "Price": {"eur": 2.5}}\n'
        "not json\n\n"
        '{"Order": "B", "Date": "2024-03-01", "Qty": 2, "Price": {"eur": "3"}, "Title": null, "Code": true}\n',
        name="orders.jsonl",
    )
    columns = {**mapping().columns, "unit_price": "Price.eur"}
    rows, bad, _ = read(path, mapping(columns=columns))
    assert [(row["order_id"], row["unit_price"], row["sku"], row["title"]) for row in rows] == [
        ("1", "2.5", "7", "x"),
        ("B", "3", "true", None),
    ]
    assert rows[0]["ordered_at"] == datetime(2024, 3, 1, 8, tzinfo=UTC)
    assert bad == [(2, "not a JSON object in one line", {"line": "not json"})]


def test_json_lines_that_never_hold_a_mapped_key_are_refused(mapping: Make, write: Write) -> None:
    with pytest.raises(PermanentError, match="lacks 'Date', 'Code'"):
        read(write('{"Order": 1}\n', name="orders.jsonl"), mapping())


def test_an_excel_sheet_is_read(mapping: Make, excel: Callable[[list[list[Any]]], Path]) -> None:
    path = excel(
        [
            ["Order", "Date", "Code", "Title", "Qty", "Price"],
            [536365, datetime(2010, 12, 1, 8, 26), 85048, "Glocke", 6, 2.55],  # noqa: DTZ001
            ["C5", "not a date", "POST", None, -1, 3],
            [],
            ["A7", datetime(2011, 7, 1, 12), "X", "y", 1, "2.5"],  # noqa: DTZ001
        ]
    )
    rows, bad, _ = read(path, mapping(time_zone="Europe/London"))
    assert [(row["order_id"], row["sku"], row["unit_price"]) for row in rows] == [
        ("536365", "85048", "2.55"),
        ("A7", "X", "2.5"),
    ]
    assert rows[1]["ordered_at"] == datetime(2011, 7, 1, 11, tzinfo=UTC)
    assert [(number, reason) for number, reason, _ in bad] == [
        (2, "ordered_at is not a date or time of the expected format")
    ]


def test_a_parquet_file_is_read_with_its_types(mapping: Make, tmp_path: Path) -> None:
    table = pa.table(
        {
            "Order": [1.0, 2.0, float("nan")],
            "Date": pa.array([0, 86_400_000, 0], pa.timestamp("ms")),
            "Code": pa.array(["a", None, "c"]).dictionary_encode(),
            "Title": pa.nulls(3),
            "Qty": pa.array([1, 2, 3], pa.int8()),
            "Price": [0.1, float("inf"), 1e15],
        }
    )
    pq.write_table(table, tmp_path / "orders.parquet")
    rows, bad, _ = read(tmp_path / "orders.parquet", mapping())
    assert [(row["order_id"], row["unit_price"]) for row in rows] == [("1", "0.1")]
    assert [reason for _, reason, _ in bad] == [
        "unit_price is not a number",
        "order_id is empty; unit_price is not a number",
    ]


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"x", "orders.pdf", "cannot tell what kind of file this is"),
        (b"x", "orders.xlsx", "is not a excel file, in spite of its name"),
        (b"PAR1xx", "orders.parquet", "cannot be read as Parquet"),
        (b"PK\x03\x04xx", "orders.xlsx", "cannot be read as Excel"),
    ],
)
def test_a_file_of_no_known_kind_or_cut_short_is_refused(
    mapping: Make, write: Write, content: bytes, name: str, words: str
) -> None:
    with pytest.raises(PermanentError, match=words):
        read(write(content, name=name), mapping())
