"""The same events in order, and shuffled, doubled and late: the ledger must end the same."""

import asyncio
import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import orjson
from cryptography.hazmat.primitives.asymmetric import ec

from rapport.clock import FixedClock
from rapport.db import connect, load_queries
from rapport.delivery import reconcile_once
from rapport.gateway import create_app
from rapport.settings import Settings

from .house import call, twin
from .letters import PATH, letter

SQL = load_queries("tests.fuzz", Path(__file__).with_name("sends.sql").name)
START = datetime(2026, 6, 1, tzinfo=UTC)
CLOCK = FixedClock(START + timedelta(days=6))
DOUBLED, LATE = 0.3, 0.1
EVENTS_A_SEND = 5
BATCH = 700
KINDS: list[tuple[dict[str, Any], float]] = [
    ({"event": "processed"}, 20),
    ({"event": "delivered"}, 20),
    ({"event": "deferred", "response": "450 later"}, 4),
    ({"event": "open"}, 12),
    ({"event": "open", "sg_machine_open": True}, 6),
    ({"event": "click", "url": "https://shop.example/"}, 6),
    ({"event": "bounce", "type": "bounce", "status": "5.1.1", "reason": "550 no such user"}, 1),
    ({"event": "bounce", "type": "bounce", "status": "4.2.2", "reason": "452 mailbox full"}, 4),
    ({"event": "bounce", "type": "blocked", "status": "5.7.1", "reason": "550 blocked"}, 1),
    ({"event": "dropped", "reason": "Bounced Address"}, 1),
    ({"event": "dropped", "reason": "Spam Reporting Address"}, 0.5),
    ({"event": "spamreport"}, 0.5),
    ({"event": "unsubscribe"}, 1),
    ({"event": "group_unsubscribe"}, 1),
    ({"event": "group_resubscribe"}, 0.5),
    ({"event": "something new"}, 0.5),
]


def shuffle(settings: Settings, key: ec.EllipticCurvePrivateKey, count: int, seed: int) -> tuple[bool, str]:
    """Whether `count` events, of them 30 % for the second time and 10 % days late, leave the same tables as each of
    them once and in order."""
    random = Random(seed)
    logging.getLogger("rapport").setLevel(logging.ERROR)
    different = max(10, round(count / (1 + DOUBLED)))
    sends = max(4, different // EVENTS_A_SEND)
    seeds = [random.getrandbits(64) for _ in range(different)]
    with connect(settings=settings) as conn:
        conn.execute(SQL["sends"], {"sends": sends, "now": START})
    with twin(settings) as other:
        in_order = sorted(range(different), key=lambda number: event(number, seeds, sends)["timestamp"])
        _run(settings, key, [in_order], seeds, sends)
        _run(other, key, _disordered(different, count, random), seeds, sends)
        sums = [_sums(settings), _sums(other)]
    differ = [name for name in sums[0] if sums[0][name] != sums[1][name]]
    wanted = sums[0]["events_count"] == different and sums[0]["suppressions_count"] > 0
    told = (
        f"{count:,} events of {sends:,} sends, {different:,} of them different: {sums[0]['suppressions_count']:,} "
        f"suppressions, {sums[0]['engagements_count']} kinds of engagement; "
        + (f"these differ: {', '.join(differ)}" if differ else "the tables are equal")
    )
    return not differ and wanted, told


def _disordered(different: int, count: int, random: Random) -> list[list[int]]:
    """Three stretches, shuffled: all but the late ones in the first two, each with some that come again."""
    late = set(random.sample(range(different), round(different * LATE)))
    coming = [*range(different), *random.sample(range(different), max(0, count - different))]
    random.shuffle(coming)
    soon = [number for number in coming if number not in late]
    return [soon[::2], soon[1::2], [number for number in coming if number in late]]


def _run(
    settings: Settings, key: ec.EllipticCurvePrivateKey, stretches: Iterable[list[int]], seeds: list[int], sends: int
) -> None:
    """Posts each stretch of events, and lets the reconciler read after each."""
    for stretch in stretches:
        asyncio.run(_post(settings, key, stretch, seeds, sends))
        reconcile_once(settings, CLOCK)


async def _post(
    settings: Settings, key: ec.EllipticCurvePrivateKey, numbers: list[int], seeds: list[int], sends: int
) -> None:
    app = create_app(settings, CLOCK)
    async with app.router.lifespan_context(app):
        for start in range(0, len(numbers), BATCH):
            body = orjson.dumps([event(number, seeds, sends) for number in numbers[start : start + BATCH]])
            one = letter(key, body)
            answer = await call(app, "POST", PATH, one.headers, one.body)
            if answer.status != 200:
                raise RuntimeError(f"signed events were refused with status {answer.status}")


def event(number: int, seeds: list[int], sends: int) -> dict[str, Any]:
    """Event `number`, the same at every call."""
    random = Random(seeds[number])
    (kind,) = random.choices([kind for kind, _ in KINDS], [weight for _, weight in KINDS])
    return {
        "email": "reader@post.example",
        "sg_event_id": f"event-{number}",
        "timestamp": int(START.timestamp()) + random.randrange(5 * 86_400),
        "send_id": str(UUID(int=(0x7000_8000 << 48) + random.randrange(sends))),
        "attempt_no": "1",
        "installation": "fuzz-installation",
        "environment": "fuzz",
        **kind,
    }


def _sums(settings: Settings) -> dict[str, Any]:
    with connect(settings=settings) as conn:
        return conn.execute(SQL["sums"]).fetchone() or {}
