"""Publications under fire: `python -m tests.chaos.publishing --publishes 100 --kills 20 --readers 20`

A process builds the whole dbt project again and again and publishes each build, while the shop sells on. It is killed
in the middle of some builds. Readers in the role of a BI tool ask all the while, fifty times a second each. Every
answer must come from one build: `as_of` of two tables the same, and the orders of one the sum of the other's.
"""

import argparse
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

from rapport import identity, transform
from rapport.db import connect, embedded, migrate
from rapport.landing import prepare_raw
from rapport.settings import Settings
from tests.chaos.house import Postgres, free_below

SCRIPTS = Path(__file__).parents[1] / "integration" / "warehouse"
FIRST = datetime(2026, 3, 25, 8, tzinfo=UTC)
HERTZ = 50
READ = """
    select
        (select max(as_of) from marts.customers_masked) as customers_as_of,
        (select max(as_of) from marts.daily_metrics) as days_as_of,
        (select count(*) from marts.orders where counts_as_order) as orders,
        (select sum(orders_count) from marts.daily_metrics) as orders_by_day
"""
SELL = """
    insert into raw_shopify.orders (
        id, name, customer_id, email, created_at, updated_at, test, currency_code, source_name, shipping_amount,
        line_items
    )
    select
        'gid://shopify/Order/' || %(number)s, '#' || %(number)s, customer_id, email, %(at)s, %(at)s, false,
        currency_code, source_name, 0, jsonb_set(line_items, '{0,id}', to_jsonb('gid://L/' || %(number)s))
    from raw_shopify.orders
    where id = 'gid://shopify/Order/1'
"""


@dataclass
class Seen:
    """What the readers met: how often they asked, and by kind how often the answer was an error, a mixture or old."""

    reads: int = 0
    builds: set[datetime] = field(default_factory=set)
    faults: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, row: dict[str, Any], published: datetime) -> None:
        mixed = row["customers_as_of"] != row["days_as_of"] or row["orders"] != row["orders_by_day"]
        told = {
            name: f"{value:%m-%d %H:%M}" if isinstance(value, datetime) else int(value) for name, value in row.items()
        }
        with self.lock:
            self.reads += 1
            self.builds.add(row["customers_as_of"])
            if mixed:
                self.faults[f"mixed: {told}"] += 1
            elif row["customers_as_of"] < published:
                self.faults[f"older than {published:%H:%M}, which was published before: {told}"] += 1

    def fail(self, error: Exception) -> None:
        with self.lock:
            self.faults[f"{type(error).__name__}: {error}"] += 1


