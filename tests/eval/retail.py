"""`python -m tests.eval retail`: a real shop's year through the whole pipeline, beside pandas on the raw file.

Every total by month, customer, product and month x kind of money is computed a second time from the raw file, in
thousandths of a pound as integers, by rules written down here and not taken from the product.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd

from rapport import pipeline
from rapport.clock import FixedClock
from rapport.db import connect, load_queries, migrate
from rapport.db.embedded import EmbeddedPostgres
from rapport.landing.files import import_file
from rapport.settings import Settings
from rapport.sources.files import load_mapping
from tests.eval.figures import Figure, show
from tests.eval.scoring_shop import RETAIL

SQL = load_queries("tests.eval", "retail.sql")
AS_OF = datetime(2010, 12, 10, tzinfo=UTC)
MILLS = 1000
POSTAGE = {"POST", "DOT", "C2", "C3"}
FEES_AND_ADJUSTMENTS = {"BANK CHARGES", "AMAZONFEE", "CRUK", "M", "D", "S", "B", "ADJUST", "ADJUST2", "GIFT"}
# A line so large is no household's: the shop sells to resellers too.
WHOLESALE_PIECES = 1_000

Totals = Mapping[str, int]


@dataclass(frozen=True)
class Comparison:
    """Totals by key, ours and pandas'. A key that only one of them has counts as nought at the other."""

    name: str
    ours: Totals
    theirs: Totals

    @property
    def cells(self) -> int:
        return len(self.ours.keys() | self.theirs.keys())

    @property
    def largest(self) -> int:
        return max(
            abs(self.ours.get(key, 0) - self.theirs.get(key, 0)) for key in self.ours.keys() | self.theirs.keys()
        )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.eval retail", description=__doc__)
    parser.parse_args(arguments)
    if not RETAIL.exists():
        print(f"The shop's export is not here: {RETAIL} (set RAPPORT_SHARED_DATA to its folder)")
        return 1
    lines = read_lines(RETAIL)
    with tempfile.TemporaryDirectory(prefix="rapport-retail-") as folder:
        server = EmbeddedPostgres(Path(folder) / "server")
        server.start()
        try:
            settings = Settings(
                home=Path(folder), database_url=server.url("rapport"), secret_key="a-key-for-tests-only"
            )
            run_pipeline(settings)
            compared = list(comparisons(settings, lines))
            good = show([*counts(settings, lines), *figures(compared)])
        finally:
            server.stop("immediate")
    largest = max(one.largest for one in compared)
    print(
        f"{sum(one.cells for one in compared):,} cells compared, largest difference {largest / MILLS:.3f} GBP or pieces"
    )
    return 0 if good else 1


def read_lines(path: Path) -> pd.DataFrame:
    """The raw file with `kind`, `mills` (amount in thousandths of a pound), `month`, `customer`, `product`."""
    raw = pd.read_parquet(path).assign(InvoiceDate=lambda frame: pd.to_datetime(frame["InvoiceDate"]))
    code = raw["StockCode"].astype(str).str.strip()
    upper = code.str.upper()
    # Counted anew, lost or found: nothing was sold, and nobody paid.
    stock = (raw["Price"] == 0) & raw["Customer ID"].isna()
    kind = pd.Series("product", index=raw.index)
    kind[upper.isin(FEES_AND_ADJUSTMENTS) | code.str.match(r"(?i)^(?:TEST|gift_)") | stock] = "other"
    kind[upper.isin(POSTAGE)] = "postage"
    return raw.assign(
        kind=kind,
        mills=raw["Quantity"] * (raw["Price"] * MILLS).round().astype("int64"),
        month=raw["InvoiceDate"].dt.strftime("%Y-%m"),
        customer=raw["Customer ID"].map(lambda number: "" if pd.isna(number) else str(int(number))),
        product=upper,
        is_credit=raw["Invoice"].astype(str).str.startswith("C"),
    )


def run_pipeline(settings: Settings) -> None:
    with connect(settings=settings) as conn:
        migrate(conn)
    clock = FixedClock(AS_OF)
    print(import_file(RETAIL, load_mapping("online_retail_ii"), settings, clock), flush=True)
    pipeline.run(settings, clock, campaigns=(), progress=lambda line: print(f"  {line}", flush=True))


