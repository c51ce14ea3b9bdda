"""A campaign rendered, claimed, sent over HTTP and committed, beside the same client posting ready messages."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from rapport.db import connect, load_queries, migrate
from rapport.db.embedded import EmbeddedPostgres
from rapport.delivery import CONCURRENCY, Limits
from rapport.delivery.providers import Message
from rapport.delivery.providers.sendgrid import sendgrid
from rapport.settings import Settings

SQL = load_queries("rapport.bench", "delivery.sql")
ROWS = 200_000
CEILING_ROWS = 20_000
TARGET_PER_SECOND = 700
TARGET_SHARE = 0.6
MEMORY_SPREAD = 0.10
NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
BODY_CHARS = 15_000
PARAGRAPH = "<p>Hello {{ first_name }}, this week the shop has a few things that go well with what you chose.</p>\n"
FOOTER = "{{ shop_name }}, {{ shop_postal_address }}"


@dataclass(frozen=True)
class Run:
    """One campaign sent to its end by one process."""

    messages: int
    seconds: float
    memory_mb: float

    @property
    def per_second(self) -> float:
        return self.messages / self.seconds


@dataclass(frozen=True)
class Result:
    """A small and a large run, and the ceiling: messages a second with no database and no rendering."""

    small: Run
    large: Run
    ceiling: float
    notes: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        return self.large.per_second / self.ceiling

    @property
    def reached(self) -> bool:
        spread = abs(self.large.memory_mb - self.small.memory_mb) / self.small.memory_mb
        return self.large.per_second >= TARGET_PER_SECOND and self.share >= TARGET_SHARE and spread <= MEMORY_SPREAD

    def row(self) -> tuple[str, ...]:
        rate, ceiling = f"{self.large.per_second:,.0f}", f"{self.ceiling:,.0f}"
        return ("delivery", rate, "messages/s", "ready messages", ceiling, f"{self.share:.0%}")

    def lines(self) -> list[str]:
        return [
            f"delivery of {run.messages:,} messages of 15 KB, one a request: {run.seconds:.1f} s, "
            f"{run.per_second:,.0f} messages/s, peak memory {run.memory_mb:.0f} MB"
            for run in (self.small, self.large)
        ] + [
            f"the same client posting ready messages: {self.ceiling:,.0f} messages/s; ours is {self.share:.0%} of it "
            f"(wanted: {TARGET_PER_SECOND} messages/s, {TARGET_SHARE:.0%}, memory within {MEMORY_SPREAD:.0%})"
        ]


def run(rows: int | None = None) -> Result:
    """Starts a server and a provider of its own in a temporary folder; `rows` is the size of the large campaign."""
    large = rows or ROWS
    with tempfile.TemporaryDirectory(prefix="rapport-bench-") as name:
        folder = Path(name)
        server = EmbeddedPostgres(folder / "server")
        server.start()
        try:
            with _provider(folder) as (url, key):
                settings = _settings(folder, server.url("rapport"), url, key)
                with connect(settings=settings) as conn:
                    migrate(conn)
                _campaign(settings)
                ceiling = asyncio.run(_ready_messages(settings, min(large, CEILING_ROWS)))
                return Result(_send(settings, max(1, large // 10)), _send(settings, large), ceiling)
        finally:
            server.stop("immediate")


def _settings(folder: Path, database: str, url: str, key: str) -> Settings:
    return Settings(
        home=folder / "home",
        database_url=database,
        environment="bench",
        shop_name="The Shop Ltd",
        shop_postal_address="1 Market Square, Shopton",
        sendgrid_url=url,
        sendgrid_api_key=key,
    )


def _campaign(settings: Settings) -> None:
    paragraphs = PARAGRAPH * (BODY_CHARS // len(PARAGRAPH))
    values = {
        "now": NOW,
        "subject": "News for {{ first_name }}",
        "html": f'<!doctype html><html lang="en" dir="ltr"><body>{paragraphs}<p>{FOOTER}'
        ' <a href="{{ unsubscribe_url }}">Unsubscribe</a></p></body></html>',
        "text": f"Hello {{{{ first_name }}}}\n{FOOTER}\n{{{{ unsubscribe_url }}}}",
    }
    with connect("engine", settings=settings) as conn:
        for query in ("campaign", "template"):
            conn.execute(SQL[query], values)


def _send(settings: Settings, rows: int) -> Run:
    values = {"occurrence": f"o{rows}", "rows": rows, "now": NOW}
    with connect(settings=settings, autocommit=True) as conn:
        for query in ("occurrence", "recipients", "consents", "sends", "analyze"):
            conn.execute(SQL[query], values)
    environment = {f"RAPPORT_{key.upper()}": str(value) for key, value in _given(settings).items()}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "rapport.bench.dispatch", NOW.isoformat()],
        env={**_inherited(), **environment},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    found = json.loads(done.stdout)
    with connect("engine", settings=settings) as conn:
        states = {row["state"]: row["n"] for row in conn.execute(SQL["states"], values)}
    if states != {"accepted": rows}:
        raise RuntimeError(
            f"{rows} messages were planned, {states} came of them after {time.perf_counter() - began:.0f} s"
        )
    return Run(rows, found["seconds"], found["memory_mb"])


def _given(settings: Settings) -> dict[str, Any]:
    names = (
        "home",
        "database_url",
        "environment",
        "shop_name",
        "shop_postal_address",
        "sendgrid_url",
        "sendgrid_api_key",
    )
    return {name: getattr(settings, name) for name in names}


def _inherited() -> dict[str, str]:
    import os

    return {key: value for key, value in os.environ.items() if not key.startswith("RAPPORT_")}


async def _ready_messages(settings: Settings, rows: int) -> float:
    """Messages a second of the provider's client alone, as many requests at a time as the dispatcher has."""
    html = f"<p>{'x' * BODY_CHARS}</p>"
    message = Message(
        "reader@post.example", settings.mail_from, None, None, "News", "News", html, {}, {"send_id": "0"}, "c", _go
    )
    left = iter(range(rows))
    async with sendgrid(settings, Limits(), CONCURRENCY) as client:

        async def post() -> None:
            for _ in left:
                (outcome,) = await client.send([message])
                if outcome.kind != "accepted":
                    raise RuntimeError(f"the provider did not take a ready message: {outcome}")

        began = time.perf_counter()
        await asyncio.gather(*(post() for _ in range(CONCURRENCY)))
        return rows / (time.perf_counter() - began)


def _go() -> None:
    """Nothing stands against a ready message."""


@contextmanager
def _provider(folder: Path) -> Iterator[tuple[str, str]]:
    """The sandbox's mail provider as a process of its own; its address and key."""
    process = subprocess.Popen(
        [sys.executable, "-m", "rapport.bench.provider", str(folder / "provider")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None  # noqa: S101 - asked for two lines above
        url, key = process.stdout.readline().split()
        yield url, key
    finally:
        psutil.Process(process.pid).kill()
        process.wait()
