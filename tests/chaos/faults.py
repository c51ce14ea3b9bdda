"""What the simulated provider does wrong: about 9.5 % of all replies of a run, of every kind."""

from collections.abc import Mapping
from typing import Any

from tests.chaos.times import Times

# Together a little more than 9.5 %: after each of its restarts, and at the end, the provider serves without faults.
# Few are rate limited, because each of those makes every worker wait.
SHARES = {
    "rate_limited": 0.003,
    "error_before": 0.017,
    "error_after": 0.019,
    "hang": 0.011,
    "hang_after": 0.011,
    "drop_before": 0.011,
    "drop_after": 0.015,
    "accept_late": 0.009,
    "half_read": 0.007,
}

ACCEPTING = ("error_after", "hang_after", "drop_after", "accept_late")
# So many of a kind are expected at least before none of it is called a failure: its chance is below one in a million.
SURELY = 15


def faulty_replies(times: Times) -> list[dict[str, Any]]:
    """As `/_sandbox/faults` takes them."""
    return [
        {
            "kind": kind,
            "rate": rate,
            "seconds": times.late_seconds if kind == "accept_late" else times.hang_seconds,
        }
        for kind, rate in SHARES.items()
    ]


def faulty_share(injected: Mapping[str, int], accepted: int) -> float:
    """Of all requests that reached the provider: those accepted, and the faulty ones that were not."""
    refused = sum(count for kind, count in injected.items() if kind not in ACCEPTING)
    return sum(injected.values()) / max(1, accepted + refused)


def not_injected(injected: Mapping[str, int], accepted: int) -> list[str]:
    """Kinds that should have come by now and did not."""
    return [kind for kind, rate in SHARES.items() if rate * accepted >= SURELY and not injected.get(kind)]
