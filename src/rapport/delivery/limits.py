"""The times of the protocol, in real seconds, and what must hold between them."""

from dataclasses import dataclass

from rapport.errors import PermanentError


@dataclass(frozen=True)
class Limits:
    """Real seconds throughout; never the injected clock.

    `deadline`: from the claim on, the latest moment at which the first byte may leave. `lease`: after it a silent owner
    may be declared dead. `window` (W): how long evidence is waited for before an unknown send is given up or repeated.
    """

    connect_seconds: float = 3.0
    read_seconds: float = 10.0
    deadline_seconds: float = 30.0
    lease_seconds: float = 60.0
    window_seconds: float = 900.0
    # How long a run that ends when idle waits for a provider that asked for patience, without any progress.
    patience_seconds: float = 30.0
    poll_seconds: float = 0.5

    def check(self) -> None:
        """Raises PermanentError unless connect + read < deadline < lease < W; anything else could send twice."""
        answer = self.connect_seconds + self.read_seconds
        if not 0 < answer < self.deadline_seconds < self.lease_seconds < self.window_seconds:
            raise PermanentError(
                "delivery is misconfigured: connect + read timeout must be shorter than the send deadline, that "
                f"shorter than the lease, that shorter than W; they are {answer:g}, {self.deadline_seconds:g}, "
                f"{self.lease_seconds:g} and {self.window_seconds:g} seconds"
            )
