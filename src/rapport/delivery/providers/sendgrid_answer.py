"""What an answer of SendGrid's means for the messages of its request."""

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime

import aiohttp

from rapport.delivery.providers import Outcome

DEFAULT_WAIT_SECONDS = 1.0
MAX_WAIT_SECONDS = 3600.0
ANSWER_BYTES = 4096
# About what the request holds. Any other refusal is about our account or the address that we ask.
CONTENT_REFUSALS = frozenset((400, 413, 422))
USED_UP = "the provider's rate limit is used up"


async def outcome_of(answer: aiohttp.ClientResponse, digest: str, *, sandbox_mode: bool) -> Outcome:
    """`digest` is that of the body sent. In `sandbox_mode` 200 means checked and never sent."""
    status, headers = answer.status, answer.headers
    if status == 202:
        # The status line is the promise; whatever may still follow cannot take it back.
        wait = asked_wait(headers) if is_used_up(headers) else 0.0
        detail = USED_UP if wait else ""
        return Outcome("accepted", detail, status, headers.get("X-Message-Id"), wait, payload_sha256=digest)
    if status == 200 and sandbox_mode:
        return Outcome("rejected", "checked and not sent: RAPPORT_SENDGRID_SANDBOX_MODE is on", status)
    if status == 429:
        return Outcome("not_sent", "not sent: rate limited (429)", status, wait_seconds=asked_wait(headers))
    if status == 408:
        return Outcome("not_sent", "not sent: the request did not arrive whole (408)", status)
    if status in CONTENT_REFUSALS:
        fields = await _refused_fields(answer)
        return Outcome("rejected", f"refused with {status}{fields}", status, payload_sha256=digest)
    if 400 <= status < 500:
        return Outcome("not_sent", f"not sent: the account or its address is wrong ({status})", status, halt=True)
    return Outcome("unknown", f"answered {status}", status, payload_sha256=digest)


def is_used_up(headers: Mapping[str, str]) -> bool:
    """Whether the next request would be refused for its rate."""
    return headers.get("X-RateLimit-Remaining", "").strip() == "0" and "X-RateLimit-Reset" in headers


def asked_wait(headers: Mapping[str, str], now: float | None = None) -> float:
    """Seconds to wait by `Retry-After` (seconds or a date) or `X-RateLimit-Reset` (epoch seconds), at least one and at
    most 3,600. Moments count from the answer's own `Date`, so that a clock that goes wrong (ours or theirs) does not
    matter; without one from `now`, the real clock's time when left out."""
    after, reset = headers.get("Retry-After", "").strip(), headers.get("X-RateLimit-Reset", "").strip()
    now = time.time() if now is None else now
    now = _moment(headers.get("Date", ""), now)
    seconds = DEFAULT_WAIT_SECONDS
    if _is_number(after):
        seconds = float(after)
    elif after:
        seconds = _moment(after, now) - now
    elif _is_number(reset):
        seconds = float(reset) - now
    return min(max(seconds, DEFAULT_WAIT_SECONDS), MAX_WAIT_SECONDS)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 15


def _moment(text: str, otherwise: float) -> float:
    with suppress(TypeError, ValueError, OverflowError):
        return parsedate_to_datetime(text).timestamp()
    return otherwise


async def _refused_fields(answer: aiohttp.ClientResponse) -> str:
    """Names of the fields refused: the messages beside them may quote an address, so they are not kept."""
    try:
        async with asyncio.timeout(1):
            raw = await answer.content.read(ANSWER_BYTES)
        errors = json.loads(raw)["errors"]
        names = [str(entry["field"]) for entry in errors if entry.get("field")]
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""
    safe = [name for name in names if len(name) < 80 and "@" not in name and name.isprintable()]
    return f": {', '.join(safe[:5])}" if safe else ""
