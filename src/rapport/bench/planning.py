"""Five campaigns with overlapping audiences, caps and holdouts, two planned at a time as Airflow does, beside plain
SQL that inserts the rows they become."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from threading import Event, Thread

import psutil

from rapport.bench.server import start_advised
from rapport.campaigns.folder.definition import load_campaign
from rapport.campaigns.folder.model import Campaign
from rapport.campaigns.folder.scaffold import new
from rapport.campaigns.planning.plan import plan
from rapport.campaigns.testing import allow_automatic, state_automatic
from rapport.clock import FixedClock
from rapport.db import connect, load_queries, migrate
from rapport.db.embedded import EmbeddedPostgres
from rapport.db.secret import require_known_secret
from rapport.keys import recipient_key
from rapport.settings import Settings

SQL = load_queries("rapport.bench", "planning.sql")
CUSTOMERS = 1_000_000
TARGET_SECONDS = 120
MEMORY_SPREAD = 0.15
PLANNERS = 2
NOW = datetime(2026, 7, 10, 5, 5, tzinfo=UTC)
# Segment to the share of all customers that is in it, in thousandths. They overlap as independent draws do.
SEGMENTS = {"everyone": 1000, "loyal": 400, "lapsed": 300, "new_people": 200, "big_spenders": 100}
ZONES = ("Europe/London", "Europe/Paris", "America/New_York", "Asia/Tokyo", "Australia/Sydney", None)


@dataclass(frozen=True)
class Result:
    """Seconds of wall clock, in all and by campaign, waiting for another included. `processor_seconds`: of the
    planners and of their server. `memory`: the most that a planner held while it planned a campaign, in bytes."""

    customers: int
    total: float
    seconds: dict[str, float]
    processor_seconds: tuple[float, float]
    waterfalls: dict[str, dict[str, int]]
    plain_seconds: float
    memory: dict[str, int]

    @property
    def decided(self) -> int:
        return sum(waterfall["segment"] for waterfall in self.waterfalls.values())

    @property
    def reached(self) -> bool:
        sizes = list(self.memory.values())
        return self.total <= TARGET_SECONDS and max(sizes) <= min(sizes) * (1 + MEMORY_SPREAD)

    def row(self) -> tuple[str, ...]:
        peer = f"{self.decided / self.plain_seconds:,.0f}"
        ratio = f"1 : {self.total / self.plain_seconds:.1f}"
        return ("people planned", f"{self.decided / self.total:,.0f}", "people/s", "plain insert", peer, ratio)

    def lines(self) -> list[str]:
        told = [
            f"  {name}: {waterfall['segment']:,} people, {self.seconds[name]:.1f} s; "
            + ", ".join(
                f"{outcome} {count:,}" for outcome, count in waterfall.items() if count and outcome != "segment"
            )
            + f"; {self.memory[name] / 1e6:,.0f} MB"
            for name, waterfall in self.waterfalls.items()
        ]
        return [
            f"{self.customers:,} customers, five campaigns, a reason for each of {self.decided:,} people: "
            f"{self.total:.1f} s (wanted: {TARGET_SECONDS})",
            *told,
            f"processor time: {self.processor_seconds[0]:.1f} s in the planners, "
            f"{self.processor_seconds[1]:.1f} s in Postgres; "
            f"load of the machine at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores",
            f"plain SQL inserting the same sends and decisions: {self.plain_seconds:.1f} s",
        ]


def run(rows: int | None = None) -> Result:
    """Starts a server of its own; `rows` is how many customers there are."""
    customers = rows or CUSTOMERS
    with tempfile.TemporaryDirectory(prefix="rapport-bench-") as name:
        folder = Path(name)
        server = EmbeddedPostgres(folder / "server")
        start_advised(server)
        try:
            settings = Settings(
                home=folder / "home",
                project_dir=folder,
                database_url=server.url("rapport"),
                shop_name="The Shop Ltd",
                shop_postal_address="1 Market Square, Shopton",
            )
            with connect(settings=settings) as conn:
                migrate(conn)
            _customers(settings, customers)
            return _plan_all(settings, customers, server)
        finally:
            server.stop("immediate")


def _customers(settings: Settings, customers: int) -> None:
    """An audience as dbt leaves it. Of ten people one never agreed; of fifty one has unsubscribed."""
    with connect(settings=settings) as conn:
        conn.execute(SQL["make_audience"])
        with conn.cursor() as cursor, cursor.copy(SQL["copy_audience"]) as copy:
            for number in range(customers):
                copy.write_row(_person(number))
        with conn.cursor() as cursor, cursor.copy(SQL["copy_facts"]) as copy:
            for key in _keys(settings, customers, lambda number: number % 10 != 3):
                copy.write_row((key, "marketing", True, NOW - timedelta(days=9), "bench", "form", key))
        with conn.cursor() as cursor, cursor.copy(SQL["copy_stops"]) as copy:
            for key in _keys(settings, customers, lambda number: number % 50 == 7):
                copy.write_row((key, "*", "unsubscribe", "bench", key, NOW))
        conn.execute(SQL["pass_gate"], {"ran_at": NOW - timedelta(hours=1)})
        # An installation's first plan puts its key on record, and all others wait for that.
        require_known_secret(conn, settings)
    with connect(settings=settings) as conn:
        conn.execute(SQL["analyze"])


def _person(number: int) -> tuple[object, ...]:
    # Different primes, so that segments overlap as if drawn independently.
    segments = [name for at, (name, share) in enumerate(SEGMENTS.items()) if number * (7919 + 2 * at) % 1009 < share]
    segments = segments or ["everyone"]
    first_name = None if number % 11 == 5 else "Joe"
    zone, email = ZONES[number % len(ZONES)], f"person{number}@shop{number % 997}.example"
    return (f"c{number:08}", email, first_name, "en", "en-GB", zone, segments, number % 200, 12.5, True, NOW)


def _keys(settings: Settings, customers: int, which: object) -> Iterator[str]:
    assert callable(which)  # noqa: S101 - it is one of the two above
    for number in filter(which, range(customers)):
        yield recipient_key(settings, str(_person(number)[1]))


@dataclass(frozen=True)
class _Planned:
    waterfall: dict[str, int]
    seconds: float
    processor_seconds: float
    memory: int


def _plan_all(settings: Settings, customers: int, server: EmbeddedPostgres) -> Result:
    segments = settings.dbt_dir / "models" / "segments"
    segments.mkdir(parents=True)
    allow_automatic(settings)
    folders = {}
    for name in SEGMENTS:
        (segments / f"{name}.sql").write_text("select 1")
        folders[name] = _folder(settings, name)
    with ProcessPoolExecutor(PLANNERS, mp_context=get_context("spawn")) as pool:
        # Whoever plans has started long before.
        list(pool.map(abs, range(PLANNERS)))
        servers, began = _processor_seconds(server), time.perf_counter()
        made = dict(zip(folders, pool.map(_plan_one, folders.values(), [settings] * len(folders)), strict=True))
        total, servers = time.perf_counter() - began, _processor_seconds(server) - servers
    with connect(settings=settings) as conn:
        conn.execute(SQL["plain_tables"])
        conn.commit()
        began = time.perf_counter()
        conn.execute(SQL["plain_sends"])
        conn.execute(SQL["plain_decisions"])
        conn.commit()
        plain_seconds = time.perf_counter() - began
    return Result(
        customers,
        total,
        {name: planned.seconds for name, planned in made.items()},
        (sum(planned.processor_seconds for planned in made.values()), servers),
        {name: planned.waterfall for name, planned in made.items()},
        plain_seconds,
        {name: planned.memory for name, planned in made.items()},
    )


def _plan_one(folder: Path, settings: Settings) -> _Planned:
    campaign = load_campaign(folder, settings)
    assert isinstance(campaign, Campaign)  # noqa: S101 - the folder that _folder makes is of this kind
    began, used = time.perf_counter(), time.process_time()
    with _most_memory() as most:
        report = plan(campaign, settings, FixedClock(NOW))
    return _Planned(report.waterfall, time.perf_counter() - began, time.process_time() - used, most[0])


@contextmanager
def _most_memory() -> Iterator[list[int]]:
    """The most that this process holds within the block, looked at ten times a second."""
    process, over = psutil.Process(), Event()
    most = [process.memory_info().rss]

    def watch() -> None:
        while not over.wait(0.1):
            most[0] = max(most[0], process.memory_info().rss)

    watching = Thread(target=watch)
    watching.start()
    try:
        yield most
    finally:
        over.set()
        watching.join()


def _processor_seconds(server: EmbeddedPostgres) -> float:
    """Of the server and all that it began, those that have ended included."""
    postmaster = psutil.Process(int((server.data / "postmaster.pid").read_text().split()[0]))
    spent = 0.0
    for process in (postmaster, *postmaster.children()):
        with suppress(psutil.NoSuchProcess):
            spent += sum(process.cpu_times()[: 4 if process == postmaster else 2])
    return spent


def _folder(settings: Settings, segment: str) -> Path:
    folder = new(f"to_{segment}", settings.campaigns_dir)
    path = folder / "campaign.yml"
    text = path.read_text()
    path.write_text(text.replace("segment: loyal", f"segment: {segment}") + "\nholdout_percent: 5\n")
    state_automatic(folder)
    return folder
