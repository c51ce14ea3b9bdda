"""Events over the whole path: signature, inbox, counts."""

import gzip
import json
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.testclient import TestClient

from rapport.clock import FixedClock
from rapport.db import connect
from rapport.gateway import create_app

from .conftest import NOW, Gate, signed


def test_signed_events_are_kept_once(gate: Gate) -> None:
    events = [gate.event(number) for number in range(3)]
    assert gate.post(events).status_code == 200
    assert gate.post([*events, gate.event(3), gate.event(3)]).status_code == 200
    query = "select event_id, event, send_id, attempt_no, occurred_at, processed_at from ops.webhook_inbox order by 1"
    rows = gate.rows(query)
    assert [row[0] for row in rows] == ["e0", "e1", "e2", "e3"]
    assert rows[0] == ("e0", "delivered", gate.ada, 1, datetime.fromtimestamp(1_800_000_000, UTC), None)
    metrics = gate.client.get("/metrics", headers={"Authorization": "Bearer a-token-for-tests"}).text
    assert 'rapport_gateway_events_total{result="new"} 4.0' in metrics
    assert 'rapport_gateway_events_total{result="repeated"} 4.0' in metrics
    assert "post.example" not in metrics


def test_forged_and_unsigned_bodies_leave_nothing(gate: Gate) -> None:
    assert gate.post([gate.event(1)], key=ec.generate_private_key(ec.SECP256R1())).status_code == 403
    assert gate.client.post("/sendgrid/events", json=[gate.event(1)]).status_code == 403
    assert gate.rows("select 1 from ops.webhook_inbox") == []


def test_a_header_that_stands_twice_is_refused(gate: Gate) -> None:
    body = json.dumps([gate.event(1)]).encode()
    headers = [*signed(body).items()]
    for doubled in headers:
        answer = gate.client.post("/sendgrid/events", content=body, headers=[*headers, doubled])
        assert answer.status_code == 403
    assert gate.client.post("/sendgrid/events", content=body, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "body",
    [b"", b"[{", b'{"event": "open"}', b"\xef\xbb\xbf[]", gzip.compress(b"[]"), b"[]" * 2, b"[" * 4000],
    ids=["empty", "cut off", "no list", "BOM", "gzip", "two documents", "deep"],
)
def test_signed_nonsense_is_malformed(gate: Gate, body: bytes) -> None:
    assert gate.post(None, body=body).status_code == 400


def test_a_body_or_a_batch_beyond_all_bounds_is_refused(gate: Gate) -> None:
    assert gate.post(None, body=b" " * (4 * 1024 * 1024 + 1)).status_code == 413
    assert gate.post([1] * 10_001).status_code == 400
    for declared in ("-1", "nine", "9" * 5000):
        answer = gate.client.post("/sendgrid/events", content=b"[]", headers={"Content-Length": declared})
        assert answer.status_code == 413


def test_other_installations_events_are_dropped(gate: Gate) -> None:
    assert gate.post([gate.event(1, installation="theirs"), gate.event(2)]).status_code == 200
    assert gate.rows("select event_id from ops.webhook_inbox") == [("e2",)]


def test_whatever_a_signed_event_holds_is_stored_or_left_out(gate: Gate) -> None:
    odd: list[dict[str, Any]] = [
        {"response": "250 \0 ok \\u0000 \ufffe"},
        {"timestamp": "1800000000"},
        {"timestamp": -1e11},
        {"attempt_no": 10**30},
        {"x" * 5000: [[[{}]]], "n": 1e308, "big": 2**63},
        {"event": "event nobody knows"},
        {"send_id": "{" + str(gate.ada) + "}"},
    ]
    events = [gate.event(number, **changes) for number, changes in enumerate(odd)]
    assert gate.post(events).status_code == 200
    assert len(gate.rows("select 1 from ops.webhook_inbox")) == 6


def test_while_the_database_is_away_the_provider_is_asked_to_repeat(gate: Gate) -> None:
    away = gate.settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:9/none"})
    with TestClient(create_app(away, FixedClock(NOW))) as client:
        gate.client = client
        answer = gate.post([gate.event(1)])
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        assert client.get("/healthz").status_code == 503
        for purpose, form in (("unsubscribe", {"confirm": "yes"}), ("preferences", {"action": "off"})):
            answer = client.post(gate.link(purpose), data=form)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
            assert "Please try again" in answer.text


def test_a_connection_that_died_is_replaced(gate: Gate) -> None:
    assert gate.client.get("/healthz").status_code == 200
    gate.conn.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name = 'rapport:gateway' and datname = current_database()"
    )
    assert gate.client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "given", [None, "Bearer ", "Bearer wrong", "a-token-for-tests", "Basic a-token-for-tests", "é"]
)
def test_metrics_are_for_the_bearer_of_the_token(gate: Gate, given: str | None) -> None:
    headers = {"Authorization": given.encode()} if given is not None else {}
    assert gate.client.get("/metrics", headers=headers).status_code == 401  # type: ignore[arg-type]


def test_without_a_token_there_are_no_metrics_for_anybody(gate: Gate) -> None:
    bare = gate.settings.model_copy(update={"metrics_token": None})
    with TestClient(create_app(bare, gate.clock)) as client:
        for given in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer None"}):
            assert client.get("/metrics", headers=given).status_code == 404


def test_the_gateways_role_can_neither_change_nor_read_people(gate: Gate) -> None:
    with connect("gateway", settings=gate.settings, autocommit=True) as conn:
        for statement in (
            "update ops.send set state = 'accepted'",
            "delete from ops.suppression",
            "update ops.consent_fact set granted = true",
            "delete from ops.opt_in_confirmation",
            "update ops.opt_in set expires_at = now()",
            "insert into ops.topic_title values ('x', 'en', 'x')",
            "select address from ops.recipient",
            "select address from ops.opt_in",
            "select wording from ops.consent_fact",
            "select raw from ops.webhook_inbox",
            "select context from ops.send",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(statement)
