"""Counts for Prometheus; labels come from fixed sets, never from a request."""

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, generate_latest
from starlette.responses import Response

from rapport.gateway.events import Batch


class Metrics:
    """One registry an application, so that two in one process do not meet."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.events = self._counter("rapport_gateway_events", "Events received, by what became of them.", "result")
        self.refused = self._counter("rapport_gateway_refused", "Webhook requests refused, by reason.", "reason")
        self.unsubscribes = self._counter(
            "rapport_gateway_unsubscribes", "Unsubscriptions, by how they came.", "source"
        )

    def count_batch(self, batch: Batch, new: int) -> None:
        self.events.labels("new").inc(new)
        self.events.labels("repeated").inc(len(batch.rows) - new)
        self.events.labels("foreign").inc(batch.foreign)
        self.events.labels("unreadable").inc(batch.broken)

    def response(self) -> Response:
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)

    def _counter(self, name: str, text: str, label: str) -> Counter:
        return Counter(name, text, [label], registry=self._registry)
