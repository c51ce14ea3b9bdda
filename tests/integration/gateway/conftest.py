"""The gateway over a real database, in the role that may only insert; and a shop with some people and two topics."""

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.testclient import TestClient

from rapport.db import Connection, connect
from rapport.gateway import create_app
from rapport.gateway.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER
from rapport.keys import sign_token, uuid7
from rapport.settings import Settings

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
FORM_KEY = "a-form-key-for-tests"


@dataclass
class MovingClock:
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


@dataclass
class Gate:
    settings: Settings
    client: TestClient
    conn: Connection
    clock: MovingClock
    ada: UUID = field(default_factory=uuid7)

    def send(self, key: str, topic: str = "marketing", due_at: datetime = NOW) -> UUID:
        """A planned send to `key`, who has agreed to the topic; its id."""
        send_id = uuid7()
        self.conn.execute("insert into ops.recipient values (%s, %s, %s) on conflict do nothing", (key, key, NOW))
        self.conn.execute(
            "insert into ops.occurrence values (%s, %s, %s, '{}') on conflict do nothing", (topic, str(due_at), NOW)
        )
        self.conn.execute(
            "insert into ops.send (send_id, campaign_id, occurrence_key, recipient_key, customer_id, topic, policy,"
            " due_at, expires_at, template_version, context, planned_at)"
            " values (%s, %s, %s, %s, 'c1', %s, 'at_most_once', %s, %s, 'v1', '{}', %s)",
            (send_id, topic, str(due_at), key, topic, due_at, due_at + timedelta(days=1), due_at),
        )
        self.consent(key, topic)
        return send_id

    def consent(self, key: str, topic: str, granted: bool = True) -> None:
        self.conn.execute(
            "insert into ops.consent_fact (recipient_key, topic, granted, occurred_at, source, how, source_record_id)"
            " values (%s, %s, %s, %s, 'shopify', 'checkout', %s) on conflict do nothing",
            (key, topic, granted, NOW - timedelta(days=300), key),
        )

    def link(self, purpose: str, about: UUID | None = None) -> str:
        place = {"unsubscribe": "u", "preferences": "p", "opt_in": "c"}[purpose]
        return f"/{place}/{sign_token(self.settings, purpose, str(about or self.ada))}"

    def post(self, events: Any, *, key: ec.EllipticCurvePrivateKey = KEY, body: bytes | None = None) -> Any:
        body = json.dumps(events).encode() if body is None else body
        return self.client.post("/sendgrid/events", content=body, headers=signed(body, key))

    def event(self, number: int, **changes: Any) -> dict[str, Any]:
        return {
            "event": "delivered",
            "sg_event_id": f"e{number}",
            "timestamp": 1_800_000_000 + number,
            "send_id": str(self.ada),
            "attempt_no": "1",
            "installation": "test-installation",
            "environment": "test",
            "email": "ada@post.example",
            **changes,
        }

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self.conn.execute(query)]  # type: ignore[call-overload]

    def suppressed(self) -> list[tuple[Any, ...]]:
        return self.rows("select recipient_key, topic, reason from ops.suppression order by recorded_at, topic")

    def facts(self) -> list[tuple[Any, ...]]:
        return self.rows(
            "select topic, granted, how, wording from ops.consent_fact"
            " where source like 'gateway:%' order by recorded_at"
        )

    def stopped(self, topic: str, key: str = "key-of-ada") -> bool:
        """As the claim asks."""
        query = "select 1 from ops.suppression_in_force(%s, %s, %s)"
        return self.conn.execute(query, (key, topic, self.clock.now())).fetchone() is not None


def signed(body: bytes, key: ec.EllipticCurvePrivateKey = KEY) -> dict[str, str]:
    stamp = str(int(time.time()))
    signature = base64.b64encode(key.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
    return {SIGNATURE_HEADER: signature, TIMESTAMP_HEADER: stamp}


def public(key: ec.EllipticCurvePrivateKey) -> str:
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


@pytest.fixture
def gate(database: Settings) -> Iterator[Gate]:
    settings = database.model_copy(
        update={
            "sendgrid_webhook_public_keys": (public(KEY),),
            "metrics_token": "a-token-for-tests",
            "opt_in_form_keys": (FORM_KEY,),
        }
    )
    clock = MovingClock()
    with connect(settings=settings, autocommit=True) as conn:
        for topic in ("marketing", "product-news"):
            conn.execute(
                "insert into ops.campaign (campaign_id, kind, topic, policy, definition, version, updated_at)"
                " values (%s, 'broadcast', %s, 'at_most_once', '{}', '1', %s)",
                (topic, topic, NOW),
            )
        conn.execute(
            "insert into ops.template (template_version, campaign_id, subject, html, body_text, language, created_at)"
            " values ('v1', 'marketing', 's', 'h', 't', 'en', %s)",
            (NOW,),
        )
        with TestClient(create_app(settings, clock)) as client:
            gate = Gate(settings, client, conn, clock)
            gate.ada = gate.send("key-of-ada")
            yield gate
