"""Import of a million order lines, beside a plain COPY of the same file into the same server."""

from __future__ import annotations

import resource
import sys
import tempfile
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from time import perf_counter, sleep

from rapport.clock import FixedClock
from rapport.db import connect, load_queries, migrate
from rapport.db.embedded import EmbeddedPostgres
from rapport.landing.files import import_file
from rapport.settings import Settings
from rapport.sources.files import ImportReport, load_mapping

SQL = load_queries("rapport.bench", "imports.sql")
ROWS = 1_000_000
SEED = 20_091_201
TARGET_ROWS_PER_SECOND = 50_000
CHUNK_BYTES = 1 << 20

WORDS = [
    "RED",
    "WHITE",
    "HANGING",
    "HEART",
    "LANTERN",
    "CREAM",
    "METAL",
    "SET",
    "OF",
    "GLASS",
    "STAR",
    "WOODEN",
    "BOX",
    "TIN",
    "SMALL",
    "LARGE",
]
COUNTRIES = ["United Kingdom"] * 9 + ["EIRE", "Germany", "France", "Netherlands"]


@dataclass(frozen=True)
class Result:
    """Seconds of one run; memory in MiB is the peak of this process above what it held before."""

    rows: int
    file_mb: float
    import_seconds: float
    copy_seconds: float
    memory_mb: float
    report: ImportReport

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.import_seconds

    @property
    def ratio(self) -> float:
        """How many times as long as the plain COPY the import takes."""
        return self.import_seconds / self.copy_seconds

    @property
    def reached(self) -> bool:
        return self.rows_per_second >= TARGET_ROWS_PER_SECOND

    def row(self) -> tuple[str, ...]:
        """Figure, value, unit, peer, its value, ratio."""
        peer = f"{self.rows / self.copy_seconds:,.0f}"
        return ("files import", f"{self.rows_per_second:,.0f}", "rows/s", "plain COPY", peer, f"1 : {self.ratio:.1f}")

    def lines(self) -> list[str]:
        return [
            f"import of {self.rows:,} rows ({self.file_mb:.0f} MB CSV): {self.import_seconds:.1f} s, "
            f"{self.rows_per_second:,.0f} rows/s (wanted: {TARGET_ROWS_PER_SECOND:,})",
            f"plain COPY of the same file: {self.copy_seconds:.1f} s, {self.rows / self.copy_seconds:,.0f} rows/s",
            f"ratio: {self.ratio:.1f} times the plain COPY",
            f"peak memory of the importing process: {self.memory_mb:.0f} MB",
            f"quarantined: {self.report.rows_quarantined:,}",
        ]


def make_file(path: Path, rows: int, seed: int) -> None:
    """A CSV in the Online Retail layout: orders of 1 to 40 lines, one row in ten thousand broken."""
    random = Random(seed)  # noqa: S311 (the same file at every run, nothing secret)
    at = datetime(2024, 1, 1, 8, tzinfo=UTC)
    invoice, left, customer, country = 500_000, 0, "", ""
    titles = [" ".join(random.choices(WORDS, k=4)) for _ in range(4_000)]
    with path.open("w", encoding="utf-8") as file:
        file.write("Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n")
        for row in range(rows):
            if not left:
                invoice, left = invoice + 1, random.randint(1, 40)
                at += timedelta(seconds=random.randint(20, 900))
                customer = str(random.randint(10_000, 99_999)) if random.random() < 0.8 else ""
                country = random.choice(COUNTRIES)
            left -= 1
            item = random.randrange(4_000)
            quantity = "many" if row % 10_000 == 9_999 else random.randint(1, 48)
            file.write(
                f"{invoice},{20_000 + item},{titles[item]},{quantity},{at:%Y-%m-%d %H:%M:%S},"
                f"{random.randint(10, 4_000) / 100:.2f},{customer},{country}\n"
            )


def run(rows: int | None = None, seed: int = SEED) -> Result:
    """Makes the file, starts a server of its own in a temporary folder, and measures both ways."""
    rows = rows or ROWS
    with tempfile.TemporaryDirectory(prefix="rapport-bench-") as folder:
        path = Path(folder) / "orders.csv"
        make_file(path, rows, seed)
        server = EmbeddedPostgres(Path(folder) / "server")
        server.start()
        try:
            settings = Settings(home=Path(folder), database_url=server.url("rapport"), environment="bench")
            with connect(settings=settings) as conn:
                migrate(conn)
            return _measure(path, rows, settings)
        finally:
            server.stop("immediate")


def _measure(path: Path, rows: int, settings: Settings) -> Result:
    import pyarrow.csv  # noqa: F401 (loading the library is no part of an import's speed)

    before = _memory_mb()
    with _Peak() as peak:
        began = perf_counter()
        report = import_file(
            path, load_mapping("online_retail_ii"), settings, FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
        )
        import_seconds = perf_counter() - began
    with connect("loader", settings=settings) as conn:
        landed = conn.execute(SQL["landed"]).fetchone()
    if landed is None or landed["rows"] + report.rows_quarantined != rows:
        raise RuntimeError(f"{rows} rows went in, {landed} came out")
    # COPY reads quantities strictly, so it gets the file without the rows that the import sets aside.
    copy_seconds = _plain_copy(_without_bad(path), settings)
    size = path.stat().st_size / 1e6
    return Result(rows, size, import_seconds, copy_seconds, peak.mb - before, report)


def _without_bad(path: Path) -> Path:
    good = path.with_name("orders-good.csv")
    with path.open(encoding="utf-8") as lines, good.open("w", encoding="utf-8") as file:
        file.writelines(line for line in lines if ",many," not in line)
    return good


def _plain_copy(path: Path, settings: Settings) -> float:
    with connect("loader", settings=settings) as conn:
        conn.execute(SQL["plain_table"])
        conn.commit()
        began = perf_counter()
        with conn.cursor() as cursor, cursor.copy(SQL["plain_copy"]) as copy, path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                copy.write(chunk)
        conn.commit()
        return perf_counter() - began


class _Peak:
    """Highest resident memory of this process while the block runs, sampled; getrusage knows no start."""

    def __init__(self) -> None:
        self.mb = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> _Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.is_set():
            self.mb = max(self.mb, _memory_mb())
            sleep(0.02)


def _memory_mb() -> float:
    """Resident memory now; where /proc is missing, the highest so far."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / (1 << 20)
    except OSError:
        unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
