"""What benchmarks of the gateway share: a server and a gateway of their own, many clients, and each event kept once."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import LiteralString

import aiohttp
import psutil

from rapport.db import connect, migrate
from rapport.db.embedded import EmbeddedPostgres
from rapport.settings import Settings

DOUBLED = 0.3
# How many requests are under way at once.
CONCURRENCY = 4
# Bodies are made between the measured stretches, so that a run of any size needs little memory. Of so many requests.
STRETCH = 40
START_SECONDS = 60.0
# A body and its headers.
Request = tuple[bytes, dict[str, str]]


@dataclass(frozen=True)
class Load:
    """What is posted. `name` and `told` are of the figure; `request` makes one request of some events; `plain_copy`
    writes the same rows without us, as many as it says, and says in how many seconds."""

    name: str
    told: str
    batch: int
    target_per_second: int
    path: str
    variables: dict[str, str]
    request: Callable[[Sequence[int]], Request]
    kept: LiteralString
    plain_copy: Callable[[Settings], tuple[int, float]]


@dataclass(frozen=True)
class Result:
    """Seconds of wall clock; `cpu_seconds` is what the gateway's own process used of it."""

    load: Load
    posted: int
    kept: int
    seconds: float
    cpu_seconds: float
    copied: int
    copy_seconds: float

    @property
    def per_second(self) -> float:
        return self.posted / self.seconds

    @property
    def copied_per_second(self) -> float:
        return self.copied / self.copy_seconds

    @property
    def reached(self) -> bool:
        return self.per_second >= self.load.target_per_second

    def row(self) -> tuple[str, ...]:
        ratio = f"1 : {self.copied_per_second / self.per_second:.1f}"
        return (
            self.load.name, f"{self.per_second:,.0f}", "events/s", "plain COPY", f"{self.copied_per_second:,.0f}", ratio
        )  # fmt: skip

    def lines(self) -> list[str]:
        return [
            f"{self.posted:,} {self.load.told} of {self.load.batch}, shuffled, some of them twice: "
            f"{self.seconds:.1f} s, {self.per_second:,.0f} events/s (wanted: {self.load.target_per_second:,}); "
            f"{self.kept:,} kept, each once",
            f"the gateway's process used {self.cpu_seconds / self.seconds:.2f} of a core",
            f"plain COPY of the same rows: {self.copy_seconds:.1f} s, {self.copied_per_second:,.0f} rows/s",
        ]


def measure(load: Load, numbers: Sequence[int]) -> Result:
    """Posts the events of these numbers. Raises RuntimeError when one is refused, lost or kept twice."""
    with tempfile.TemporaryDirectory(prefix="rapport-bench-") as name:
        folder = Path(name)
        server = EmbeddedPostgres(folder / "server")
        server.start()
        try:
            settings = Settings(home=folder, database_url=server.url("rapport"))
            with connect(settings=settings) as conn:
                migrate(conn)
            with _gateway(settings, load) as (url, process):
                before = sum(process.cpu_times()[:2])
                seconds = asyncio.run(_post_all(url, load, numbers))
                cpu_seconds = sum(process.cpu_times()[:2]) - before
            with connect(settings=settings) as conn:
                kept = (conn.execute(load.kept).fetchone() or {})["rows"]
            if kept != len(set(numbers)):
                raise RuntimeError(f"{len(set(numbers))} different events were posted, {kept} were kept")
            return Result(load, len(numbers), kept, seconds, cpu_seconds, *load.plain_copy(settings))
        finally:
            server.stop("immediate")


def event_numbers(rows: int, seed: int) -> list[int]:
    """Numbers of `rows` events in the order in which they come: so many of them for the second time."""
    different = max(1, round(rows / (1 + DOUBLED)))
    numbers = list(range(different)) + list(range(rows - different))
    Random(seed).shuffle(numbers)  # noqa: S311 (the same order at every run, nothing secret)
    return numbers


def stretches(numbers: Sequence[int], batch: int) -> Iterator[Sequence[int]]:
    """The numbers of each measured stretch."""
    for start in range(0, len(numbers), batch * STRETCH):
        yield numbers[start : start + batch * STRETCH]


async def _post_all(url: str, load: Load, numbers: Sequence[int]) -> float:
    """Seconds from the first byte of each stretch to its last answer, summed."""
    seconds = 0.0
    async with aiohttp.ClientSession() as session:
        for stretch in stretches(numbers, load.batch):
            requests = iter([load.request(stretch[at : at + load.batch]) for at in range(0, len(stretch), load.batch)])

            async def post(requests: Iterator[Request] = requests) -> None:
                for body, headers in requests:
                    async with session.post(url, data=body, headers=headers) as answer:
                        if answer.status != 200:
                            raise RuntimeError(f"the gateway refused {load.name} with status {answer.status}")

            began = time.perf_counter()
            await asyncio.gather(*(post() for _ in range(CONCURRENCY)))
            seconds += time.perf_counter() - began
    return seconds


@contextmanager
def _gateway(settings: Settings, load: Load) -> Iterator[tuple[str, psutil.Process]]:
    """`rapport gateway` as a process of its own; the address that is posted to and the process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")} | {
        "RAPPORT_HOME": str(settings.home),
        "RAPPORT_DATABASE_URL": settings.require("database_url"),
        **load.variables,
    }
    command = [sys.executable, "-c", "from rapport.cli import main; main()", "gateway", "--port", str(port)]
    process = subprocess.Popen(command, env=environment)
    try:
        _await_port(port, process)
        yield f"http://127.0.0.1:{port}{load.path}", psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the gateway did not start; its own words stand above")
