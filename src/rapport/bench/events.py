"""A provider's events through the gateway: signed, shuffled and doubled, beside a plain COPY of the same rows."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from uuid import UUID

import aiohttp
import orjson
import psutil
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from rapport.db import connect, load_queries, migrate
from rapport.db.embedded import EmbeddedPostgres
from rapport.gateway.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER
from rapport.settings import Settings

SQL = load_queries("rapport.bench", "events.sql")
ROWS = 1_000_000
SEED = 2010
DOUBLED = 0.3
TARGET_PER_SECOND = 3_000
# What the provider packs into one request, and how many of them it has under way.
BATCH, CONCURRENCY = 700, 4
# Bodies are made and signed between the measured stretches, so that a run of any size needs little memory.
STRETCH = 40
KINDS = ("processed", "delivered", "open", "click")
INSTALLATION, ENVIRONMENT = "bench-installation", "bench"
START_SECONDS = 60.0


@dataclass(frozen=True)
class Result:
    """Seconds of wall clock; `cpu_seconds` is what the gateway's own process used of it."""

    posted: int
    kept: int
    seconds: float
    cpu_seconds: float
    copy_seconds: float

    @property
    def per_second(self) -> float:
        return self.posted / self.seconds

    @property
    def reached(self) -> bool:
        return self.per_second >= TARGET_PER_SECOND

    def row(self) -> tuple[str, ...]:
        peer = f"{self.posted / self.copy_seconds:,.0f}"
        ratio = f"1 : {self.seconds / self.copy_seconds:.1f}"
        return ("provider events", f"{self.per_second:,.0f}", "events/s", "plain COPY", peer, ratio)

    def lines(self) -> list[str]:
        return [
            f"{self.posted:,} events in signed batches of {BATCH}, shuffled, {DOUBLED:.0%} doubled: "
            f"{self.seconds:.1f} s, {self.per_second:,.0f} events/s (wanted: {TARGET_PER_SECOND:,}); "
            f"{self.kept:,} kept, each once",
            f"the gateway's process used {self.cpu_seconds / self.seconds:.2f} of a core",
            f"plain COPY of the same rows: {self.copy_seconds:.1f} s, {self.posted / self.copy_seconds:,.0f} rows/s",
        ]


def run(rows: int | None = None, seed: int = SEED) -> Result:
    """Starts a server and a gateway of its own; `rows` is how many events are posted, repetitions included."""
    numbers = event_numbers(rows or ROWS, seed)
    key = ec.generate_private_key(ec.SECP256R1())
    with tempfile.TemporaryDirectory(prefix="rapport-bench-") as name:
        folder = Path(name)
        server = EmbeddedPostgres(folder / "server")
        server.start()
        try:
            settings = Settings(home=folder, database_url=server.url("rapport"), environment=ENVIRONMENT)
            with connect(settings=settings) as conn:
                migrate(conn)
            with _webhook(settings, key) as (url, process):
                before = sum(process.cpu_times()[:2])
                seconds = asyncio.run(_post_all(url, key, numbers))
                cpu_seconds = sum(process.cpu_times()[:2]) - before
            with connect(settings=settings) as conn:
                kept = (conn.execute(SQL["kept"]).fetchone() or {})["rows"]
            if kept != len(set(numbers)):
                raise RuntimeError(f"{len(set(numbers))} different events were posted, {kept} were kept")
            return Result(len(numbers), kept, seconds, cpu_seconds, _plain_copy(settings, numbers))
        finally:
            server.stop("immediate")


def event_numbers(rows: int, seed: int) -> list[int]:
    """Numbers of `rows` events in the order in which they come: so many of them for the second time."""
    different = max(1, round(rows / (1 + DOUBLED)))
    numbers = list(range(different)) + list(range(rows - different))
    Random(seed).shuffle(numbers)  # noqa: S311 (the same order at every run, nothing secret)
    return numbers


