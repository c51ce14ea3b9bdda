"""How long to wait before trying again, in real seconds."""

LONGEST_SECONDS = 300.0
RECONNECTS = 8


def seconds(attempt_no: int, asked: float) -> float:
    """Before the next attempt of one send that was certainly not sent: as asked, and longer each time."""
    return max(asked, min(2.0 ** min(attempt_no - 1, 10), LONGEST_SECONDS))


def reconnect_seconds(attempt: int) -> float:
    """Between attempts to reach Postgres again: eight of them last about half a minute."""
    return min(0.25 * 2.0 ** (attempt - 1), 8.0)
