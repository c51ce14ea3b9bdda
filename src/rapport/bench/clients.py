"""What speaks to the mail provider: our body and `aiohttp` beside the vendor's typed helpers and `httpx`."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import aiohttp
import httpx
import orjson
from aiohttp import web
from sendgrid.helpers import mail as vendor

from rapport.delivery.providers import Message
from rapport.delivery.providers.sendgrid_body import Account, body

REQUESTS = 6_000
CONCURRENCY = 32
SECONDS_A_BODY = 0.5
# Below it the decision for plain values and aiohttp (docs/decisions/0004) would no longer stand.
TARGET_RATIO = 1.2
LINK = "-rapport.unsubscribe-"


@dataclass(frozen=True)
class Cost:
    """Of one request: processor milliseconds of this process, and requests a second by the clock."""

    milliseconds: float
    per_second: float


@dataclass(frozen=True)
class Result:
    """`bodies` maps rows of a request to microseconds of ours and of the helpers."""

    requests: int
    aiohttp: Cost
    httpx: Cost
    bodies: dict[int, tuple[float, float]]

    @property
    def ratio(self) -> float:
        return self.httpx.milliseconds / self.aiohttp.milliseconds

    @property
    def reached(self) -> bool:
        return min(self.ratio, *(theirs / ours for ours, theirs in self.bodies.values())) >= TARGET_RATIO

    def row(self) -> tuple[str, ...]:
        """Figure, value, unit, peer, its value, ratio."""
        value, peer = f"{self.aiohttp.milliseconds:.2f}", f"{self.httpx.milliseconds:.2f}"
        return "a request by aiohttp", value, "processor ms", "by httpx", peer, f"{self.ratio:.1f}"

    def lines(self) -> list[str]:
        return [
            f"clients: {self.requests:,} requests, {CONCURRENCY} at a time, to a server in a process of its own",
            *(
                f"  {name}: {cost.milliseconds:.2f} processor ms a request, {cost.per_second:,.0f} requests/s"
                for name, cost in (("aiohttp", self.aiohttp), ("httpx", self.httpx))
            ),
            *(
                f"  body of {rows}: {ours:,.0f} us by plain values, {theirs:,.0f} us by the vendor's helpers"
                f" ({theirs / ours:.0f} times)"
                for rows, (ours, theirs) in self.bodies.items()
            ),
        ]


def run(rows: int | None = None) -> Result:
    """Sends `rows` requests by each client, the one and the other in turn, and builds bodies of 1 and 50 mails."""
    requests = rows or REQUESTS
    payload = body([_message(0)], Account())
    turns: dict[str, list[Cost]] = {"aiohttp": [], "httpx": []}
    with _server() as url:
        for _ in range(3):
            turns["aiohttp"].append(asyncio.run(_by_aiohttp(url, payload, requests // 3)))
            turns["httpx"].append(asyncio.run(_by_httpx(url, payload, requests // 3)))
    best = {name: min(costs, key=lambda cost: cost.milliseconds) for name, costs in turns.items()}
    return Result(requests, best["aiohttp"], best["httpx"], {number: _bodies(number) for number in (1, 50)})


async def _by_aiohttp(url: str, payload: bytes, requests: int) -> Cost:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONCURRENCY)) as http:

        async def ask() -> int:
            async with http.post(url, data=payload, headers={"Content-Type": "application/json"}) as answer:
                return answer.status

        return await _timed(ask, requests)


async def _by_httpx(url: str, payload: bytes, requests: int) -> Cost:
    limits = httpx.Limits(max_connections=CONCURRENCY, max_keepalive_connections=CONCURRENCY)
    async with httpx.AsyncClient(limits=limits, trust_env=False) as http:

        async def ask() -> int:
            answer = await http.post(url, content=payload, headers={"Content-Type": "application/json"})
            return answer.status_code

        return await _timed(ask, requests)


async def _timed(ask: Callable[[], Awaitable[int]], requests: int) -> Cost:
    left = iter(range(requests))

    async def worker() -> None:
        for _ in left:
            if await ask() != 202:
                raise RuntimeError("the server of the benchmark did not accept")

    processor, clock = time.process_time(), time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))
    processor, clock = time.process_time() - processor, time.perf_counter() - clock
    return Cost(processor * 1000 / requests, requests / clock)


def _bodies(number: int) -> tuple[float, float]:
    """Processor microseconds of a request's bytes, ours and the helpers' (written by the same encoder)."""
    messages = [_message(at) for at in range(number)]
    return _each(lambda: body(messages, Account())), _each(lambda: _by_helpers(messages))


def _each(build: Callable[[], object]) -> float:
    build()
    begun, times = time.process_time(), 0
    while time.process_time() - begun < SECONDS_A_BODY:
        build()
        times += 1
    return (time.process_time() - begun) * 1e6 / times


def _by_helpers(messages: list[Message]) -> bytes:
    first = messages[0]
    mail = vendor.Mail()
    for message in messages:
        person = vendor.Personalization()
        person.add_to(vendor.To(message.to))
        for name, value in message.headers.items():
            person.add_header(vendor.Header(name, value))
        for name, value in message.arguments.items():
            person.add_custom_arg(vendor.CustomArg(name, value))
        for name, value in message.substitutions.items():
            person.add_substitution(vendor.Substitution(name, value))
        mail.add_personalization(person)
    mail.from_email = vendor.Email(first.sender, first.sender_name)
    mail.subject = first.subject
    mail.content = [vendor.Content("text/plain", first.text), vendor.Content("text/html", first.html)]
    mail.category = vendor.Category(first.category)
    return orjson.dumps(mail.get())


def _message(at: int) -> Message:
    link = f"https://shop.example/u/{at}"
    template = Message(
        to=f"reader{at}@post.example",
        sender="hello@shop.example",
        sender_name="The Shop",
        reply_to=None,
        subject="What goes well with what you chose",
        text=f"A few lines. {LINK}\n" * 50,
        html=f"<p>A few lines. <a href='{LINK}'>leave</a></p>\n" * 250,
        headers={"List-Unsubscribe": f"<{link}>", "List-Id": "<marketing.shop.example>"},
        arguments={"send_id": str(at), "attempt_no": "1", "installation": "bench", "environment": "bench"},
        category="bench",
        go=lambda: None,
    )
    return replace(template, substitutions={LINK: link})


@contextmanager
def _server() -> Iterator[str]:
    """Accepts everything, in a process of its own so that its time is not ours."""
    process = subprocess.Popen([sys.executable, "-m", __name__], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None  # noqa: S101 - asked for above
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v3/mail/send"
    finally:
        process.terminate()
        process.wait(10)


async def _serve() -> None:
    async def accept(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=202, headers={"X-Message-Id": "m"})

    application = web.Application()
    application.router.add_post("/v3/mail/send", accept)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve())
