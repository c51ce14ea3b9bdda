"""The support desk's server: Zendesk's cursor-based incremental exports over the simulated world."""

from __future__ import annotations

import base64
import binascii
import hmac
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rapport.clock import Clock
from rapport.db import load_queries
from rapport.sandbox.faults import Faults, fault_route, faulty, json
from rapport.sandbox.limits import PerMinute
from rapport.sandbox.records import loads
from rapport.sandbox.store import open_world

EMAIL = "ops@shop.example"
TOKEN = "zendesk-sandbox"  # noqa: S105 - opens nothing but the sandbox
HELD_BACK_SECONDS = 60
LARGEST_PAGE = 1_000
_PAGES = load_queries("rapport.sandbox", "pages.sql")
_NOT_ALLOWED = {"error": "Couldn't authenticate you"}


def app(
    world_dir: Path, clock: Clock, faults: Faults | None = None, *, email: str = EMAIL, token: str = TOKEN,
    per_minute: int = 10, limit: PerMinute | None = None,
) -> Starlette:  # fmt: skip
    """The server over `<world_dir>/world.db`; `per_minute` calls of the exports are answered, further ones get 429."""
    faults = faults or Faults()
    desk = _Desk(world_dir, clock, faults)
    calls = limit or PerMinute(per_minute)

    def export(kind: str) -> Callable[[Request], Any]:
        async def handler(request: Request) -> Response:
            if not _allowed(request, email, token) or faults.take("expired_token"):
                return json(_NOT_ALLOWED, 401, {"WWW-Authenticate": 'Basic realm="Web Password"'})
            wait = calls.wait()
            if wait:
                return json({"error": "APIRateLimitExceeded", "description": "Number of allowed incremental export "
                             "API requests per minute exceeded"}, 429, {"Retry-After": str(wait)})  # fmt: skip
            return desk.page(kind, request)

        return faulty(faults, handler)

    return Starlette(
        routes=[
            Route("/api/v2/incremental/tickets/cursor.json", export("tickets")),
            Route("/api/v2/incremental/users/cursor.json", export("users")),
            fault_route(faults),
        ]
    )


class _Desk:
    def __init__(self, world_dir: Path, clock: Clock, faults: Faults) -> None:
        self._con = open_world(world_dir)
        self._lock = threading.Lock()
        self._clock = clock
        self._faults = faults

    def page(self, kind: str, request: Request) -> Response:
        """One page from `start_time` or `cursor` on; 400 for a request that names neither or a bad one."""
        now = int(self._clock.now().timestamp())
        try:
            size = int(request.query_params.get("per_page", LARGEST_PAGE))
            position = _position(request, now)
        except ValueError as error:
            return json({"error": "InvalidValue", "description": str(error)}, 400)
        size = max(1, min(size, LARGEST_PAGE))
        rows: list[Any] = []
        if empty := self._faults.take("empty_page"):
            position["skipped"] = position.get("skipped", 0) + 1
        else:
            values = {"value": position["at"], "id": position["id"], "until": now - HELD_BACK_SECONDS}
            with self._lock:
                rows = self._con.execute(_PAGES[f"{kind}_since"], values | {"limit": size + 1}).fetchall()
            if rows:
                last = rows[:size][-1]
                position = {"at": last["updated_at"], "id": last["id"]}
        cursor = _encode(position)
        records = [_shown(loads(row["doc"]), kind, request) for row in rows[:size]]
        return json(
            {
                kind: records,
                "after_cursor": cursor,
                "after_url": f"{str(request.url).split('?')[0]}?cursor={cursor}",
                "before_cursor": None,
                "before_url": None,
                "end_of_stream": not empty and len(rows) <= size,
            }
        )


def _shown(doc: dict[str, Any], kind: str, request: Request) -> dict[str, Any]:
    if kind == "tickets" and "metric_sets" not in request.query_params.get("include", ""):
        doc.pop("metric_set", None)
    return doc


def _position(request: Request, now: int) -> dict[str, Any]:
    if cursor := request.query_params.get("cursor"):
        return _decode(cursor)
    start = request.query_params.get("start_time")
    if start is None:
        raise ValueError("start_time or cursor is required")
    if not start.lstrip("-").isdigit():
        raise ValueError("start_time must be a Unix time in seconds")
    if int(start) > now - HELD_BACK_SECONDS:
        raise ValueError("Too recent start_time. Use a start_time older than 60 seconds")
    # Included: everything changed at that second comes after (second, no record).
    return {"at": int(start), "id": -1}


def _encode(position: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(position)).decode()


def _decode(cursor: str) -> dict[str, Any]:
    try:
        position = orjson.loads(base64.urlsafe_b64decode(cursor))
        return {"at": float(position["at"]), "id": int(position["id"]), "skipped": int(position.get("skipped", 0))}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError("cursor is invalid") from error


def _allowed(request: Request, email: str, token: str) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    try:
        decoded = base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        return False
    return scheme.lower() == "basic" and hmac.compare_digest(decoded, f"{email}/token:{token}".encode())
