"""SendGrid's client against the simulated provider and its own ledger, and against a line that fails in every way."""

import asyncio
import math
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from rapport.clock import SystemClock
from rapport.delivery.limits import Limits
from rapport.delivery.providers import Message, Outcome, TooLate
from rapport.delivery.providers.sendgrid import SendGrid, sendgrid
from rapport.keys import uuid7
from rapport.sandbox.mail.app import app as provider_app
from rapport.sandbox.mail.ledger import Ledger, accepted_send_ids
from rapport.settings import Settings

LIMITS = Limits(connect_seconds=2, read_seconds=8)
IMPATIENT = Limits(connect_seconds=0.5, read_seconds=0.5)
TOKEN = "-rapport.unsubscribe-"


def message(address: str, go: Callable[[], None] = lambda: None, text: str = f"leave: {TOKEN}") -> Message:
    send_id = str(uuid7())
    link = f"https://shop.example/u/{send_id}"
    return Message(
        to=address,
        sender="hello@shop.example",
        sender_name="Ada & Co",
        reply_to=None,
        subject="Hello",
        text=text,
        html=f"<p><a href='{TOKEN}'>leave</a></p>",
        headers={"List-Unsubscribe": f"<{link}>"},
        arguments={"send_id": send_id, "attempt_no": "1"},
        category="hello",
        topic="marketing",
        go=go,
        substitutions={TOKEN: link},
    )


def people(number: int) -> list[Message]:
    return [message(f"ada{at}@post.example") for at in range(number)]


def deliver(settings: Settings, messages: Sequence[Message], limits: Limits = LIMITS) -> Sequence[Outcome]:
    async def send() -> Sequence[Outcome]:
        async with sendgrid(settings, limits, 4) as provider:
            return await provider.send(messages)

    return asyncio.run(send())


@dataclass
class Simulated:
    """The simulated provider over HTTP, with a count of what it was asked."""

    settings: Settings
    directory: Path
    requests: int = 0

    def accepted(self) -> Counter[str]:
        return Counter(accepted_send_ids(self.directory))

    def mails(self) -> list[dict[str, Any]]:
        ledger = Ledger(self.directory)
        try:
            found = [dict(row) for row in ledger._con.execute("select * from accepted")]
        finally:
            ledger.close()
        return found


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    home = tmp_path_factory.mktemp("provider")
    inner = provider_app(home / "mail", SystemClock())

    async def counted(scope: Any, receive: Any, send: Any) -> None:
        made.requests += scope["type"] == "http"
        await inner(scope, receive, send)

    server = uvicorn.Server(uvicorn.Config(counted, host="127.0.0.1", port=0, log_level="error", access_log=False))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    ledger = Ledger(home / "mail")
    made = Simulated(
        Settings(home=home, installation_id="test", secret_key="k", sendgrid_api_key=ledger.api_key), home / "mail"
    )
    ledger.close()
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    made.settings = made.settings.model_copy(update={"sendgrid_url": f"http://127.0.0.1:{port}"})
    yield made
    server.should_exit = True
    thread.join(20)


@given(refused=st.lists(st.booleans(), min_size=1, max_size=50))
@example_settings(max_examples=40, deadline=None)
def test_bisecting_rejects_the_bad_rows_and_sends_each_other_once(simulated: Simulated, refused: list[bool]) -> None:
    before, asked = simulated.accepted(), simulated.requests
    messages = [message("no address" if bad else f"ada{at}@post.example") for at, bad in enumerate(refused)]
    # Bad rows that look alike must not stand together either; here each is bad in its own way.
    messages = [
        one if not bad else message(f"no address {at}")
        for at, (one, bad) in enumerate(zip(messages, refused, strict=True))
    ]
    outcomes = deliver(simulated.settings, messages)
    assert [one.kind for one in outcomes] == ["rejected" if bad else "accepted" for bad in refused]
    assert all("no address" not in one.detail for one in outcomes)
    good = [one.arguments["send_id"] for one, bad in zip(messages, refused, strict=True) if not bad]
    assert simulated.accepted() - before == Counter(good)
    most = 2 * sum(refused) * math.ceil(math.log2(len(refused))) + 1
    assert simulated.requests - asked <= most


