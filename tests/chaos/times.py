"""The protocol's times, made short enough for a proof of minutes. Their order and their proportions are kept."""

from dataclasses import dataclass
from datetime import timedelta

from rapport.delivery import Limits, reconcile
from rapport.sandbox.mail import MailOptions


@dataclass(frozen=True)
class Times:
    """`margin_seconds` stands for the gate's margin. `hang_seconds` and `late_seconds` are the provider's: longer than
    the reader waits; the late acceptance is shorter than W, as the protocol supposes."""

    limits: Limits
    margin_seconds: float
    hang_seconds: float
    late_seconds: float
    options: MailOptions

    def shorten_gate(self) -> None:
        """For this process: a run of minutes cannot wait for five of them."""
        reconcile.GATE_MARGIN = timedelta(seconds=self.margin_seconds)


_HTTP = {
    "requests_per_window": 1_000_000,
    "retry_seconds": 0.2,
    "retry_ceiling_seconds": 2.0,
    "post_timeout_seconds": 3,
}

STORM = Times(
    Limits(
        connect_seconds=0.5,
        read_seconds=1.0,
        deadline_seconds=2.5,
        lease_seconds=4.0,
        window_seconds=8.0,
        patience_seconds=5.0,
        poll_seconds=0.2,
    ),
    margin_seconds=3.0,
    hang_seconds=3.0,
    late_seconds=2.0,
    options=MailOptions(
        **_HTTP, poll_seconds=0.1, event_lag_seconds=1.0, late_share=0.03, late_seconds=15.0, doubled_share=0.1
    ),
)

# For a storm of seconds in the test suite.
BRIEF = Times(
    Limits(
        connect_seconds=0.4,
        read_seconds=0.8,
        deadline_seconds=1.5,
        lease_seconds=2.0,
        window_seconds=3.0,
        patience_seconds=5.0,
        poll_seconds=0.1,
    ),
    margin_seconds=1.0,
    hang_seconds=1.2,
    late_seconds=1.2,
    options=MailOptions(
        **_HTTP, poll_seconds=0.05, event_lag_seconds=0.3, late_share=0.03, late_seconds=4.0, doubled_share=0.1
    ),
)

# One crash at a time leaves the machine idle, so shorter ones are safe.
SINGLE = Times(
    Limits(
        connect_seconds=0.3,
        read_seconds=0.5,
        deadline_seconds=1.0,
        lease_seconds=1.3,
        window_seconds=1.8,
        patience_seconds=3.0,
        poll_seconds=0.05,
    ),
    margin_seconds=0.3,
    hang_seconds=0.8,
    late_seconds=0.8,
    options=MailOptions(**_HTTP, poll_seconds=0.05, event_lag_seconds=0.1, late_share=0.0, doubled_share=0.2),
)
