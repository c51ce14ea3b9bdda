"""Epoch seconds inside, ISO text outside."""

from __future__ import annotations

from datetime import UTC, datetime

DAY = 86_400
HOUR = 3_600


def iso(epoch: float) -> str:
    """`2026-03-01T09:30:00Z`, to the second, as Shopify and Zendesk write it."""
    return datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_ms(epoch: float) -> str:
    """`2026-03-01T09:30:00.250Z`, as Bluesky writes it."""
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def epoch_of(text: str) -> float:
    """Epoch seconds of an ISO time; a time without zone counts as UTC. Raises ValueError for anything else."""
    at = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def seconds(at: datetime) -> int:
    """Whole epoch seconds of an aware time."""
    if at.tzinfo is None:
        raise ValueError("a time needs its zone")
    return int(at.timestamp())
