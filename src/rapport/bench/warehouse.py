"""`python -m rapport.bench.warehouse`: every mart from raw tables, whole and after a day's changes.

Raw rows are made inside Postgres, with few people who buy and browse most. All later steps are the product's own:
profiles, identity, dbt with all its tests, publication.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

from rapport import identity, transform
from rapport.bench.server import start_advised
from rapport.db import Connection, connect, load_queries, migrate
from rapport.db.embedded import EmbeddedPostgres
from rapport.errors import PermanentError
from rapport.landing import prepare_raw
from rapport.settings import Settings

T = TypeVar("T")
SQL = load_queries(
    "rapport.bench", "warehouse.sql", "warehouse_people.sql", "warehouse_changes.sql", "warehouse_mail.sql"
)
AS_OF = datetime(2026, 6, 1, 6, tzinfo=UTC)
HISTORY_DAYS, MAIL_DAYS = 1095, 60
ORDERS_PER_CUSTOMER, EVENTS_PER_CUSTOMER = 5, 20
DAILY_SHARE = 0.005
# Raw rows, two generations of every layer, indexes, log and what sorts put on disk, measured at 1,000,000 customers.
BYTES_PER_CUSTOMER = 65_000
FULL_SECONDS, DELTA_SECONDS, DELTA_SHARE = 20 * 60, 60, 0.08
SHOWN = 15


@dataclass(frozen=True)
class Sizes:
    """Rows of the shop's history. Of the events three in four are visits, the rest what became of mails."""

    customers: int
    orders: int
    events: int

    @property
    def web_events(self) -> int:
        return self.events * 3 // 4

    @property
    def sends(self) -> int:
        # A mail has 1.43 events on the average.
        return round(self.events / 4 / 1.434)

    def day(self) -> Sizes:
        return Sizes(*(max(1, round(n * DAILY_SHARE)) for n in (self.customers, self.orders, self.events)))


@dataclass
class Build:
    """Seconds of one whole round by step, and of each dbt node."""

    name: str
    steps: dict[str, float] = field(default_factory=dict)
    nodes: dict[str, float] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        return sum(self.steps.values())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m rapport.bench.warehouse", description=(__doc__ or "").splitlines()[0].split(": ", 1)[1]
    )
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--orders", type=int, help=f"left out: {ORDERS_PER_CUSTOMER} a customer")
    parser.add_argument("--events", type=int, help=f"left out: {EVENTS_PER_CUSTOMER} a customer")
    parser.add_argument("--folder", type=Path, help="where the server's data lie while it runs; left out: the system's")
    parser.add_argument("--keep", action="store_true", help="leave the server's data where they are")
    chosen = parser.parse_args(arguments)
    sizes = Sizes(
        chosen.customers,
        chosen.orders or chosen.customers * ORDERS_PER_CUSTOMER,
        chosen.events or chosen.customers * EVENTS_PER_CUSTOMER,
    )
    # The server is stopped in a `finally`, which the signal's own way of ending would leave out.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    folder = Path(tempfile.mkdtemp(prefix="rapport-warehouse-", dir=chosen.folder))
    try:
        require_room(folder, sizes)
        return 0 if run(folder, sizes) else 1
    except PermanentError as error:
        print(error)
        return 1
    finally:
        EmbeddedPostgres(folder).stop("immediate")
        if not chosen.keep:
            shutil.rmtree(folder, ignore_errors=True)


def require_room(folder: Path, sizes: Sizes) -> None:
    """Raises PermanentError when the disk would run full on the way."""
    needed, free = sizes.customers * BYTES_PER_CUSTOMER, shutil.disk_usage(folder).free
    print(f"disk: {free / 1e9:.0f} GB free, about {needed / 1e9:.1f} GB needed", flush=True)
    if needed > free:
        raise PermanentError("The disk has too little room: give fewer --customers, or another --folder.")


def run(folder: Path, sizes: Sizes) -> bool:
    """The first build of everything, a day's changes, and beside them the same day built whole; True when all is as
    fast as wanted."""
    server = EmbeddedPostgres(folder)
    start_advised(server)
    settings = Settings(home=folder, database_url=server.url("rapport"), environment="bench")
    with connect(settings=settings) as conn:
        migrate(conn)
    prepare_raw(settings)
    generated = _generate(settings, sizes)
    # Mails go to people, and who they are is known only after identity. What comes before it reads no mail.
    full = _build("whole", settings, AS_OF, found=lambda: _mail(settings, sizes, "history", AS_OF - timedelta(days=3)))
    _say_sizes(settings, generated)
    _change(settings, sizes)
    delta = _build("a day's changes", settings, AS_OF + timedelta(days=1))
    naive = _build("the same day, whole", settings, AS_OF + timedelta(days=1), full_refresh=True)
    return _report(sizes, [full, delta, naive])


def _build(
    name: str,
    settings: Settings,
    as_of: datetime,
    *,
    full_refresh: bool = False,
    found: Callable[[], None] = lambda: None,
) -> Build:
    """All steps of a build, each with its time; `found` is called, unmeasured, once people are known."""
    made = Build(name)

    def timed(step: str, action: Callable[[], T]) -> T:
        started = perf_counter()
        found = action()
        made.steps[step] = perf_counter() - started
        print(f"  {name}, {step}: {made.steps[step]:.1f} s", flush=True)
        return found

    prepared = timed("prepare", lambda: transform.prepare(settings, as_of, full_refresh=full_refresh))
    timed("identity", lambda: identity.resolve(settings, as_of))
    found()
    built = timed("build", lambda: transform.build(settings, as_of, full_refresh=full_refresh))
    timed("publish", lambda: transform.publish(settings))
    made.nodes = {f"{node.kind} {node.node}": node.seconds for node in (*prepared.nodes, *built.nodes)}
    return made


