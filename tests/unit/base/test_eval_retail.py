"""The comparison that `make eval-retail` rests on finds what only one of two paths has."""

from pathlib import Path

import pandas as pd

from tests.eval.retail import Comparison, figures, read_lines


def test_a_cell_that_only_one_path_has_is_a_difference() -> None:
    one = Comparison("by month", {"2010-01": 1000}, {"2010-01": 1000, "2010-02": 5})
    assert (one.cells, one.largest) == (2, 5)
    assert [figure.reached for figure in figures([one])] == [False]


def test_equal_sums_of_unequal_cells_do_not_pass() -> None:
    one = Comparison("by month", {"2010-01": 1000, "2010-02": 0}, {"2010-01": 0, "2010-02": 1000})
    assert [figure.reached for figure in figures([one])] == [False]


def test_raw_lines_are_told_apart_by_rules_of_their_own(tmp_path: Path) -> None:
    rows = [
        ("1", "85048", 12, 6.95, 13085.0, "product", 83400),
        ("C2", "85048", -1, 6.95, 13085.0, "product", -6950),
        ("3", "POST", 1, 18.0, 13085.0, "postage", 18000),
        ("4", "m", 1, 5.0, None, "other", 5000),
        ("5", "21733", -30, 0.0, None, "other", 0),
        ("6", "gift_0001_20", 1, 20.0, None, "other", 20000),
    ]
    frame = pd.DataFrame(rows, columns=["Invoice", "StockCode", "Quantity", "Price", "Customer ID", "kind", "mills"])
    path = tmp_path / "lines.parquet"
    frame.drop(columns=["kind", "mills"]).assign(InvoiceDate="2010-01-02 08:00:00").to_parquet(path)
    lines = read_lines(path)
    assert lines["kind"].tolist() == frame["kind"].tolist()
    assert lines["mills"].tolist() == frame["mills"].tolist()
    assert lines["is_credit"].tolist() == [False, True, False, False, False, False]
