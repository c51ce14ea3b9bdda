"""How the simulated mail provider behaves when nothing is wrong."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MailOptions:
    """Lags are seconds of the injected clock; poll, retry and window are seconds of the real one."""

    seed: int = 1
    webhook_url: str | None = None
    requests_per_window: int = 3000
    window_seconds: float = 1.0
    event_lag_seconds: float = 20.0
    late_share: float = 0.02
    late_seconds: float = 1800.0
    doubled_share: float = 0.05
    batch_events: int = 500
    batch_bytes: int = 768 * 1024
    poll_seconds: float = 0.25
    retry_seconds: float = 1.0
    retry_ceiling_seconds: float = 60.0
    give_up_after_seconds: float = 24 * 3600.0
    post_timeout_seconds: float = 10.0