def test_fifty_people_share_a_request_and_each_gets_the_own_link(simulated: Simulated) -> None:
    asked, messages = simulated.requests, people(50)
    outcomes = deliver(simulated.settings, messages)
    assert simulated.requests - asked == 1
    assert {one.kind for one in outcomes} == {"accepted"}
    assert len({one.message_id for one in outcomes}) == len({one.payload_sha256 for one in outcomes}) == 1
    mails = {mail["send_id"]: mail for mail in simulated.mails()}
    for one in messages:
        mail, link = mails[one.arguments["send_id"]], one.substitutions[TOKEN]
        assert mail["to_email"] == one.to
        assert mail["text"] == f"leave: {link}"
        assert link in mail["html"]
        assert link in mail["headers"]


def test_one_address_twice_is_sent_by_two_requests(simulated: Simulated) -> None:
    asked, before = simulated.requests, simulated.accepted()
    messages = [message("ada@post.example"), message("bob@post.example"), message("ADA@post.example")]
    assert [one.kind for one in deliver(simulated.settings, messages)] == ["accepted"] * 3
    assert simulated.requests - asked == 2
    assert simulated.accepted() - before == Counter(one.arguments["send_id"] for one in messages)


def test_sandbox_mode_checks_the_request_and_never_counts_as_sent(simulated: Simulated) -> None:
    asked, before = simulated.requests, simulated.accepted()
    settings = simulated.settings.model_copy(update={"sendgrid_sandbox_mode": True})
    outcomes = deliver(settings, people(8))
    assert {(one.kind, one.status) for one in outcomes} == {("rejected", 200)}
    assert "SANDBOX_MODE is on" in outcomes[0].detail
    assert (simulated.requests - asked, simulated.accepted()) == (1, before)


def test_what_cannot_be_encoded_fails_alone(simulated: Simulated) -> None:
    messages = people(5)
    messages[3] = message("ada3\ud83d@post.example")
    outcomes = deliver(simulated.settings, messages)
    assert [one.kind for one in outcomes] == ["accepted"] * 3 + ["rejected", "accepted"]


Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Line:
    """Speaks raw bytes, one entry of `script` a connection or request; counts what it was asked in full."""

    script: list[Conversation]
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0
    stray: bytes = b""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while self.script:
                await self.script.pop(0)(reader, writer)
                if writer.is_closing():
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def request(self, reader: asyncio.StreamReader) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        self.bodies.append(await reader.readexactly(length))


def answers(line: Line, raw: bytes, *, cut: bool = False, pause: float = 0.0) -> Conversation:
    """Reads a request, and writes `raw` in two parts with a pause between."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await line.request(reader)
        writer.write(raw[: len(raw) // 2])
        await writer.drain()
        await asyncio.sleep(pause)
        writer.write(raw[len(raw) // 2 :])
        await writer.drain()
        if cut:
            writer.close()

    return talk


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Cuts the line in the middle of the request."""
    await reader.read(10)
    writer.transport.abort()


