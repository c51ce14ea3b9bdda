"""A provider's events through the gateway: signed, shuffled and doubled, beside a plain COPY of the same rows."""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence
from functools import partial
from uuid import UUID

import orjson
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from rapport.bench.through_gateway import Load, Request, Result, event_numbers, measure, stretches
from rapport.db import connect, load_queries
from rapport.gateway.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER
from rapport.settings import Settings

SQL = load_queries("rapport.bench", "events.sql")
ROWS = 1_000_000
SEED = 2010
TARGET_PER_SECOND = 3_000
# What the provider packs into one request.
BATCH = 700
KINDS = ("processed", "delivered", "open", "click")
INSTALLATION, ENVIRONMENT = "bench-installation", "bench"


def run(rows: int | None = None, seed: int = SEED) -> Result:
    """Starts a server and a gateway of its own; `rows` is how many events are posted, repetitions included."""
    numbers = event_numbers(rows or ROWS, seed)
    key = ec.generate_private_key(ec.SECP256R1())
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    load = Load(
        name="provider events",
        told="events in signed batches",
        batch=BATCH,
        target_per_second=TARGET_PER_SECOND,
        path="/sendgrid/events",
        variables={
            "RAPPORT_INSTALLATION_ID": INSTALLATION,
            "RAPPORT_ENVIRONMENT": ENVIRONMENT,
            "RAPPORT_SENDGRID_WEBHOOK_PUBLIC_KEYS": base64.b64encode(der).decode(),
        },
        request=partial(_signed, key),
        kept=SQL["kept"],
        plain_copy=partial(_plain_copy, numbers),
    )
    return measure(load, numbers)


def event(number: int) -> dict[str, object]:
    """In the provider's own shape; four events a send."""
    send = number // len(KINDS)
    return {
        "email": f"reader{send}@post{send % 997}.example",
        "timestamp": 1_790_000_000 + number,
        "smtp-id": f"<{send:022d}@geopod-ismtpd-bench>",
        "event": KINDS[number % len(KINDS)],
        "category": ["a_campaign"],
        "sg_event_id": base64.urlsafe_b64encode(number.to_bytes(8, "big") * 2).decode().rstrip("="),
        "sg_message_id": f"{send:022d}.recvd-5f54b5d587-bench-1-63B7F1B2-E.0",
        "useragent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)",
        "ip": "192.0.2.1",
        "send_id": str(UUID(int=send + (1 << 96))),
        "attempt_no": "1",
        "installation": INSTALLATION,
        "environment": ENVIRONMENT,
    }


def _signed(key: ec.EllipticCurvePrivateKey, numbers: Sequence[int]) -> Request:
    body = orjson.dumps([event(number) for number in numbers])
    stamp = str(int(time.time()))
    signature = base64.b64encode(key.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
    return body, {SIGNATURE_HEADER: signature, TIMESTAMP_HEADER: stamp, "Content-Type": "application/json"}


def _plain_copy(numbers: list[int], settings: Settings) -> tuple[int, float]:
    """The rows of all that was posted, into a table of the same shape."""
    seconds = 0.0
    with connect(settings=settings) as conn:
        conn.execute(SQL["plain_table"])
        conn.commit()
        with conn.cursor() as cursor, cursor.copy(SQL["plain_copy"]) as copy:
            for stretch in stretches(numbers, BATCH):
                text = "".join(map(_copy_line, stretch)).encode()
                began = time.perf_counter()
                copy.write(text)
                seconds += time.perf_counter() - began
            began = time.perf_counter()
        conn.commit()
        return len(numbers), seconds + time.perf_counter() - began


def _copy_line(number: int) -> str:
    one = event(number)
    raw = orjson.dumps(one).decode().replace("\\", "\\\\")
    at = time.strftime("%Y-%m-%d %H:%M:%S+00", time.gmtime(1_790_000_000 + number))
    return f"{one['sg_event_id']}\t{one['event']}\t{one['send_id']}\t1\t{raw}\t{at}\t{at}\n"
