"""Numbers, dates, words and codes: what is read, what is refused, and what the data decides."""

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.errors import PermanentError
from rapport.sources.files import times, values
from rapport.sources.files.detect import DateEvidence, decide_order, decimal_sign
from rapport.sources.files.ordinals import Ordinals


def masked(parsed: values.Parsed) -> list[object]:
    """Values, with the word bad where one cannot be read."""
    array, bad = parsed
    mask = bad.to_pylist() if bad is not None else [False] * len(array)
    return ["bad" if wrong else value for value, wrong in zip(array.to_pylist(), mask, strict=True)]


@pytest.mark.parametrize(
    ("text", "decimal", "wanted"),
    [
        ("3.50", ".", "3.50"),
        ("-7", ".", "-7"),
        ("1,234.50", ".", "1234.50"),
        ("1.234,50", ",", "1234.50"),
        ("12,5", ",", "12.5"),
        ("1 234,50 €", ",", "1234.50"),
        ("1\u202f234,50", ",", "1234.50"),
        ("CHF 1'234.50", ".", "1234.50"),
        ("(3.50)", ".", "-3.50"),
        ("3.50-", ".", "-3.50"),
        ("\u22123.50", ".", "-3.50"),
        ("1e-3", ".", "1e-3"),
        ("1,23,4", ".", "bad"),
        ("12,5", ".", "bad"),
        ("1.2.3", ".", "bad"),
        ("many", ".", "bad"),
        ("-", ".", "bad"),
        (".", ".", "bad"),
        ("1e99", ".", "bad"),
        ("123456789012345", ".", "bad"),
        ("NaN", ".", "bad"),
        (None, ",", None),
    ],
)
def test_numbers(text: str | None, decimal: str, wanted: str | None) -> None:
    assert masked(values.number(pa.array([text, "1"], pa.string()), decimal)) == [wanted, "1"]


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2, allow_nan=False))
def test_a_number_written_in_either_way_is_the_same_number(amount: object) -> None:
    english = f"{amount:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    read = [values.number(pa.array([text]), sign)[0][0].as_py() for text, sign in ((english, "."), (german, ","))]
    assert read == [f"{amount:.2f}"] * 2
    assert decimal_sign(german) == ","


@pytest.mark.parametrize(("text", "wanted"), [("7", "7"), ("7.0", "7"), ("7.5", "bad"), ("1234567890", "bad")])
def test_whole_numbers(text: str, wanted: str) -> None:
    assert masked(values.whole(pa.array([text]), ".", 9)) == [wanted]


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        *(("1,5", ","), ("1.5", "."), ("1,234", "either"), ("1.234", "either"), ("0,123", ","), ("1.234,5", ",")),
        *(("1,234,567", "."), ("1.234.567", ","), ("1,234.5", "."), ("12", "none"), ("a.b", "none")),
        ("1234,567", ","),
    ],
)
def test_which_decimal_sign_a_number_speaks_for(text: str, sign: str) -> None:
    assert decimal_sign(text) == sign


LONDON = "Europe/London"


@pytest.mark.parametrize(
    ("text", "order", "wanted"),
    [
        ("2010-06-01 12:30:00", "ymd", datetime(2010, 6, 1, 11, 30, tzinfo=UTC)),
        ("2010-06-01T12:30:00.123456Z", "ymd", datetime(2010, 6, 1, 12, 30, 0, 123456, tzinfo=UTC)),
        ("2010-06-01 12:30 +0200", "ymd", datetime(2010, 6, 1, 10, 30, tzinfo=UTC)),
        ("2010-06-01 12:30 UTC", "ymd", datetime(2010, 6, 1, 12, 30, tzinfo=UTC)),
        ("20100601", "ymd", datetime(2010, 5, 31, 23, tzinfo=UTC)),
        ("1/12/2009 08:26", "dmy", datetime(2009, 12, 1, 8, 26, tzinfo=UTC)),
        ("12/1/2009 8:26 AM", "mdy", datetime(2009, 12, 1, 8, 26, tzinfo=UTC)),
        ("12/1/2009 12:05 am", "mdy", datetime(2009, 12, 1, 0, 5, tzinfo=UTC)),
        ("12/1/09 12:05 PM", "mdy", datetime(2009, 12, 1, 12, 5, tzinfo=UTC)),
        ("01.12.98", "dmy", datetime(1998, 12, 1, tzinfo=UTC)),
        ("2009-12-01", "dmy", datetime(2009, 12, 1, tzinfo=UTC)),
        ("1 Dec 2009", "%d %b %Y", datetime(2009, 12, 1, tzinfo=UTC)),
        ("01 Dec 2009 +0100", "%d %b %Y %z", datetime(2009, 11, 30, 23, tzinfo=UTC)),
        # The clocks of London go back at 02:00 on 31 October 2010 and forward at 01:00 on 28 March.
        ("2010-10-31 01:30", "ymd", datetime(2010, 10, 31, 0, 30, tzinfo=UTC)),
        ("2010-03-28 01:30", "ymd", datetime(2010, 3, 28, 1, 0, tzinfo=UTC)),
        ("30/02/2010", "dmy", "bad"),
        ("13/13/2010", "dmy", "bad"),
        ("2010-06-01 25:00", "ymd", "bad"),
        ("01/02/2010 13:00 PM", "dmy", "bad"),
        ("0001-01-01", "ymd", "bad"),
        ("yesterday", "ymd", "bad"),
        (None, "dmy", None),
    ],
)
def test_times(text: str | None, order: str, wanted: object) -> None:
    assert masked(times.instant(pa.array([text], pa.string()), order, LONDON)) == [wanted]


