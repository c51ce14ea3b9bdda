"""The provider's events: proved by their signature, kept once, read later by the reconciler."""

import logging

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from rapport.errors import TransientError
from rapport.gateway import events, signature
from rapport.gateway.bodies import TooLargeError, bounded
from rapport.gateway.metrics import Metrics
from rapport.gateway.store import Store
from rapport.settings import Settings

log = logging.getLogger(__name__)

# The provider sends at most 768 KB at a time.
MAX_EVENT_BYTES = 4 * 1024 * 1024
TRY_AGAIN = {"Retry-After": "30"}


class Webhook:
    """`/sendgrid/events`. Any answer but 200 makes the provider repeat the batch for 24 hours."""

    def __init__(self, settings: Settings, store: Store, metrics: Metrics) -> None:
        """Raises PermanentError when a public key cannot be read."""
        self._settings, self._store, self._metrics = settings, store, metrics
        self._verifier = signature.Verifier(settings.sendgrid_webhook_public_keys)

    async def handle(self, request: Request) -> Response:
        """Signature over the raw bytes first; nothing of an unsigned body is parsed or kept."""
        try:
            body = await bounded(request, MAX_EVENT_BYTES)
        except TooLargeError:
            return self._refused(413, "too_large")
        refusal = self._verifier.refusal(
            _only(request, signature.SIGNATURE_HEADER), _only(request, signature.TIMESTAMP_HEADER), body
        )
        if refusal:
            return self._refused(403, refusal)
        try:
            batch, new = await run_in_threadpool(self._keep, body)
        except events.MalformedError as error:
            log.warning("a signed webhook body is malformed: %s", error)
            return self._refused(400, "malformed")
        except TransientError as error:
            log.error("events not stored, the provider will repeat them: %s", error)
            return self._refused(503, "database", TRY_AGAIN)
        self._metrics.count_batch(batch, new)
        return PlainTextResponse("")

    def _keep(self, body: bytes) -> tuple[events.Batch, int]:
        """In a thread: a large batch must not make somebody's unsubscription wait."""
        batch = events.parse(body, self._settings.installation_id, self._settings.environment)
        return batch, self._store.add_events(batch.rows)

    def _refused(self, status: int, reason: str, headers: dict[str, str] | None = None) -> Response:
        self._metrics.refused.labels(reason).inc()
        return PlainTextResponse("", status, headers)


def _only(request: Request, name: str) -> str | None:
    """A header that stands twice proves nothing: two programs might each read another one."""
    values = request.headers.getlist(name)
    return values[0] if len(values) == 1 else None