async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes the connection and reads nothing, so that a long request is written by half at most."""
    await asyncio.sleep(2)
    writer.transport.abort()


def status(code: int, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {code} Said", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@asynccontextmanager
async def over(line: Line, limits: Limits, tmp_path: Path) -> AsyncIterator[SendGrid]:
    server = await asyncio.start_server(line.talk, "127.0.0.1", 0, limit=2**20)
    port = server.sockets[0].getsockname()[1]
    settings = Settings(home=tmp_path, installation_id="t", secret_key="k", sendgrid_api_key="SG.x")
    settings = settings.model_copy(update={"sendgrid_url": f"http://127.0.0.1:{port}"})
    try:
        async with sendgrid(settings, limits, 4) as provider:
            yield provider
    finally:
        server.close()


def told(
    tmp_path: Path, script: Callable[[Line], list[Conversation]], *batches: Sequence[Message], limits: Limits = LIMITS
) -> tuple[Line, list[Outcome]]:
    """Outcomes of the batches, sent one after the other."""

    async def send() -> tuple[Line, list[Outcome]]:
        line = Line([])
        line.script = script(line)
        async with over(line, limits, tmp_path) as provider:
            return line, [one for batch in batches for one in await provider.send(batch)]

    return asyncio.run(send())


ANSWERS: dict[str, tuple[bytes, bool, str]] = {
    "202-with-trailing-garbage-later": (status(202, "X-Message-Id: m1") + b"\0garbage" * 40, True, "accepted"),
    "202-with-a-broken-body": (b"HTTP/1.1 202 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n", True, "accepted"),
    "202-without-a-length": (b"HTTP/1.1 202 OK\r\n\r\n", True, "accepted"),
    "half-a-status-line": (b"HTTP/1.1 20", True, "unknown"),
    "nothing": (b"", True, "unknown"),
    "not-http": (b"220 mail.example ESMTP\r\n", True, "unknown"),
    "500": (status(500), False, "unknown"),
    "503-with-a-wait": (status(503, "Retry-After: 5"), False, "unknown"),
    "redirect": (status(302, "Location: http://127.0.0.1:9/"), False, "unknown"),
    "200-without-sandbox-mode": (status(200), False, "unknown"),
    "400": (status(400, body=b'{"errors": [{"message": "a@b.example", "field": "subject"}]}'), False, "rejected"),
    "413": (status(413), False, "rejected"),
    "408": (status(408), False, "not_sent"),
    "429": (status(429, "Retry-After: 7"), False, "not_sent"),
    "401": (status(401), False, "not_sent"),
    "405": (status(405), False, "not_sent"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_what_an_answer_means(tmp_path: Path, name: str) -> None:
    raw, cut, kind = ANSWERS[name]
    line, (outcome,) = told(tmp_path, lambda line: [answers(line, raw, cut=cut, pause=0.05)], people(1))
    # Garbage in the segment of the status line hides it from the parser; then nobody knows.
    assert outcome.kind == kind or (kind, outcome.kind) == ("accepted", "unknown")
    assert len(line.bodies) == 1
    assert outcome.halt is (name in ("401", "405"))
    assert outcome.wait_seconds == (7 if name == "429" else 0)
    assert "@" not in outcome.detail


@pytest.mark.parametrize("fault", ["reset", "deaf"])
def test_a_request_that_was_begun_is_unknown_and_never_repeated(tmp_path: Path, fault: str) -> None:
    batch = [message("ada@post.example", text="long " * 4_000_000)]
    talk = {"reset": reset, "deaf": deaf}[fault]
    line, (outcome,) = told(tmp_path, lambda line: [talk, answers(line, status(202))], batch, limits=IMPATIENT)
    assert outcome.kind == "unknown"
    assert (line.connections, line.bodies) == (1, [])


@pytest.mark.parametrize(("pause", "kind"), [(0.1, "accepted"), (2.0, "unknown")], ids=["in-time", "too-late"])
def test_slow_headers_count_only_in_time(tmp_path: Path, pause: float, kind: str) -> None:
    limits = Limits(connect_seconds=0.5, read_seconds=1)
    line, outcomes = told(tmp_path, lambda line: [answers(line, status(202), pause=pause)], people(3), limits=limits)
    assert [one.kind for one in outcomes] == [kind] * 3
    assert len(line.bodies) == 1


def test_a_kept_connection_that_died_is_not_tried_again(tmp_path: Path) -> None:
    def script(line: Line) -> list[Conversation]:
        return [answers(line, status(202)), reset, answers(line, status(202))]

    line, outcomes = told(tmp_path, script, people(1), people(1))
    assert [one.kind for one in outcomes] == ["accepted", "unknown"]
    assert (line.connections, len(line.bodies)) == (1, 1)


def test_only_the_half_whose_answer_is_lost_is_unknown(tmp_path: Path) -> None:
    def script(line: Line) -> list[Conversation]:
        return [answers(line, status(400)), answers(line, status(202)), answers(line, b"", cut=True)]

    line, outcomes = told(tmp_path, script, people(5))
    assert [one.kind for one in outcomes] == ["accepted"] * 2 + ["unknown"] * 3
    assert [raw.count(b'"to"') for raw in line.bodies] == [5, 2, 3]


def test_a_request_that_is_too_large_is_taken_apart(tmp_path: Path) -> None:
    def script(line: Line) -> list[Conversation]:
        return [answers(line, status(code)) for code in (413, 202, 202)]

    line, outcomes = told(tmp_path, script, people(4))
    assert [one.kind for one in outcomes] == ["accepted"] * 4
    assert [raw.count(b'"to"') for raw in line.bodies] == [4, 2, 2]


def test_each_part_asks_each_row_again_whether_it_may_leave(tmp_path: Path) -> None:
    asked: Counter[str] = Counter()

    def gate(name: str, most: int) -> Callable[[], None]:
        def go() -> None:
            asked[name] += 1
            if asked[name] > most:
                raise TooLate("stopped meanwhile")

        return go

    batch = [message(f"{name}@post.example", gate(name, most)) for name, most in (("a", 9), ("b", 1), ("c", 9))]

    def script(line: Line) -> list[Conversation]:
        return [answers(line, status(400)), _until_first_byte(line), _until_first_byte(line)]

    line, outcomes = told(tmp_path, script, batch)
    assert [one.kind for one in outcomes] == ["accepted", "not_sent", "accepted"]
    assert outcomes[1].detail == "not sent: stopped meanwhile"
    assert [raw.count(b'"to"') for raw in line.bodies] == [3, 1, 1]
    assert line.stray == b""
    assert all(b"b@post.example" not in raw for raw in line.bodies[1:])


def test_who_may_not_leave_does_not_hold_the_others_and_costs_no_byte(tmp_path: Path) -> None:
    def late() -> None:
        raise TooLate("the kill switch is on")

    batch = people(4)
    batch[1] = message("late@post.example", late)
    line, outcomes = told(tmp_path, lambda line: [_until_first_byte(line)] * 2, batch, [message("x@y.example", late)])
    assert [one.kind for one in outcomes] == ["accepted", "not_sent", "accepted", "accepted", "not_sent"]
    assert (len(line.bodies), line.stray) == (1, b"")
    assert b"late@" not in line.bodies[0]


def _until_first_byte(line: Line) -> Conversation:
    """Answers a request; a connection that is closed without one is let go."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answers(line, status(202))(reader, writer)
        except asyncio.IncompleteReadError as ended:
            line.stray += ended.partial
            line.script.append(_until_first_byte(line))
            writer.close()

    return talk


