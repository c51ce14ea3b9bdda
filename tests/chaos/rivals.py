"""The controls: two usual designs, which the same storm must show failing, or a green run would prove nothing."""

import http.client
import json
import time
from collections.abc import Callable
from typing import Any

import psycopg

from rapport.db import Connection, connect, load_queries
from rapport.errors import TransientError
from rapport.settings import Settings
from tests.chaos.times import Times

SQL = load_queries("tests.chaos", "rivals.sql")
BATCH = 10
ATTEMPTS = 5


def queue_with_retries(settings: Settings, times: Times) -> None:
    """Claims with `skip locked`, sends and marks done in one transaction; after a timeout or a 5xx it tries again."""
    _work(settings, times, _queue_batch)


def checkpoint_first(settings: Settings, times: Times) -> None:
    """Marks a batch as sent, commits, then sends it; what fails is not looked at again."""
    _work(settings, times, _checkpoint_batch)


def _work(settings: Settings, times: Times, batch: Callable[..., int]) -> None:
    while True:
        try:
            with connect(settings=settings, autocommit=True) as conn:
                while True:
                    if not batch(conn, settings, times):
                        time.sleep(0.1)
        except (psycopg.Error, TransientError):
            time.sleep(0.2)


def _queue_batch(conn: Connection, settings: Settings, times: Times) -> int:
    with conn.transaction():
        rows = conn.execute(SQL["take"], {"batch": BATCH}).fetchall()
        for row in rows:
            answered = _send(settings, times, row)
            again = not answered and row["attempts"] + 1 < ATTEMPTS
            conn.execute(SQL["mark"], {"id": row["send_id"], "state": "pending" if again else "sent"})
    return len(rows)


def _checkpoint_batch(conn: Connection, settings: Settings, times: Times) -> int:
    with conn.transaction():
        rows = conn.execute(SQL["take"], {"batch": BATCH}).fetchall()
        for row in rows:
            conn.execute(SQL["mark"], {"id": row["send_id"], "state": "sent"})
    for row in rows:
        _send(settings, times, row)
    return len(rows)


def _send(settings: Settings, times: Times, row: dict[str, Any]) -> bool:
    """Whether the provider answered with anything but a 5xx or a 429."""
    address = settings.sendgrid_url.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=times.limits.connect_seconds + times.limits.read_seconds)
    headers = {"Authorization": f"Bearer {settings.sendgrid_api_key}", "Content-Type": "application/json"}
    try:
        connection.request("POST", "/v3/mail/send", json.dumps(_body(row)), headers)
        return connection.getresponse().status < 429
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _body(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "personalizations": [
            {"to": [{"email": row["address"]}], "custom_args": {"send_id": str(row["send_id"]), "attempt_no": "1"}}
        ],
        "from": {"email": "hello@shop.example"},
        "subject": "Hello",
        "content": [{"type": "text/plain", "value": "Hello"}],
    }
