"""The ledger's figures for Prometheus, read from the database when they are asked for."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rapport.clock import Clock
from rapport.delivery.status import Status, status
from rapport.settings import Settings


class LedgerCollector(Collector):
    """Labels are campaign names and states: nothing that names a person."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock

    def collect(self) -> Iterator[Metric]:
        """Raises TransientError when Postgres is away: a missing figure is better than an old one."""
        found = status(self._settings, self._clock)
        sends = GaugeMetricFamily("rapport_sends", "Sends by campaign and state.", labels=["campaign", "state"])
        for campaign, counts in found.states.items():
            for state, count in counts.items():
                sends.add_metric([campaign, state], count)
        yield sends
        for name, text, value in _gauges(found):
            yield GaugeMetricFamily(f"rapport_{name}", text, value=value)


def _gauges(found: Status) -> list[tuple[str, str, float]]:
    return [
        ("unknown", "Sends whose acceptance is unknown.", found.unknown),
        ("unknown_age_seconds", "Age of the oldest unknown send.", found.unknown_age_seconds),
        ("quarantined", "Sends that nobody will ever know of, and that are not repeated.", found.total("quarantined")),
        ("duplicate_processed", "Sends of the last day that the provider took in twice.", found.duplicates),
        (
            "evidence_gate_open",
            "1 while silence of the last half hour would prove something.",
            found.evidence_gate_open,
        ),
        ("inbox_unread", "Events not read yet.", found.inbox),
        ("inbox_age_seconds", "Age of the oldest event not read.", found.inbox_age_seconds),
        ("kill_switch", "1 while nothing may leave.", found.kill_switch),
        ("marketing_stopped", "1 while the breaker has stopped marketing.", found.marketing_stop is not None),
        ("restore_guard", "1 while a restored database waits to be adopted.", found.restored is not None),
        ("paused_campaigns", "Campaigns that are paused.", len(found.paused_campaigns)),
    ]


def registry(settings: Settings, clock: Clock) -> CollectorRegistry:
    """One that asks the database at each scrape."""
    made = CollectorRegistry()
    made.register(LedgerCollector(settings, clock))
    return made


def text(settings: Settings, clock: Clock) -> str:
    """In Prometheus' text format. Raises TransientError when Postgres is away."""
    return generate_latest(registry(settings, clock)).decode()
