"""The simulated provider over a real socket: what the caller sees and what the ledger says may well differ."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from rapport.clock import FixedClock
from rapport.sandbox import mail
from rapport.sandbox.mail.ledger import accepted_send_ids
from rapport.sandbox.servers import Servers

BODY = {
    "personalizations": [{"to": [{"email": "ada@post.example"}], "custom_args": {"send_id": "s1"}}],
    "from": {"email": "hello@shop.example"},
    "subject": "Hello",
    "content": [{"type": "text/plain", "value": "Hi"}],
}


def with_provider(directory: Path, use: Callable[[httpx.AsyncClient], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        servers = Servers("127.0.0.1")
        port = servers.add("sendgrid", mail.app(directory, FixedClock(datetime(2026, 11, 2, tzinfo=UTC))), 0)
        await servers.start()
        ledger = mail.Ledger(directory)
        headers = {"Authorization": f"Bearer {ledger.api_key}"}
        ledger.close()
        url = f"http://127.0.0.1:{port}"
        try:
            async with httpx.AsyncClient(base_url=url, headers=headers, timeout=0.5, trust_env=False) as client:
                return await use(client)
        finally:
            await servers.stop()

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("kind", "seen", "accepted"),
    [
        ("drop_before", httpx.RemoteProtocolError, []),
        ("drop_after", httpx.RemoteProtocolError, ["s1"]),
        ("hang", httpx.ReadTimeout, []),
        ("accept_late", httpx.ReadTimeout, ["s1"]),
        ("hang_after", httpx.ReadTimeout, ["s1"]),
        ("half_read", httpx.RemoteProtocolError, []),
    ],
)
def test_answers_that_never_come(tmp_path: Path, kind: str, seen: type[Exception], accepted: list[str]) -> None:
    async def use(client: httpx.AsyncClient) -> None:
        await client.post("/_sandbox/faults", json={"faults": [{"kind": kind, "count": 1, "seconds": 0.8}]})
        with pytest.raises((seen, httpx.ReadError)):
            await client.post("/v3/mail/send", json=BODY)
        await asyncio.sleep(0.6)

    with_provider(tmp_path, use)
    assert accepted_send_ids(tmp_path) == accepted


def test_many_senders_at_once_are_each_accepted_once(tmp_path: Path) -> None:
    async def use(client: httpx.AsyncClient) -> list[int]:
        bodies = [
            BODY
            | {"personalizations": [{"to": [{"email": f"r{n}@post.example"}], "custom_args": {"send_id": f"s{n}"}}]}
            for n in range(60)
        ]
        answers = await asyncio.gather(*(client.post("/v3/mail/send", json=one, timeout=10) for one in bodies))
        return [answer.status_code for answer in answers]

    assert with_provider(tmp_path, use) == [202] * 60
    assert sorted(accepted_send_ids(tmp_path)) == sorted(f"s{n}" for n in range(60))