class Publisher:
    """A process that builds and publishes on demand, and can be killed in the middle."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.start()

    def start(self) -> None:
        fresh = multiprocessing.get_context("spawn")
        self._ours, theirs = fresh.Pipe()
        self._process = fresh.Process(target=_publisher, args=(self._settings, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def begin(self, as_of: datetime) -> None:
        self._ours.send(as_of)

    def publish(self, as_of: datetime) -> None:
        self.begin(as_of)
        answer = self._ours.recv()
        if answer != "published":
            raise RuntimeError(answer)

    def finishes(self, as_of: datetime, seconds: float) -> bool:
        """Whether it is done within so many seconds: too early to be killed."""
        self.begin(as_of)
        return self._ours.poll(seconds) and self._ours.recv() == "published"

    def kill(self) -> None:
        self._process.kill()
        self._process.join()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.publishing", description=__doc__.splitlines()[0])
    parser.add_argument("--publishes", type=int, default=100)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--readers", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    # Whoever is killed leaves its semaphores to this process's tracker, which would complain of them at the end.
    os.environ["PYTHONWARNINGS"] = "ignore::UserWarning:multiprocessing.resource_tracker"
    directory = Path(tempfile.mkdtemp(prefix="rapport-publishing-"))
    embedded.PREFERRED_PORT = free_below()
    server = Postgres(directory / "home")
    begun = time.monotonic()
    try:
        server.start()
        settings = Settings(home=directory / "home", database_url=server.url(), secret_key="a-key-for-chaos-only")
        _open_shop(settings)
        held, told = publish_under_fire(settings, chosen.publishes, chosen.kills, chosen.readers, chosen.seed)
    finally:
        server.stop("immediate")
        shutil.rmtree(directory, ignore_errors=True)
    print(f"{'held  ' if held else 'FAILED'}  publishing  {told}  [{time.monotonic() - begun:.0f} s]")
    return 0 if held else 1


def publish_under_fire(settings: Settings, publishes: int, kills: int, readers: int, seed: int) -> tuple[bool, str]:
    """Publishes so often, with so many builds killed; whether every answer was whole, and the counts."""
    seen, done = Seen(), threading.Event()
    shop = {"published": FIRST}
    publisher = Publisher(settings)
    publisher.publish(FIRST)
    threads = [threading.Thread(target=_read, args=(settings, seen, shop, done)) for _ in range(readers)]
    for thread in threads:
        thread.start()
    try:
        _rounds(settings, publisher, shop, publishes, kills, random.Random(seed))
    finally:
        done.set()
        for thread in threads:
            thread.join()
        publisher.kill()
    with connect("engine", settings=settings) as conn:
        logged = {row["as_of"] for row in conn.execute("select as_of from ops.publish_log")}
    told = (
        f"{publishes} publications, {kills} builds killed, {readers} readers at {HERTZ} Hz: {seen.reads:,} answers "
        f"from {len(seen.builds)} builds, {seen.faults.total()} errors or mixtures"
    )
    if seen.builds - logged:
        seen.faults[f"builds were read that nobody published: {sorted(seen.builds - logged)}"] += 1
    # The first publication came before the readers did.
    done_all = len(logged) > publishes and len(seen.builds) > publishes // 2
    worst = (f"{count} times {fault}" for fault, count in seen.faults.most_common(5))
    return done_all and not seen.faults, "\n  ".join((told, *worst))


def _rounds(
    settings: Settings, publisher: Publisher, shop: dict[str, datetime], publishes: int, kills: int, lot: random.Random
) -> None:
    rounds = [True] * kills + [False] * publishes
    lot.shuffle(rounds)
    as_of, usual = FIRST, 20.0
    while rounds:
        as_of += timedelta(hours=1)
        with connect("loader", settings=settings) as conn:
            conn.execute(SELL, {"number": f"{as_of:%m%d%H}", "at": as_of - timedelta(minutes=30)})
        if rounds[-1] and not publisher.finishes(as_of, usual * lot.uniform(0.05, 0.8)):
            publisher.kill()
            publisher.start()
            rounds.pop()
        elif not rounds[-1]:
            begun = time.monotonic()
            publisher.publish(as_of)
            usual = time.monotonic() - begun
            shop["published"] = as_of
            rounds.pop()
            print(f"  published after {usual:.1f} s, {len(rounds)} builds to go", flush=True)


def _read(settings: Settings, seen: Seen, shop: dict[str, datetime], done: threading.Event) -> None:
    with connect("bi_reader", settings=settings, autocommit=True) as conn:
        while not done.wait(1 / HERTZ):
            published = shop["published"]
            try:
                seen.add(conn.execute(READ).fetchone() or {}, published)
            except Exception as error:
                seen.fail(error)


def _publisher(settings: Settings, pipe: Pipe) -> None:
    while True:
        as_of = pipe.recv()
        try:
            transform.prepare(settings, as_of)
            identity.resolve(settings, as_of)
            transform.build(settings, as_of)
            transform.publish(settings)
        except Exception as error:
            pipe.send(f"{type(error).__name__}: {error}")
        else:
            pipe.send("published")


def _open_shop(settings: Settings) -> None:
    with connect(settings=settings) as conn:
        migrate(conn)
    prepare_raw(settings)
    with connect(settings=settings) as conn:
        for script in ("raw_defaults.sql", "raw_rows.sql", "more_rows.sql"):
            conn.execute((SCRIPTS / script).read_text())


if __name__ == "__main__":
    sys.exit(main())
