"""Misbehaviour on request: the next so many answers of a server go wrong in a chosen way."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Mapping

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

KINDS = ("error_500", "rate_limited", "truncated", "empty_page", "expired_token")
Handler = Callable[[Request], Awaitable[Response]]


class Faults:
    """How many of the next answers fail, by kind; each failing answer uses one up. Safe between threads.

    error_500: HTTP 500. rate_limited: HTTP 429 with Retry-After. truncated: the JSON body breaks off half-way.
    empty_page: a page without records whose cursor leads on to them. expired_token: as the vendor says it.
    """

    def __init__(self, **counts: int) -> None:
        self._lock = threading.Lock()
        self._left: dict[str, int] = dict.fromkeys(KINDS, 0)
        self.set(counts)

    def set(self, counts: Mapping[str, int]) -> None:
        """Replace the counts of the kinds named. Raises ValueError for an unknown kind or a count below nought."""
        for kind, count in counts.items():
            if kind not in KINDS:
                raise ValueError(f"unknown fault: {kind}; one of {', '.join(KINDS)}")
            if not isinstance(count, int) or isinstance(count, bool) or count < 0:
                raise ValueError(f"fault {kind}: a whole number from nought is needed")
        with self._lock:
            self._left.update(counts)

    def take(self, kind: str) -> bool:
        """Whether this answer has to fail so; uses one up."""
        with self._lock:
            if self._left[kind] <= 0:
                return False
            self._left[kind] -= 1
            return True

    def left(self) -> dict[str, int]:
        """How many of each kind are still to come."""
        with self._lock:
            return dict(self._left)


def faulty(faults: Faults, handler: Handler) -> Handler:
    """`handler` with the faults that every vendor shares: 500, 429 and a body that breaks off."""

    async def answer(request: Request) -> Response:
        if faults.take("error_500"):
            return Response("Internal Server Error", 500, media_type="text/plain")
        if faults.take("rate_limited"):
            return json({"error": "rate limited"}, 429, {"Retry-After": "1"})
        response = await handler(request)
        if response.status_code == 200 and faults.take("truncated"):
            body = bytes(response.body)
            return Response(body[: len(body) // 2], media_type=response.media_type)
        return response

    return answer


def fault_route(faults: Faults) -> Route:
    """`/_sandbox/faults`: GET answers the counts left, POST with a JSON object sets some."""

    async def switch(request: Request) -> Response:
        if request.method == "POST":
            try:
                counts = orjson.loads(await request.body())
                if not isinstance(counts, dict):
                    raise ValueError("a JSON object of fault kinds and counts is needed")
                faults.set(counts)
            except ValueError as error:
                return json({"error": str(error)}, 400)
        return json(faults.left())

    return Route("/_sandbox/faults", switch, methods=["GET", "POST"])


def json(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(content), status, headers, media_type="application/json")