def comparisons(settings: Settings, lines: pd.DataFrame) -> Iterator[Comparison]:
    """Every total that the marts tell, beside the raw file's."""
    goods = lines[lines["kind"] == "product"]
    known = goods[goods["customer"] != ""]
    large = goods[goods["Quantity"].abs() >= WHOLESALE_PIECES]
    yield Comparison("goods by month", _ours(settings, "goods_by_month"), _sums(goods, "month", "mills"))
    for kind in ("postage", "other"):
        rows = lines[lines["kind"] == kind]
        yield Comparison(f"{kind} by month", _ours(settings, f"{kind}_by_month"), _sums(rows, "month", "mills"))
    credit = goods[goods["is_credit"]].assign(mills=lambda frame: -frame["mills"])
    yield Comparison("returned by month", _ours(settings, "returned_by_month"), _sums(credit, "month", "mills"))
    days = goods.assign(day=goods["InvoiceDate"].dt.strftime("%Y-%m-%d"))
    yield Comparison("goods by day", _ours(settings, "goods_by_day"), _sums(days, "day", "mills"))
    yield Comparison("goods by customer", _ours(settings, "goods_by_customer"), _sums(known, "customer", "mills"))
    everybody = goods.assign(customer=goods["customer"].where(goods["customer"] != "", "nobody"))
    yield Comparison("  from orders", _ours(settings, "goods_by_buyer"), _sums(everybody, "customer", "mills"))
    yield Comparison("goods by product", _ours(settings, "goods_by_product"), _sums(goods, "product", "mills"))
    pieces = goods.assign(mills=goods["Quantity"] * MILLS)
    yield Comparison("pieces by product", _ours(settings, "pieces_by_product"), _sums(pieces, "product", "mills"))
    yield Comparison("wholesale lines by customer", _ours(settings, "wholesale_by_customer"), _sums(
        large.assign(customer=large["customer"].where(large["customer"] != "", "nobody")), "customer", "mills"
    ))  # fmt: skip


def counts(settings: Settings, lines: pd.DataFrame) -> Iterator[Figure]:
    """What the file holds, ours beside pandas' count."""
    goods = lines[lines["kind"] == "product"]
    expected = {
        "lines": len(lines),
        "lines without a customer": int((lines["customer"] == "").sum()),
        "order documents": lines["Invoice"].nunique(),
        "cancellations (credit notes)": lines.loc[lines["is_credit"], "Invoice"].nunique(),
        "customers": lines["Customer ID"].nunique(),
        "lines of postage": int((lines["kind"] == "postage").sum()),
        "lines of fees and adjustments": int((lines["kind"] == "other").sum()),
        f"lines of {WHOLESALE_PIECES:,} pieces or more": int((goods["Quantity"].abs() >= WHOLESALE_PIECES).sum()),
        "goods, GBP": int(goods["mills"].sum()) / MILLS,
    }
    ours = _ours(settings, "counts")
    for name, anchor in expected.items():
        value = ours[name] / MILLS
        yield Figure(name, value, "pandas on the raw file", anchor, value == anchor, 2 if "GBP" in name else 0)


def figures(compared: list[Comparison]) -> Iterator[Figure]:
    for one in compared:
        ours, theirs = sum(one.ours.values()) / MILLS, sum(one.theirs.values()) / MILLS
        note = f"pandas, {one.cells:,} cells, largest difference {one.largest / MILLS:.3f}"
        yield Figure(one.name, ours, note, theirs, one.largest == 0, 2)


def _ours(settings: Settings, name: str) -> dict[str, int]:
    with connect("engine", settings=settings) as conn:
        rows = conn.execute(SQL[name], {"wholesale": WHOLESALE_PIECES}).fetchall()
    return {row["key"]: _mills(row["value"]) for row in rows}


def _mills(amount: Decimal | int) -> int:
    mills = Decimal(amount) * MILLS
    if mills != mills.to_integral_value():
        raise ValueError(f"an amount of {amount} holds parts of thousandths, which the raw file does not")
    return int(mills)


def _sums(rows: pd.DataFrame, by: str, column: str) -> dict[str, int]:
    return {str(key): int(value) for key, value in rows.groupby(by)[column].sum().items()}