def test_a_used_up_rate_limit_is_told_with_the_acceptance_and_obeyed_at_once(tmp_path: Path) -> None:
    now = int(time.time())
    stamp = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(now))
    headers = ("X-RateLimit-Remaining: 0", f"X-RateLimit-Reset: {now + 60}", f"Date: {stamp}")
    line, outcomes = told(tmp_path, lambda line: [answers(line, status(202, *headers))], people(2), people(2))
    assert [one.kind for one in outcomes] == ["accepted"] * 2 + ["not_sent"] * 2
    assert outcomes[0].wait_seconds == 60
    assert 50 < outcomes[2].wait_seconds <= 60
    assert len(line.bodies) == 1


def test_a_short_wait_is_waited_out(tmp_path: Path) -> None:
    def script(line: Line) -> list[Conversation]:
        return [answers(line, status(429, "Retry-After: 1")), answers(line, status(202))]

    began = time.monotonic()
    _, outcomes = told(tmp_path, script, people(1), people(1))
    assert [one.kind for one in outcomes] == ["not_sent", "accepted"]
    assert time.monotonic() - began >= 1


def test_a_wait_in_the_middle_of_bisecting_holds_the_other_half(tmp_path: Path) -> None:
    def script(line: Line) -> list[Conversation]:
        return [answers(line, status(400)), answers(line, status(429, "Retry-After: 60"))]

    line, outcomes = told(tmp_path, script, people(4))
    assert {one.kind for one in outcomes} == {"not_sent"}
    assert min(one.wait_seconds for one in outcomes) > 50
    assert len(line.bodies) == 2


def test_a_refused_account_is_asked_once(tmp_path: Path) -> None:
    line, outcomes = told(tmp_path, lambda line: [answers(line, status(403))], people(2), people(2))
    assert all(one.halt and one.kind == "not_sent" for one in outcomes)
    assert len(line.bodies) == 1
