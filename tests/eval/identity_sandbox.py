"""The sandbox through the whole of it: its servers, loading, dbt, identity; and its kept truth of who is who."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from rapport import pipeline
from rapport.clock import FixedClock, get_clock
from rapport.db import connect, migrate
from rapport.db.embedded import EmbeddedPostgres
from rapport.demo.world import vendor_environment
from rapport.landing import prepare_raw
from rapport.sandbox.store import open_world
from rapport.sandbox.world import truth
from rapport.settings import Settings

START_SECONDS = 180
SHOP_IDS = {kind: f"gid://shopify/{kind}/" for kind in ("Customer", "Order")}


@dataclass(frozen=True)
class Resolved:
    """Profile key to person, and to what identity made of it."""

    report: str
    seconds: float
    persons: dict[str, int]
    customers: dict[str, str]
    certain: dict[str, str]
    edges: list[tuple[str, str, str]]
    reviews: list[tuple[str, str]]


def resolve_sandbox(customers: int, seed: int) -> Resolved:
    """A shop of that many people, loaded from its servers and resolved in a warehouse of its own, all gone after."""
    with tempfile.TemporaryDirectory(prefix="rapport-eval-") as folder:
        home = Path(folder)
        server = EmbeddedPostgres(home)
        server.start()
        try:
            with _sandbox(home, customers, seed) as vendors:
                settings = Settings(home=home, database_url=server.url("rapport"), **vendors)
                return _resolve(settings, home / "sandbox")
        finally:
            server.stop("immediate")


def _resolve(settings: Settings, world: Path) -> Resolved:
    from rapport import identity

    clock = FixedClock(get_clock(settings).now() + timedelta(hours=1))
    with connect(settings=settings) as conn:
        migrate(conn)
    prepare_raw(settings)
    for vendor in pipeline.VENDORS:
        pipeline.load(vendor, settings, clock)
    pipeline.prepare(settings, clock)
    started = time.monotonic()
    report = identity.resolve(settings, clock.now())
    seconds = time.monotonic() - started
    with connect("transformer", settings=settings) as conn:
        members = conn.execute("select profile_key, customer_id, certain_key from identity.members").fetchall()
        edges = conn.execute("select profile_key_a, profile_key_b, rule from identity.edges where probability >= 0.7")
        found = [(row["profile_key_a"], row["profile_key_b"], row["rule"]) for row in edges]
        waiting = conn.execute("select profile_key_a, profile_key_b from identity.match_reviews").fetchall()
        guests = conn.execute(
            "select profile_key, array_agg(order_key) as orders from intermediate.int_orders"
            " where profile_key like 'guest:%' group by 1"
        ).fetchall()
    return Resolved(
        report=str(report),
        seconds=seconds,
        persons=_persons(world, {row["profile_key"]: row["orders"] for row in guests}),
        customers={row["profile_key"]: row["customer_id"] for row in members},
        certain={row["profile_key"]: row["certain_key"] for row in members},
        edges=found,
        reviews=[(row["profile_key_a"], row["profile_key_b"]) for row in waiting],
    )


def _persons(world: Path, guests: dict[str, list[str]]) -> dict[str, int]:
    """A guest whose orders are two persons' is nobody's, and left out."""
    con = open_world(world)
    try:
        persons = {
            f"{system}:{SHOP_IDS['Customer'] if system == 'shopify' else ''}{account}": person
            for (system, account), person in truth(con).items()
        }
        rows = con.execute("select id, person_id from shopify_orders")
        buyers = {f"shopify:{SHOP_IDS['Order']}{row['id']}": row["person_id"] for row in rows}
    finally:
        con.close()
    for key, orders in guests.items():
        owners = {buyers.get(order) for order in orders}
        if len(owners) == 1 and None not in owners:
            persons[key] = owners.pop()  # type: ignore[assignment]
    return persons


@contextmanager
def _sandbox(home: Path, customers: int, seed: int) -> Iterator[dict[str, str]]:
    directory = home / "sandbox"
    directory.mkdir()
    command = [sys.executable, "-c", "from rapport.cli import main; main()", "sandbox", "--dir", str(directory)]
    command += ["--customers", str(customers), "--seed", str(seed)]
    env = os.environ | {"RAPPORT_HOME": str(home)}
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL) as process:
        try:
            yield {
                name.removeprefix("RAPPORT_").lower(): value
                for name, value in vendor_environment(_endpoints(directory, process)).items()
            }
        finally:
            process.terminate()


def _endpoints(directory: Path, process: subprocess.Popen[bytes]) -> dict[str, dict[str, str]]:
    deadline = time.monotonic() + START_SECONDS
    path = directory / "endpoints.json"
    while time.monotonic() < deadline and process.poll() is None:
        if path.is_file():
            return dict(json.loads(path.read_text()))
        time.sleep(0.2)
    raise RuntimeError("the sandbox did not start; its reason stands above")
