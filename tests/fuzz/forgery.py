"""Forged batches of events: none may be accepted, none may make the gateway stumble."""

import asyncio
import http.client
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

import uvicorn
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from rapport.clock import SystemClock
from rapport.db import connect
from rapport.gateway import create_app
from rapport.settings import Settings

from .house import call, sizes_of, spread
from .letters import FORGERIES, PATH, Letter, honest

# Between the forgeries comes the provider's own: a gateway that refused everything would prove nothing.
HONEST_EVERY = 500
OVER_HTTP_EVERY = 100
LETTERS = 64


@dataclass
class Found:
    """Answers by kind of forgery and status. `wrong` names what should not have been."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, other: "Found") -> None:
        self.answers += other.answers
        self.wrong += other.wrong

    def judge(self, kind: str, status: int, seed: int) -> None:
        self.answers[kind, status] += 1
        expected = status == 200 if kind.startswith("honest") else 400 <= status < 500
        if not expected:
            self.wrong.append(f"{kind}: status {status} (seed {seed})")


def forge(
    settings: Settings, keys: list[ec.EllipticCurvePrivateKey], count: int, seed: int, processes: int
) -> tuple[bool, str]:
    """Whether `count` forgeries were all refused and each honest letter between them was taken, and a table."""
    pems = [_pem(key) for key in keys]
    sizes = sizes_of(count)
    jobs = [(settings, pems, size, seed + number) for number, size in enumerate(sizes)]
    found = Found()
    for part in spread(chunk, jobs, processes):
        found.add(part)
    with connect(settings=settings) as conn:
        row = conn.execute("select count(*) as n from ops.webhook_inbox where event_id not like 'honest%%'").fetchone()
    if row is None or row["n"]:
        found.wrong.append("events that nobody honest sent are in the inbox")
    missing = [kind for kind in FORGERIES if not any(told == kind for told, _ in found.answers)]
    found.wrong += [f"{kind}: was never tried" for kind in missing]
    return not found.wrong, table(found)


def chunk(settings: Settings, pems: list[bytes], size: int, seed: int) -> Found:
    """`size` forgeries from `seed` on. Of each, one in a hundred goes through a real server as well."""
    keys = [serialization.load_pem_private_key(pem, None) for pem in pems]
    logging.getLogger("rapport").setLevel(logging.ERROR)
    return asyncio.run(_chunk(settings, keys, size, seed))  # type: ignore[arg-type]


async def _chunk(settings: Settings, keys: list[ec.EllipticCurvePrivateKey], size: int, seed: int) -> Found:
    random, found = Random(seed), Found()
    letters = [honest(random, random.choice(keys), f"honest-{seed}-{number}") for number in range(LETTERS)]
    truths = {letter.content for letter in letters}
    names = list(FORGERIES)
    app = create_app(settings, SystemClock())
    with served(settings) as port:
        async with app.router.lifespan_context(app):
            for number in range(size):
                one, other = random.sample(letters, 2)
                kind = names[number % len(names)]
                forged = FORGERIES[kind](random, one, other)
                while forged.content in truths:
                    forged = FORGERIES[kind](random, one, other)
                found.judge(kind, await _status(app, forged), seed)
                if number % OVER_HTTP_EVERY == 0 and not forged.only_in_process:
                    found.judge(kind, over_http(port, forged), seed)
                if number % HONEST_EVERY == 0:
                    found.judge("honest", await _status(app, one), seed)
                    found.judge("honest over HTTP", over_http(port, other), seed)
    return found


async def _status(app: object, letter: Letter) -> int:
    try:
        answer = await call(app, "POST", PATH, letter.headers, letter.body)  # type: ignore[arg-type]
    except Exception as error:
        # A crash is what this looks for; it is counted like the 500 that a server would make of it.
        logging.getLogger(__name__).error("crashed on %r: %r", letter.content, error)
        return 599
    return answer.status


@contextmanager
def served(settings: Settings) -> Iterator[int]:
    """The gateway behind a real HTTP server in a thread; its port."""
    config = uvicorn.Config(
        create_app(settings, SystemClock()), host="127.0.0.1", port=0, log_level="critical", access_log=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)


def over_http(port: int, letter: Letter) -> int:
    """Status, or 400 when the server hung up on what is no HTTP."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.putrequest("POST", PATH)
        for name, value in letter.headers:
            connection.putheader(name, value)
        connection.putheader("content-length", str(len(letter.body)))
        connection.endheaders(letter.body)
        return connection.getresponse().status
    finally:
        connection.close()


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def table(found: Found) -> str:
    forged = sum(number for (kind, _), number in found.answers.items() if not kind.startswith("honest"))
    taken = sum(number for (kind, _), number in found.answers.items() if kind.startswith("honest"))
    kinds = {kind: 0 for kind, _ in sorted(found.answers)}
    for (kind, _), number in found.answers.items():
        kinds[kind] += number
    told = ", ".join(f"{kind} {number:,}" for kind, number in kinds.items())
    wrong = "".join(f"\n    {line}" for line in found.wrong[:10])
    return f"{forged:,} forgeries, {len(found.wrong)} answers wrong; {taken:,} honest letters taken ({told}){wrong}"