def _generate(settings: Settings, sizes: Sizes) -> float:
    started = perf_counter()
    values = {
        "as_of": AS_OF,
        "until": AS_OF,
        "days": HISTORY_DAYS,
        "customers": sizes.customers,
        "load": "1",
        "first": 1,
    }
    with connect("loader", settings=settings) as conn:
        conn.execute(SQL["seed"])
        conn.execute(SQL["products"], values)
        for name, count in (("customers", sizes.customers), ("orders", sizes.orders), ("web_events", sizes.web_events)):
            _timed(conn, name, {**values, "last": count})
        conn.execute(SQL["analyze_raw"])
    return perf_counter() - started


def _mail(settings: Settings, sizes: Sizes, key: str, at: datetime) -> None:
    """Occurrences of some weeks, each to so many people that the mails come out as wanted."""
    with connect("engine", settings=settings) as conn:
        values: dict[str, Any] = {"as_of": AS_OF, "first": 1, "last": sizes.customers}
        for name in ("campaign", "templates", "recipients"):
            conn.execute(SQL[name], values)
        left, number = sizes.sends, 0
        while left > 0:
            people = min(left, sizes.customers)
            _send(conn, f"{key}-{number}", at - timedelta(days=30 * number), 1, people)
            left, number = left - people, number + 1


def _send(conn: Connection, key: str, at: datetime, first: int, last: int) -> None:
    values = {"key": key, "at": at, "first": first, "last": last}
    # Without statistics Postgres looks up what a fresh table does not hold yet one by one.
    for name in ("occurrences", "sends", "analyze_ops", "mail_events"):
        conn.execute(SQL[name], values)


def _change(settings: Settings, sizes: Sizes) -> None:
    """A day of the shop: new people and orders, late changes of old ones, visits, a mail to some."""
    day, until = sizes.day(), AS_OF + timedelta(days=1)
    values = {
        "as_of": until,
        "until": until,
        "days": 1,
        "customers": sizes.customers,
        "orders": sizes.orders,
        "load": "2",
    }
    new_people, new_orders = (day.customers // 2, day.orders * 3 // 4)
    with connect("loader", settings=settings) as conn:
        conn.execute(SQL["change_customers"], {**values, "count": day.customers - new_people})
        conn.execute(SQL["change_orders"], {**values, "count": day.orders - new_orders})
        for name, first, count in (
            ("customers", sizes.customers, new_people),
            ("orders", sizes.orders, new_orders),
            ("web_events", sizes.web_events, day.web_events),
        ):
            conn.execute(SQL[name], {**values, "first": first + 1, "last": first + count})
    with connect("engine", settings=settings) as conn:
        _send(conn, "today", until - timedelta(hours=4), 1, day.sends)


def _timed(conn: Connection, name: str, values: dict[str, Any]) -> None:
    started = perf_counter()
    rows = conn.execute(SQL[name], values).rowcount
    print(f"  made {rows:,} {name} in {perf_counter() - started:.1f} s", flush=True)


def _say_sizes(settings: Settings, seconds: float) -> None:
    with connect(settings=settings) as conn:
        row = conn.execute(SQL["sizes"]).fetchone() or {}
    print(
        f"{row['customers']:,} customers, {row['orders']:,} orders, {row['events']:,} events, "
        f"{row['bytes'] / 1e9:.1f} GB in Postgres; raw rows made in {seconds:.0f} s",
        flush=True,
    )


def _report(sizes: Sizes, builds: list[Build]) -> bool:
    from rich.console import Console
    from rich.table import Table

    full, delta, naive = builds
    table = Table("seconds", *(build.name for build in builds), title=f"{sizes.customers:,} customers")
    for step in full.steps:
        table.add_row(step, *(f"{build.steps[step]:.1f}" for build in builds))
    table.add_row("all", *(f"{build.seconds:.1f}" for build in builds))
    slow = sorted(full.nodes, key=lambda node: -max(build.nodes.get(node, 0) for build in builds))[:SHOWN]
    for node in slow:
        table.add_row(node, *(f"{build.nodes.get(node, 0):.1f}" for build in builds))
    Console(width=150).print(table)
    share = delta.seconds / naive.seconds
    reached = (full.seconds <= FULL_SECONDS, delta.seconds <= DELTA_SECONDS, share <= DELTA_SHARE)
    for text, held in zip(
        (
            f"whole build {full.seconds:.0f} s, wanted {FULL_SECONDS} s",
            f"a day's {DAILY_SHARE:.1%} of changes {delta.seconds:.0f} s, wanted {DELTA_SECONDS} s",
            f"that is {share:.1%} of the whole build of the same day ({naive.seconds:.0f} s), wanted {DELTA_SHARE:.0%}",
        ),
        reached,
        strict=True,
    ):
        print(f"{'reached' if held else 'MISSED '}  {text}")
    return all(reached)


if __name__ == "__main__":
    sys.exit(main())