def event(number: int) -> dict[str, object]:
    """In the provider's own shape; four events a send."""
    send = number // len(KINDS)
    return {
        "email": f"reader{send}@post{send % 997}.example",
        "timestamp": 1_790_000_000 + number,
        "smtp-id": f"<{send:022d}@geopod-ismtpd-bench>",
        "event": KINDS[number % len(KINDS)],
        "category": ["a_campaign"],
        "sg_event_id": base64.urlsafe_b64encode(number.to_bytes(8, "big") * 2).decode().rstrip("="),
        "sg_message_id": f"{send:022d}.recvd-5f54b5d587-bench-1-63B7F1B2-E.0",
        "useragent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)",
        "ip": "192.0.2.1",
        "send_id": str(UUID(int=send + (1 << 96))),
        "attempt_no": "1",
        "installation": INSTALLATION,
        "environment": ENVIRONMENT,
    }


async def _post_all(url: str, key: ec.EllipticCurvePrivateKey, numbers: list[int]) -> float:
    """Seconds from the first byte of each stretch to its last answer, summed."""
    seconds = 0.0
    async with aiohttp.ClientSession() as session:
        for start in range(0, len(numbers), BATCH * STRETCH):
            stretch = numbers[start : start + BATCH * STRETCH]
            requests = iter([_signed(key, stretch[at : at + BATCH]) for at in range(0, len(stretch), BATCH)])

            async def post(requests: Iterator[tuple[bytes, dict[str, str]]] = requests) -> None:
                for body, headers in requests:
                    async with session.post(url, data=body, headers=headers) as answer:
                        if answer.status != 200:
                            raise RuntimeError(f"the gateway refused signed events with status {answer.status}")

            began = time.perf_counter()
            await asyncio.gather(*(post() for _ in range(CONCURRENCY)))
            seconds += time.perf_counter() - began
    return seconds


def _signed(key: ec.EllipticCurvePrivateKey, numbers: list[int]) -> tuple[bytes, dict[str, str]]:
    body = orjson.dumps([event(number) for number in numbers])
    stamp = str(int(time.time()))
    signature = base64.b64encode(key.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
    return body, {SIGNATURE_HEADER: signature, TIMESTAMP_HEADER: stamp, "Content-Type": "application/json"}


def _plain_copy(settings: Settings, numbers: list[int]) -> float:
    seconds = 0.0
    with connect(settings=settings) as conn:
        conn.execute(SQL["plain_table"])
        conn.commit()
        with conn.cursor() as cursor, cursor.copy(SQL["plain_copy"]) as copy:
            for start in range(0, len(numbers), BATCH * STRETCH):
                text = "".join(_copy_line(number) for number in numbers[start : start + BATCH * STRETCH]).encode()
                began = time.perf_counter()
                copy.write(text)
                seconds += time.perf_counter() - began
            began = time.perf_counter()
        conn.commit()
        return seconds + time.perf_counter() - began


def _copy_line(number: int) -> str:
    one = event(number)
    raw = orjson.dumps(one).decode().replace("\\", "\\\\")
    at = time.strftime("%Y-%m-%d %H:%M:%S+00", time.gmtime(1_790_000_000 + number))
    return f"{one['sg_event_id']}\t{one['event']}\t{one['send_id']}\t1\t{raw}\t{at}\t{at}\n"


def _webhook(settings: Settings, key: ec.EllipticCurvePrivateKey) -> AbstractContextManager[tuple[str, psutil.Process]]:
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return gateway(
        settings,
        "/sendgrid/events",
        RAPPORT_INSTALLATION_ID=INSTALLATION,
        RAPPORT_ENVIRONMENT=ENVIRONMENT,
        RAPPORT_SENDGRID_WEBHOOK_PUBLIC_KEYS=base64.b64encode(der).decode(),
    )


@contextmanager
def gateway(settings: Settings, path: str, **variables: str) -> Iterator[tuple[str, psutil.Process]]:
    """`rapport gateway` as a process of its own; the address of `path` there and the process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")} | {
        "RAPPORT_HOME": str(settings.home),
        "RAPPORT_DATABASE_URL": settings.require("database_url"),
        **variables,
    }
    command = [sys.executable, "-c", "from rapport.cli import main; main()", "gateway", "--port", str(port)]
    process = subprocess.Popen(command, env=environment)
    try:
        _await_port(port, process)
        yield f"http://127.0.0.1:{port}{path}", psutil.Process(process.pid)
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
