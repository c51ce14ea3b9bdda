"""One request on its way: rendered, guarded until the first byte, and its outcomes made ready for the ledger."""

import logging
from collections.abc import Callable, Sequence
from uuid import UUID

from rapport.clock import Clock, elapsed_seconds
from rapport.delivery import backoff
from rapport.delivery.providers import Message, Outcome, Provider, TooLate
from rapport.delivery.records import Claimed, SendState, Settlement
from rapport.delivery.render import Renderer
from rapport.delivery.stops import Stops
from rapport.errors import DataError
from rapport.keys import uuid7

log = logging.getLogger(__name__)

Finished = tuple[Settlement, Outcome]
_STATES: dict[str, SendState] = {
    "accepted": "accepted",
    "not_sent": "pending",
    "rejected": "failed",
    "unknown": "unknown",
}


class Flight:
    """Sends claimed rows of one content by one request."""

    def __init__(self, provider: Provider, renderer: Renderer, stops: Stops, clock: Clock) -> None:
        self._provider, self._renderer, self._stops, self._clock = provider, renderer, stops, clock

    async def send(self, rows: Sequence[Claimed], deadline: float) -> list[Finished]:
        """What came of each row. `deadline`: the moment of `elapsed_seconds` after which no first byte may leave.
        Raises nothing but cancellation."""
        rendered = self._render(rows, deadline)
        messages = [message for message in rendered if isinstance(message, Message)]
        sent = iter(await self._ask(messages) if messages else ())
        outcomes = [one if isinstance(one, Outcome) else next(sent) for one in rendered]
        request_id = uuid7()
        return [
            (self._settlement(row, outcome, request_id), outcome) for row, outcome in zip(rows, outcomes, strict=True)
        ]

    def _render(self, rows: Sequence[Claimed], deadline: float) -> list[Message | Outcome]:
        gates = [self._gate(row, deadline) for row in rows]
        try:
            rendered = self._renderer.messages(rows, gates)
        except Exception as error:
            # Poisoned rows must not stop the others.
            log.exception("sends %s cannot be rendered", [str(row.send_id) for row in rows])
            return [Outcome("rejected", f"cannot be rendered: {type(error).__name__}")] * len(rows)
        return [
            Outcome("rejected", f"cannot be rendered: {one}") if isinstance(one, DataError) else one for one in rendered
        ]

    async def _ask(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        try:
            outcomes = await self._provider.send(messages)
        except Exception as error:
            log.exception("the provider's client failed")
            return [Outcome("unknown", f"the provider's client failed: {type(error).__name__}")] * len(messages)
        if len(outcomes) != len(messages):
            return [Outcome("unknown", "the provider's client lost count")] * len(messages)
        return outcomes

    def _gate(self, row: Claimed, deadline: float) -> Callable[[], None]:
        def go() -> None:
            if elapsed_seconds() > deadline:
                raise TooLate("the send deadline was over once the connection stood")
            if self._clock.now() >= row.expires_at:
                raise TooLate("it expired before the connection stood")
            stopped = self._stops.against(row)
            if stopped:
                raise TooLate(stopped)

        return go

    def _settlement(self, row: Claimed, outcome: Outcome, request_id: UUID) -> Settlement:
        return Settlement(
            send_id=row.send_id,
            fence=row.fence,
            outcome=outcome.kind,
            state=_STATES[outcome.kind],
            detail=outcome.detail,
            finished_at=self._clock.now(),
            http_status=outcome.status,
            message_id=outcome.message_id,
            wait_seconds=(backoff.seconds(row.attempt_no, outcome.wait_seconds) if outcome.kind == "not_sent" else 0.0),
            payload_sha256=outcome.payload_sha256,
            request_id=request_id,
        )
