"""The sandbox as one process: it comes up whole, lives, is found again after a restart, and stops cleanly."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from rapport.errors import PermanentError
from rapport.sandbox.ports import Ports
from rapport.sandbox.serve import Options, serve
from rapport.sandbox.store import open_world

START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
ANY = Ports(0, 0, 0, 0, 0)


@dataclass
class MovableClock:
    at: datetime = START

    def now(self) -> datetime:
        return self.at


@dataclass
class Gateway:
    """A receiver for events and one-click unsubscribes on a real port."""

    events: list[dict[str, Any]] = field(default_factory=list)
    posts: list[str] = field(default_factory=list)

    def __enter__(self) -> "Gateway":
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                gateway.posts.append(self.path)
                if self.path == "/sendgrid/events":
                    gateway.events.extend(json.loads(body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"


async def until(holds: Any, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.05)


def options(directory: Path, clock: MovableClock, **more: Any) -> Options:
    values = {"customers": 80, "months": 2, "ports": ANY, "tick_seconds": 0.05, "say": lambda _: None}
    return Options(directory, clock, **values | more)


def mail_to(email: str, gateway: str) -> dict[str, Any]:
    return {
        "personalizations": [{"to": [{"email": email}], "custom_args": {"send_id": email}}],
        "from": {"email": "hello@shop.example"},
        "subject": "Hello",
        "content": [{"type": "text/html", "value": '<a href="https://shop.example/?utm_campaign=w">x</a>'}],
        "headers": {
            "List-Unsubscribe": f"<{gateway}/unsubscribe/abc>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
        "categories": ["w"],
    }


def test_a_mail_goes_out_and_its_events_come_back(tmp_path: Path) -> None:
    async def run(gateway: Gateway) -> None:
        clock, stop = MovableClock(), asyncio.Event()
        serving = asyncio.create_task(serve(options(tmp_path, clock, gateway_url=gateway.url), stop))
        found = tmp_path / "endpoints.json"
        await until(lambda: found.exists() or serving.done())
        ends = json.loads(found.read_text())
        con = open_world(tmp_path)
        con.execute("update persons set unsubscribe_propensity = 1, complaint_propensity = 0, bounces = null")
        emails = [row["email"] for row in con.execute("select email from persons limit 20")]
        headers = {"Authorization": f"Bearer {ends['sendgrid']['api_key']}"}
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(ends["mailbox"]["url"])).status_code == 200
            for email in emails:
                body = mail_to(email, gateway.url) | {"asm": {"group_id": ends["sendgrid"]["unsubscribe_group"]}}
                url = f"{ends['sendgrid']['url']}/v3/mail/send"
                assert (await client.post(url, json=body, headers=headers)).status_code == 202
        clock.at += timedelta(days=4)
        await until(lambda: {e["send_id"] for e in gateway.events if e["event"] == "delivered"} == set(emails))
        await until(lambda: gateway.posts.count("/unsubscribe/abc") == 20)
        stop.set()
        await serving
        assert not found.exists()

    with Gateway() as gateway:
        asyncio.run(run(gateway))


def test_vendors_answer_with_the_access_that_is_written_down(tmp_path: Path) -> None:
    async def run() -> None:
        stop = asyncio.Event()
        serving = asyncio.create_task(serve(options(tmp_path, MovableClock()), stop))
        found = tmp_path / "endpoints.json"
        await until(lambda: found.exists() or serving.done())
        ends = json.loads(found.read_text())
        shopify, zendesk, bluesky = ends["shopify"], ends["zendesk"], ends["bluesky"]
        async with httpx.AsyncClient(trust_env=False) as client:
            query = {"query": "{ customers(first: 1) { nodes { id } } }"}
            url = f"{shopify['url']}/admin/api/2026-10/graphql.json"
            store = await client.post(url, json=query, headers={"X-Shopify-Access-Token": shopify["token"]})
            url = f"{zendesk['url']}/api/v2/incremental/tickets/cursor.json?start_time=1"
            desk = await client.get(url, auth=(f"{zendesk['email']}/token", zendesk["token"]))
            url = f"{bluesky['url']}/xrpc/com.atproto.server.createSession"
            login = {"identifier": bluesky["handle"], "password": bluesky["app_password"]}
            social = await client.post(url, json=login)
        assert [answer.status_code for answer in (store, desk, social)] == [200, 200, 200]
        with pytest.raises(PermanentError, match="another sandbox"):
            await serve(options(tmp_path, MovableClock()), stop)
        stop.set()
        await serving

    asyncio.run(run())


def test_a_taken_port_is_replaced_and_said(tmp_path: Path) -> None:
    async def run(taken: int) -> list[str]:
        said: list[str] = []
        stop = asyncio.Event()
        ports = Ports(0, 0, 0, taken, 0)
        made = options(tmp_path, MovableClock(), ports=ports, say=said.append)
        serving = asyncio.create_task(serve(made, stop))
        await until(lambda: (tmp_path / "endpoints.json").exists() or serving.done())
        stop.set()
        await serving
        return said

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert any(f"Port {port} is taken; sendgrid listens on" in line for line in asyncio.run(run(port)))


PROGRAM = """
import sys
from pathlib import Path
from rapport.clock import SystemClock
from rapport.sandbox.ports import Ports
from rapport.sandbox.serve import run
run(Path(sys.argv[1]), SystemClock(), customers=40, months=1, ports=Ports(0, 0, 0, 0, 0))
"""


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_and_the_world_is_found_again(tmp_path: Path, name: signal.Signals) -> None:
    assert people_of_a_run(tmp_path, name) == people_of_a_run(tmp_path, name)


def people_of_a_run(directory: Path, name: signal.Signals) -> list[str]:
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(directory)], stderr=subprocess.PIPE)
    asyncio.run(until(lambda: (directory / "endpoints.json").exists() or process.poll() is not None))
    process.send_signal(name)
    _, complaints = process.communicate(timeout=20)
    assert process.returncode == 0
    assert complaints == b""
    people = [row["name"] for row in open_world(directory).execute("select first_name as name from persons")]
    assert len(people) == 40
    return people
