"""Event webhooks: signed over the raw body, and late, doubled, out of order and retried on purpose."""

import asyncio
import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from rapport.sandbox.mail import Ledger, MailOptions, public_key_base64
from rapport.sandbox.mail.envelopes import accept
from rapport.sandbox.mail.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER
from rapport.sandbox.mail.webhook import WebhookSender

START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


@dataclass
class MovableClock:
    at: datetime = START

    def now(self) -> datetime:
        return self.at


class Gateway:
    """Takes what is posted; answers `status`, or does not answer at all when it is None."""

    def __init__(self) -> None:
        self.status: int | None = 204
        self.requests: list[httpx.Request] = []
        self.tries = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.tries += 1
        if self.status is None:
            raise httpx.ConnectError("nobody listens")
        if self.status < 300:
            self.requests.append(request)
        return httpx.Response(self.status)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for request in self.requests for event in json.loads(request.content)]


class Post:
    """A ledger with `mails` processed mails and a sender over it."""

    def __init__(self, directory: Path, mails: int, options: MailOptions) -> None:
        self.clock, self.gateway, self.ledger = MovableClock(), Gateway(), Ledger(directory)
        self.directory, self.options = directory, options
        for number in range(mails):
            body = {
                "personalizations": [
                    {"to": [{"email": f"r{number}@post.example"}], "custom_args": {"send_id": f"s{number}"}}
                ],
                "from": {"email": "hello@shop.example"},
                "subject": "Hello",
                "content": [{"type": "text/plain", "value": "Hi"}],
                "categories": ["win_back"],
            }
            accept(self.ledger, options, body, START.timestamp() + number / 100, 0.0)

    def post_all(self) -> int:
        async def run() -> int:
            transport = httpx.MockTransport(self.gateway)
            sender = WebhookSender(self.directory, self.ledger, self.clock, self.options, transport)
            total = 0
            while sent := await sender.post_due():
                total += sent
            await sender.close()
            return total

        return asyncio.run(run())


URL = "http://gateway.example/sendgrid/events"
PLAIN = MailOptions(webhook_url=URL, event_lag_seconds=0, late_share=0, doubled_share=0)


def verify(public: str, request: httpx.Request, body: bytes) -> None:
    key = serialization.load_der_public_key(base64.b64decode(public))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    signature = base64.b64decode(request.headers[SIGNATURE_HEADER])
    key.verify(signature, request.headers[TIMESTAMP_HEADER].encode() + body, ec.ECDSA(hashes.SHA256()))


def test_the_signature_covers_timestamp_and_raw_body(tmp_path: Path) -> None:
    post = Post(tmp_path, 3, PLAIN)
    post.clock.at += timedelta(seconds=1)
    assert post.post_all() == 3
    request = post.gateway.requests[0]
    public = public_key_base64(tmp_path)
    verify(public, request, request.content)
    assert public_key_base64(tmp_path) == public
    with pytest.raises(InvalidSignature):
        verify(public, request, request.content + b" ")


def test_events_have_the_provider_s_shape(tmp_path: Path) -> None:
    post = Post(tmp_path, 1, PLAIN)
    post.post_all()
    event = post.gateway.events[0]
    assert event["event"] == "processed"
    assert event["email"] == "r0@post.example"
    assert event["send_id"] == "s0"
    assert event["category"] == ["win_back"]
    assert event["timestamp"] == int(START.timestamp())
    assert event["sg_message_id"].startswith(event["smtp-id"].strip("<").partition("@")[0])


def test_events_come_late_doubled_and_out_of_order(tmp_path: Path) -> None:
    options = MailOptions(webhook_url=URL, event_lag_seconds=30, late_share=0.1, late_seconds=3600, doubled_share=0.1)
    post = Post(tmp_path, 300, options)
    post.post_all()
    assert not post.gateway.events
    post.clock.at += timedelta(seconds=35)
    post.post_all()
    early = {event["sg_event_id"] for event in post.gateway.events}
    assert 240 < len(early) < 300
    for _ in range(3):
        post.clock.at += timedelta(hours=1)
        post.post_all()
    ids = [event["sg_event_id"] for event in post.gateway.events]
    assert len(set(ids)) == 300
    assert 10 < len(ids) - 300 < 60
    times = [event["send_id"] for event in post.gateway.events]
    assert times != sorted(times, key=lambda name: int(name[1:]))
    assert post.ledger.rows("events_waiting")[0]["n"] == 0


@pytest.mark.parametrize("status", [500, 403, 302, None])
def test_what_was_not_taken_is_posted_again(tmp_path: Path, status: int | None) -> None:
    post = Post(tmp_path, 4, MailOptions(**vars(PLAIN) | {"retry_seconds": 0.0}))
    post.clock.at += timedelta(seconds=1)
    post.gateway.status = status
    assert post.post_all() == 0
    assert post.gateway.tries == 1
    post.gateway.status = 200
    assert post.post_all() == 4
    assert len(post.gateway.events) == 4


def test_a_failure_waits_longer_each_time(tmp_path: Path) -> None:
    post = Post(tmp_path, 1, MailOptions(**vars(PLAIN) | {"retry_seconds": 3600.0}))
    post.gateway.status = 500
    post.post_all()
    post.post_all()
    assert post.gateway.tries == 1


def test_events_wait_until_an_address_is_known_and_outlive_the_sender(tmp_path: Path) -> None:
    post = Post(tmp_path, 2, MailOptions(**vars(PLAIN) | {"webhook_url": None}))
    post.clock.at += timedelta(seconds=1)
    assert post.post_all() == 0
    post.ledger.set_setting("webhook_url", URL)
    assert post.post_all() == 2
    assert post.post_all() == 0


def test_a_batch_stays_under_its_size(tmp_path: Path) -> None:
    post = Post(tmp_path, 20, MailOptions(**vars(PLAIN) | {"batch_bytes": 2000}))
    post.clock.at += timedelta(seconds=1)
    assert post.post_all() == 20
    assert len(post.gateway.requests) > 2
    assert all(len(request.content) <= 2000 for request in post.gateway.requests)
