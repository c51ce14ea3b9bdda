"""Counts for Prometheus; labels come from fixed sets, never from a request."""

import hmac

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, generate_latest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from rapport.gateway.events import Batch
from rapport.gateway.visits import Reading
from rapport.settings import Settings


class Metrics:
    """One registry an application, so that two in one process do not meet."""

    def __init__(self, settings: Settings) -> None:
        self._token = settings.metrics_token
        self._registry = CollectorRegistry()
        self.events = self._counter("rapport_gateway_events", "Events received, by what became of them.", "result")
        self.refused = self._counter("rapport_gateway_refused", "Webhook requests refused, by reason.", "reason")
        self.unsubscribes = self._counter(
            "rapport_gateway_unsubscribes", "Unsubscriptions, by how they came.", "source"
        )
        self.preferences = self._counter("rapport_gateway_preferences", "Topics turned off by people.", "change")
        self.opt_ins = self._counter("rapport_gateway_opt_ins", "Requests for mail, by what became of them.", "result")
        self.answers = self._counter("rapport_gateway_survey_answers", "Answers to surveys, by survey.", "survey")
        self.visits = self._counter("rapport_gateway_web_events", "Visitors' events, by what became of them.", "result")
        self.visits_refused = self._counter(
            "rapport_gateway_web_refused", "Requests with visitors' events refused, by reason.", "reason"
        )

    def count_batch(self, batch: Batch, new: int) -> None:
        self.events.labels("new").inc(new)
        self.events.labels("repeated").inc(batch.repeated + len(batch.rows) - new)
        self.events.labels("foreign").inc(batch.foreign)
        self.events.labels("unreadable").inc(batch.broken)

    def count_visits(self, reading: Reading, new: int) -> None:
        self.visits.labels("new").inc(new)
        self.visits.labels("repeated").inc(reading.repeated + len(reading.rows) - new)
        self.visits.labels("unreadable").inc(len(reading.bad))
        self.visits.labels("without_consent").inc(sum(not row.has_consent for row in reading.rows))
        self.visits.labels("bot").inc(sum(row.is_bot for row in reading.rows))

    async def handle(self, request: Request) -> Response:
        """For the bearer of RAPPORT_METRICS_TOKEN; without that setting there is no such page. A loopback address
        would prove nothing: behind a proxy everybody has one."""
        if not self._token:
            return PlainTextResponse("Not Found", 404)
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            return PlainTextResponse("", 401, {"WWW-Authenticate": "Bearer"})
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)

    def _counter(self, name: str, text: str, label: str) -> Counter:
        return Counter(name, text, [label], registry=self._registry)
