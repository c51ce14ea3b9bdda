"""The gateway over a real database, in the role that may only insert."""

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.testclient import TestClient

from rapport.clock import FixedClock
from rapport.db import Connection, connect
from rapport.gateway import create_app
from rapport.gateway.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER
from rapport.keys import sign_token, uuid7
from rapport.settings import Settings

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
SEND = uuid7()


@dataclass
class Gate:
    settings: Settings
    client: TestClient
    conn: Connection

    def post(self, events: Any, *, key: ec.EllipticCurvePrivateKey = KEY, body: bytes | None = None) -> Any:
        body = json.dumps(events).encode() if body is None else body
        stamp = str(int(time.time()))
        signature = base64.b64encode(key.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
        return self.client.post(
            "/sendgrid/events", content=body, headers={SIGNATURE_HEADER: signature, TIMESTAMP_HEADER: stamp}
        )

    def event(self, number: int, **changes: Any) -> dict[str, Any]:
        return {
            "event": "delivered",
            "sg_event_id": f"e{number}",
            "timestamp": 1_800_000_000 + number,
            "send_id": str(SEND),
            "attempt_no": "1",
            "installation": "test-installation",
            "environment": "test",
            "email": "ada@post.example",
            **changes,
        }

    @property
    def link(self) -> str:
        return "/u/" + sign_token(self.settings, "unsubscribe", str(SEND))

    def inbox(self) -> list[dict[str, Any]]:
        return self.conn.execute("select * from ops.webhook_inbox order by event_id").fetchall()

    def suppressed(self) -> list[tuple[str, str, str]]:
        rows = self.conn.execute("select recipient_key, topic, reason from ops.suppression").fetchall()
        return [(row["recipient_key"], row["topic"], row["reason"]) for row in rows]


@pytest.fixture
def gate(database: Settings) -> Iterator[Gate]:
    der = KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    settings = database.model_copy(update={"sendgrid_webhook_public_keys": (base64.b64encode(der).decode(),)})
    with connect(settings=settings, autocommit=True) as conn:
        conn.execute(
            "insert into ops.campaign (campaign_id, kind, topic, policy, definition, version, updated_at)"
            " values ('hello', 'broadcast', 'marketing', 'at_most_once', '{}', '1', %s)",
            (NOW,),
        )
        conn.execute(
            "insert into ops.template (template_version, campaign_id, subject, html, body_text, language, created_at)"
            " values ('v1', 'hello', 's', 'h', 't', 'en', %s)",
            (NOW,),
        )
        conn.execute("insert into ops.occurrence values ('hello', 'o', %s, '{}')", (NOW,))
        conn.execute("insert into ops.recipient values ('key-of-ada', 'ada@post.example', %s)", (NOW,))
        conn.execute(
            "insert into ops.send (send_id, campaign_id, occurrence_key, recipient_key, customer_id, topic, policy,"
            " due_at, expires_at, template_version, context, planned_at)"
            " values (%s, 'hello', 'o', 'key-of-ada', 'c1', 'marketing', 'at_most_once', %s, %s, 'v1', '{}', %s)",
            (SEND, NOW, NOW.replace(day=2), NOW),
        )
        with TestClient(create_app(settings, FixedClock(NOW))) as client:
            yield Gate(settings, client, conn)


def test_signed_events_are_kept_once(gate: Gate) -> None:
    events = [gate.event(number) for number in range(3)]
    assert gate.post(events).status_code == 200
    assert gate.post([*events, gate.event(3)]).status_code == 200
    rows = gate.inbox()
    assert [row["event_id"] for row in rows] == ["e0", "e1", "e2", "e3"]
    assert (rows[0]["event"], rows[0]["send_id"], rows[0]["attempt_no"]) == ("delivered", SEND, 1)
    assert rows[0]["occurred_at"] == datetime.fromtimestamp(1_800_000_000, UTC)
    assert rows[0]["processed_at"] is None
    metrics = gate.client.get("/metrics").text
    assert 'rapport_gateway_events_total{result="new"} 4.0' in metrics
    assert 'rapport_gateway_events_total{result="repeated"} 3.0' in metrics
    assert "post.example" not in metrics


def test_forged_and_unsigned_bodies_leave_nothing(gate: Gate) -> None:
    assert gate.post([gate.event(1)], key=ec.generate_private_key(ec.SECP256R1())).status_code == 403
    assert gate.client.post("/sendgrid/events", json=[gate.event(1)]).status_code == 403
    assert gate.inbox() == []


def test_signed_nonsense_is_malformed(gate: Gate) -> None:
    assert gate.post(None, body=b"[{").status_code == 400
    assert gate.post({"event": "open"}).status_code == 400


def test_a_body_beyond_all_bounds_is_refused(gate: Gate) -> None:
    assert gate.post(None, body=b" " * (4 * 1024 * 1024 + 1)).status_code == 413


def test_other_installations_events_are_dropped(gate: Gate) -> None:
    assert gate.post([gate.event(1, installation="theirs"), gate.event(2)]).status_code == 200
    assert [row["event_id"] for row in gate.inbox()] == ["e2"]


def test_while_the_database_is_away_the_provider_is_asked_to_repeat(gate: Gate) -> None:
    away = gate.settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:9/none"})
    with TestClient(create_app(away, FixedClock(NOW))) as client:
        gate.client = client
        answer = gate.post([gate.event(1)])
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        assert client.get("/healthz").status_code == 503
        assert client.post(gate.link, data={"List-Unsubscribe": "One-Click"}).status_code == 503


def test_a_connection_that_died_is_replaced(gate: Gate) -> None:
    assert gate.client.get("/healthz").status_code == 200
    gate.conn.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name = 'rapport:gateway' and datname = current_database()"
    )
    assert gate.client.get("/healthz").status_code == 200


