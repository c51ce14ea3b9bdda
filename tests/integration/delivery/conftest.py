"""A small provider with switchable faults and its own ledger, and a ledger of ours with a few planned sends."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web
from psycopg.types.json import Jsonb

from rapport.clock import FixedClock
from rapport.db import Connection, connect
from rapport.keys import recipient_key, uuid7
from rapport.settings import Settings

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


@dataclass
class FakeProvider:
    """`behave` maps the address to a fault: accept, drop (accept, then cut the line), error (accept, then 500),
    refuse (400), busy (429), unauthorised (401), slow (accept after `delay`)."""

    behave: Callable[[str], str] = lambda address: "accept"
    delay: float = 0.0
    bodies: list[dict[str, Any]] = field(default_factory=list)
    requests: int = 0
    retry_after: str = "1"
    port: int = 0

    @property
    def accepted(self) -> Counter[str]:
        return Counter(one["custom_args"]["send_id"] for body in self.bodies for one in body["personalizations"])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        body = json.loads(await request.read())
        fault = self.behave(body["personalizations"][0]["to"][0]["email"])
        if self.delay:
            await asyncio.sleep(self.delay)
        if fault in ("accept", "drop", "error"):
            self.bodies.append(body)
        if fault == "drop":
            assert request.transport is not None
            request.transport.abort()
        if fault == "busy":
            return web.Response(status=429, headers={"Retry-After": self.retry_after})
        if fault == "refuse":
            return web.json_response({"errors": [{"message": "x@y.example is bad", "field": "to"}]}, status=400)
        status = {"error": 500, "unauthorised": 401}.get(fault, 202)
        return web.Response(status=status, headers={"X-Message-Id": f"m{self.requests}"})


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    fake, loop, ready = FakeProvider(), asyncio.new_event_loop(), threading.Event()

    async def start() -> web.AppRunner:
        app = web.Application()
        app.router.add_post("/v3/mail/send", fake.handle)
        runner = web.AppRunner(app, handler_cancellation=False)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        fake.port = runner.addresses[0][1]
        ready.set()
        return runner

    runner = loop.create_task(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    assert ready.wait(10)
    yield fake
    asyncio.run_coroutine_threadsafe(runner.result().cleanup(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@dataclass
class Shop:
    """A database with one campaign, and the few things tests do to it."""

    settings: Settings
    conn: Connection
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))

    def plan(self, number: int, *, policy: str = "at_most_once", prefix: str = "ada") -> list[UUID]:
        """Sends that are due now, each to its own consenting address; returns their ids."""
        ids = []
        for at in range(number):
            address, send_id = f"{prefix}{at}@post.example", uuid7()
            key = recipient_key(self.settings, address)
            self.conn.execute(
                "insert into ops.recipient values (%s, %s, %s) on conflict do nothing", (key, address, NOW)
            )
            self.conn.execute(
                "insert into ops.consent_fact"
                " (recipient_key, topic, granted, occurred_at, source, how, source_record_id)"
                " values (%s, 'marketing', true, %s, 'shopify', 'checkout', %s) on conflict do nothing",
                (key, NOW - timedelta(days=9), address),
            )
            self.conn.execute(
                "insert into ops.send (send_id, campaign_id, occurrence_key, recipient_key, customer_id, topic, policy,"
                " state, due_at, expires_at, template_version, context, planned_at)"
                " values (%s, 'hello', '2027-03-01', %s, %s, 'marketing', %s, 'pending', %s, %s, 'v1', %s, %s)",
                (
                    send_id,
                    key,
                    f"c{at}",
                    policy,
                    NOW - timedelta(minutes=5),
                    NOW + timedelta(hours=6),
                    Jsonb({"first_name": f"Ada {at}"}),
                    NOW,
                ),
            )
            ids.append(send_id)
        return ids

    def row(self, send_id: UUID) -> dict[str, Any]:
        found = self.conn.execute("select * from ops.send where send_id = %s", (send_id,)).fetchone()
        assert found is not None
        return found

    def states(self) -> Counter[str]:
        return Counter(row["state"] for row in self.conn.execute("select state from ops.send"))

    def attempts(self, send_id: UUID) -> list[dict[str, Any]]:
        query = "select * from ops.send_attempt where send_id = %s order by attempt_no"
        return self.conn.execute(query, (send_id,)).fetchall()

    def event(self, send_id: UUID, event: str, *, minutes: float = 1, **raw: Any) -> str:
        """Puts one event into the inbox, as the gateway does; returns its id."""
        event_id = f"{send_id}-{event}-{minutes}"
        self.conn.execute(
            "insert into ops.webhook_inbox (event_id, event, send_id, attempt_no, raw, occurred_at, received_at)"
            " values (%s, %s, %s, 1, %s, %s, clock_timestamp()) on conflict do nothing",
            (event_id, event, send_id, Jsonb({"event": event, **raw}), NOW + timedelta(minutes=minutes)),
        )
        return event_id

    def suppress(self, send_id: UUID, topic: str = "marketing") -> None:
        self.conn.execute(
            "insert into ops.suppression (recipient_key, topic, reason, source, evidence_id, occurred_at)"
            " values (%s, %s, 'unsubscribe', 'page', 'x', %s)",
            (self.row(send_id)["recipient_key"], topic, NOW),
        )


@pytest.fixture
def shop(database: Settings, provider: FakeProvider) -> Iterator[Shop]:
    settings = database.model_copy(update={"sendgrid_url": provider.url, "sendgrid_api_key": "SG.test"})
    with connect(settings=settings, autocommit=True) as conn:
        conn.execute(
            "insert into ops.campaign (campaign_id, kind, topic, policy, definition, version, updated_at) values"
            " ('hello', 'broadcast', 'marketing', 'at_most_once', '{\"from_name\": \"Ada & Co\"}', '1', %s)",
            (NOW,),
        )
        conn.execute(
            "insert into ops.template (template_version, campaign_id, subject, html, body_text, language, created_at)"
            " values ('v1', 'hello', 'Hello {{ first_name }}', %s, %s, 'en', %s)",
            (
                "<html lang='en' dir='ltr'><body><p>Hi {{ first_name }}</p>"
                "<p>{{ shop_name }}, {{ shop_postal_address }}"
                " <a href='{{ unsubscribe_url }}'>Unsubscribe</a></p></body></html>",
                "Hi {{ first_name }}\n{{ shop_name }}, {{ shop_postal_address }}\n{{ unsubscribe_url }}",
                NOW,
            ),
        )
        conn.execute("insert into ops.occurrence values ('hello', '2027-03-01', %s, '{}')", (NOW,))
        yield Shop(settings, conn)
