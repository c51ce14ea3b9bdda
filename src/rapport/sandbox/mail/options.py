"""How the simulated mail provider behaves when nothing is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

# What may be changed while the provider runs; it holds for events that come into being from then on.
EVENT_FAULTS = ("event_lag_seconds", "late_share", "late_seconds", "doubled_share", "lost_share")


@dataclass(frozen=True)
class MailOptions:
    """Lags are seconds of the injected clock; poll, retry and window are seconds of the real one. Shares lie in 0..1;
    a lost event is written down as abandoned and never posted, unless somebody asks for it to be posted after all."""

    seed: int = 1
    webhook_url: str | None = None
    requests_per_window: int = 3000
    window_seconds: float = 1.0
    event_lag_seconds: float = 20.0
    late_share: float = 0.02
    late_seconds: float = 1800.0
    doubled_share: float = 0.05
    lost_share: float = 0.0
    batch_events: int = 500
    batch_bytes: int = 768 * 1024
    poll_seconds: float = 0.25
    retry_seconds: float = 1.0
    retry_ceiling_seconds: float = 60.0
    give_up_after_seconds: float = 24 * 3600.0
    post_timeout_seconds: float = 10.0

    def with_event_faults(self, given: Mapping[str, Any]) -> Self:
        """These options with other event faults. Raises ValueError for a name or a number that does not fit."""
        unknown = sorted(set(given) - set(EVENT_FAULTS))
        if unknown:
            raise ValueError(f"unknown event faults {', '.join(unknown)}; known: {', '.join(EVENT_FAULTS)}")
        changes = {name: float(value) for name, value in given.items()}
        if any(value < 0 or (name.endswith("_share") and value > 1) for name, value in changes.items()):
            raise ValueError("shares lie in 0..1; seconds are not negative")
        return replace(self, **changes)  # type: ignore[arg-type]  # the names were checked above