def test_a_scanner_that_follows_links_changes_nothing(gate: Gate) -> None:
    for method in ("GET", "HEAD", "GET"):
        answer = gate.client.request(method, gate.link)
        assert answer.status_code == 200
    assert gate.suppressed() == []
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "script" not in answer.headers["content-security-policy"]
    assert "Test Shop Ltd" in answer.text
    assert "ada" not in answer.text


@pytest.mark.parametrize(
    "form",
    [
        {"data": {"List-Unsubscribe": "One-Click"}},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {"data": {"confirm": "yes"}},
    ],
    ids=["urlencoded", "multipart", "page"],
)
def test_one_post_unsubscribes_at_once_and_twice_is_once(gate: Gate, form: dict[str, Any]) -> None:
    for _ in range(2):
        answer = gate.client.post(gate.link + "?lang=he", **form)
        assert answer.status_code == 200
    assert 'dir="rtl"' in answer.text
    assert gate.suppressed() == [("key-of-ada", "marketing", "unsubscribe")]


def test_a_post_that_asks_for_nothing_gets_the_page(gate: Gate) -> None:
    answer = gate.client.post(gate.link, content=b"")
    assert answer.status_code == 400
    assert "<form" in answer.text
    assert gate.suppressed() == []


def test_bad_tokens_learn_nothing(gate: Gate) -> None:
    other = sign_token(gate.settings, "survey", str(SEND))
    unknown = sign_token(gate.settings, "unsubscribe", str(uuid7()))
    no_uuid = sign_token(gate.settings, "unsubscribe", "hello")
    pages = set()
    for token in ("x", "a.b.c", other, no_uuid, gate.link[3:-1], "%00", "é"):
        for answer in (gate.client.get(f"/u/{token}"), gate.client.post(f"/u/{token}", data={"confirm": "yes"})):
            assert answer.status_code == 404
            pages.add(answer.text)
    assert gate.client.post(f"/u/{unknown}", data={"confirm": "yes"}).status_code == 404
    assert len(pages) == 1
    assert gate.suppressed() == []


def test_the_gateways_role_can_neither_change_nor_read_people(gate: Gate) -> None:
    with connect("gateway", settings=gate.settings, autocommit=True) as conn:
        for statement in (
            "update ops.send set state = 'accepted'",
            "delete from ops.suppression",
            "select address from ops.recipient",
            "select raw from ops.webhook_inbox",
            "select context from ops.send",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(statement)