def test_one_bad_time_spoils_no_other() -> None:
    texts = pa.array(["2010-06-01 12:00", "x", "2010-02-30", None, "2010-06-01 12:00Z"])
    assert masked(times.instant(texts, "ymd", LONDON)) == [
        datetime(2010, 6, 1, 11, tzinfo=UTC),
        "bad",
        "bad",
        None,
        datetime(2010, 6, 1, 12, tzinfo=UTC),
    ]


def test_calendar_dates_know_no_zone() -> None:
    assert masked(times.day(pa.array(["24/12/1980", "24/12/1980 23:59", "x"]), "dmy")) == [
        date(1980, 12, 24),
        date(1980, 12, 24),
        "bad",
    ]


@pytest.mark.parametrize(
    ("date_format", "reading"),
    [
        *(("%d/%m/%Y %H:%M", "dmy"), ("%m/%d/%y", "mdy"), ("%Y-%m-%dT%H:%M:%S%z", "ymd"), ("iso", "ymd")),
        *(("mdy", "mdy"), ("%y-%m-%d", "%y-%m-%d"), ("%d %B %Y", "%d %B %Y")),
    ],
)
def test_formats_of_numbers_are_read_fast_and_others_by_the_book(date_format: str, reading: str) -> None:
    assert times.reading(date_format) == reading


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        (["01/02/2010", "13/02/2010"], "dmy"),
        (["01/02/2010", "02/13/2010"], "mdy"),
        (["2010-01-02", "2010-01-02 10:00"], "ymd"),
        (["01.02.2010"], "dmy"),
        (["03/03/2010", "14/03/2010"], "dmy"),
        ([f"{day}/02/2010" for day in range(13, 29)] * 10 + ["02/13/2010"], "dmy"),
        ([], "ymd"),
    ],
)
def test_the_order_of_dates_is_decided_by_the_data(texts: list[str], order: str) -> None:
    evidence = DateEvidence()
    for text in texts:
        evidence.add(text)
    assert decide_order(evidence, "orders.csv: 'Date'")[0] == order


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["01/02/2010", "03/04/2010"], "every date reads as day/month and as month/day alike. State date_format: dmy"),
        (["13/02/2010", "02/13/2010"], "1 dates can only be day/month and 1 only month/day"),
        (["1 Dec 2009", "2 Dec 2009"], "the dates are in no format that can be told"),
    ],
)
def test_what_the_data_cannot_decide_is_refused(texts: list[str], words: str) -> None:
    evidence = DateEvidence()
    for text in texts:
        evidence.add(text)
    with pytest.raises(PermanentError, match=words):
        decide_order(evidence, "orders.csv: 'Date'")


def test_words_for_yes_and_no() -> None:
    words = pa.array(["Yes", "nein", "FALSE", "1", "perhaps", None, "gern"])
    assert masked(values.boolean(words, granted=("gern",))) == [True, False, False, True, "bad", None, True]


def test_countries_by_name_code_and_mapping() -> None:
    codes, unknown = values.country(
        pa.array(["Germany", "de", "EIRE", "UK", "Unspecified", "Atlantis", None]),
        {"EIRE": "IE", "Unspecified": None},
        "en",
    )
    assert (codes.to_pylist(), unknown) == (["DE", "DE", "IE", "GB", None, None, None], ["Atlantis"])


def test_ids_that_went_through_a_spreadsheet_are_the_same_ids() -> None:
    assert values.identifier(pa.array(["13085.0", "A1.0", "1.50", None])).to_pylist() == [
        "13085",
        "A1.0",
        "1.50",
        None,
    ]


@given(st.lists(st.lists(st.sampled_from(["a", "b", "c", "d", None]), max_size=8), max_size=6))
def test_lines_are_counted_within_orders_across_batches(batches: list[list[str | None]]) -> None:
    ordinals, seen = Ordinals(), dict[str, int]()
    for batch in batches:
        wanted = []
        for key in batch:
            if key is not None:
                seen[key] = seen.get(key, 0) + 1
            wanted.append(None if key is None else seen[key])
        assert ordinals.number(pa.array(batch, pa.string())).to_pylist() == wanted
