"""A gateway over a database of its own, called in process as a server would call it."""

import base64
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import psycopg
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from psycopg import sql
from starlette.types import ASGIApp, Message

from rapport.db import connect, migrate
from rapport.db.embedded import EmbeddedPostgres
from rapport.settings import Settings

CHUNK = 20_000
Headers = list[tuple[bytes, bytes]]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes


@contextmanager
def house(keys: list[ec.EllipticCurvePrivateKey]) -> Iterator[Settings]:
    """A server with a migrated database; the gateway's settings know `keys`."""
    with tempfile.TemporaryDirectory(prefix="rapport-fuzz-") as name:
        server = EmbeddedPostgres(Path(name) / "server")
        server.start()
        try:
            settings = settings_for(Path(name), server.url("rapport"), keys)
            with connect(settings=settings) as conn:
                migrate(conn)
            yield settings
        finally:
            server.stop("immediate")


@contextmanager
def twin(settings: Settings) -> Iterator[Settings]:
    """A copy of the database as it stands, on the same server. Nobody may be connected to it."""
    url = urlsplit(settings.require("database_url"))
    here = url.path.lstrip("/")
    there = f"{here}_twin"
    with psycopg.connect(url._replace(path="/postgres").geturl(), autocommit=True) as conn:
        names = {"here": sql.Identifier(here), "there": sql.Identifier(there)}
        conn.execute(sql.SQL("create database {there} template {here}").format(**names))
        try:
            yield settings.model_copy(update={"database_url": url._replace(path=f"/{there}").geturl()})
        finally:
            conn.execute(sql.SQL("drop database {there} with (force)").format(**names))


def settings_for(home: Path, url: str, keys: list[ec.EllipticCurvePrivateKey]) -> Settings:
    return Settings(
        home=home / ".rapport",
        database_url=url,
        environment="fuzz",
        installation_id="fuzz-installation",
        secret_key="a-key-for-fuzzing-only",
        link_key_previous="the-key-before-it",
        sendgrid_webhook_public_keys=tuple(public(key) for key in keys),
    )


def public(key: ec.EllipticCurvePrivateKey) -> str:
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def sizes_of(count: int) -> list[int]:
    """`count` in pieces, each for one process at a time."""
    return [CHUNK] * (count // CHUNK) + [count % CHUNK] * bool(count % CHUNK)


def spread(action: Callable[..., Result], jobs: Sequence[tuple[Any, ...]], processes: int) -> Iterator[Result]:
    """What `action` makes of each job, by so many processes, or here for one."""
    if processes == 1:
        yield from (action(*job) for job in jobs)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(action, *zip(*jobs, strict=True))


async def call(app: ASGIApp, method: str, path: str, headers: Headers, body: bytes) -> Answer:
    """One request. Whatever the application raises comes through: nothing may."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("192.0.2.1", 1),
        "server": ("gateway", 80),
    }
    asked, status, parts = False, 0, []

    async def receive() -> Message:
        nonlocal asked
        if asked:
            return {"type": "http.disconnect"}
        asked = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return Answer(status, b"".join(parts))
