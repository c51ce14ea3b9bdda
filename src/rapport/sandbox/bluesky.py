"""Bluesky's server: sessions, notifications, feeds and profiles over the simulated world."""

from __future__ import annotations

import base64
import hmac
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rapport.clock import Clock
from rapport.db import load_queries
from rapport.sandbox.faults import Faults, Handler, fault_route, faulty, json
from rapport.sandbox.records import loads
from rapport.sandbox.social import SHOP_HANDLE
from rapport.sandbox.store import open_world

APP_PASSWORD = "sand-boxx-pass-word"  # noqa: S105 - opens nothing but the sandbox
HANDLE = SHOP_HANDLE
SESSION_SECONDS = 7_200
REFRESH_SECONDS = 60 * 86_400
PROFILES_AT_ONCE = 25
LARGEST_PAGE = 100
_PAGES = load_queries("rapport.sandbox", "pages.sql")
_LAST = {"value": 1e12, "id": "￿"}


def app(
    world_dir: Path, clock: Clock, faults: Faults | None = None, *, handle: str = HANDLE,
    password: str = APP_PASSWORD, session_seconds: float = SESSION_SECONDS,
) -> Starlette:  # fmt: skip
    """The server over `<world_dir>/world.db`; access tokens live `session_seconds` of the world's clock."""
    faults = faults or Faults()
    network = _Network(world_dir, clock, faults, handle)
    sessions = _Sessions(clock, handle, password, session_seconds)

    async def create_session(request: Request) -> Response:
        try:
            body = orjson.loads(await request.body())
            given = (str(body["identifier"]), str(body["password"]))
        except (ValueError, KeyError, TypeError):
            return error("InvalidRequest", "Input must have identifier and password")
        if not sessions.opens(*given):
            return error("AuthenticationRequired", "Invalid identifier or password", 401)
        return json(sessions.new(network.did))

    async def refresh_session(request: Request) -> Response:
        return json(sessions.new(network.did)) if sessions.refreshes(_bearer(request)) else _EXPIRED()

    def guarded(handler: Handler) -> Handler:
        async def answer(request: Request) -> Response:
            token = _bearer(request)
            if not token:
                return error("AuthenticationRequired", "Authentication Required", 401)
            if faults.take("expired_token") or not sessions.allows(token):
                return _EXPIRED()
            return await handler(request)

        return faulty(faults, answer)

    prefix = "/xrpc"
    return Starlette(
        routes=[
            Route(f"{prefix}/com.atproto.server.createSession", faulty(faults, create_session), methods=["POST"]),
            Route(f"{prefix}/com.atproto.server.refreshSession", faulty(faults, refresh_session), methods=["POST"]),
            Route(f"{prefix}/app.bsky.notification.listNotifications", guarded(network.notifications)),
            Route(f"{prefix}/app.bsky.feed.getAuthorFeed", guarded(network.author_feed)),
            Route(f"{prefix}/app.bsky.feed.getPostThread", guarded(network.post_thread)),
            Route(f"{prefix}/app.bsky.actor.getProfiles", guarded(network.profiles)),
            fault_route(faults),
        ]
    )


def error(name: str, message: str, status: int = 400) -> Response:
    """An error as XRPC writes it."""
    return json({"error": name, "message": message}, status)


def _EXPIRED() -> Response:  # noqa: N802 - reads as the constant answer it is
    return error("ExpiredToken", "Token has expired")


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


@dataclass
class _Sessions:
    clock: Clock
    handle: str
    password: str
    seconds: float

    def __post_init__(self) -> None:
        self._access: dict[str, float] = {}
        self._refresh: dict[str, float] = {}

    def opens(self, identifier: str, password: str) -> bool:
        named = identifier.removeprefix("@").lower() == self.handle.lower()
        return hmac.compare_digest(password.encode(), self.password.encode()) and named

    def new(self, did: str) -> dict[str, Any]:
        now = self.clock.now().timestamp()
        access, refresh = f"access.{secrets.token_urlsafe(24)}", f"refresh.{secrets.token_urlsafe(24)}"
        self._access[access] = now + self.seconds
        self._refresh[refresh] = now + REFRESH_SECONDS
        return {"accessJwt": access, "refreshJwt": refresh, "handle": self.handle, "did": did, "active": True}

    def allows(self, token: str) -> bool:
        return self._access.get(token, 0.0) > self.clock.now().timestamp()

    def refreshes(self, token: str) -> bool:
        """A refresh token serves once."""
        return self._refresh.pop(token, 0.0) > self.clock.now().timestamp()


class _Network:
    def __init__(self, world_dir: Path, clock: Clock, faults: Faults, handle: str) -> None:
        self._con = open_world(world_dir)
        self._lock = threading.Lock()
        self._clock = clock
        self._faults = faults
        self._handle = handle

    @property
    def did(self) -> str:
        shop = self._profile(self._handle)
        return "" if shop is None else str(shop["did"])

    async def notifications(self, request: Request) -> Response:
        """Newest first; `cursor` is given back while older ones are left."""
        return self._page(request, "notifications", "notifications_before", {}, lambda doc: doc)

    async def author_feed(self, request: Request) -> Response:
        """An account's own posts, newest first."""
        profile = self._profile(request.query_params.get("actor", ""))
        if profile is None:
            return error("InvalidRequest", "Profile not found")
        return self._page(request, "feed", "posts_before", {"author": profile["did"]}, lambda doc: {"post": _post(doc)})

    async def post_thread(self, request: Request) -> Response:
        """A post with the replies to it."""
        values = {"id": request.query_params.get("uri", ""), "now": self._now()}
        row = self._one("one_interaction", values)
        if row is None:
            return error("NotFound", "Post not found")
        with self._lock:
            replies = self._con.execute(_PAGES["replies_to"], values).fetchall()
        kind = "app.bsky.feed.defs#threadViewPost"
        below = [{"$type": kind, "post": _post(loads(reply["doc"])), "replies": []} for reply in replies]
        return json({"thread": {"$type": kind, "post": _post(loads(row["doc"])), "replies": below}})

    async def profiles(self, request: Request) -> Response:
        """Profiles of up to 25 `actors`; those nobody knows are left out."""
        actors = request.query_params.getlist("actors") + request.query_params.getlist("actors[]")
        if not 1 <= len(actors) <= PROFILES_AT_ONCE:
            return error("InvalidRequest", f"actors must hold 1 to {PROFILES_AT_ONCE} entries")
        found = [self._profile(actor) for actor in actors]
        return json({"profiles": [profile for profile in found if profile is not None]})

    def _page(self, request: Request, name: str, query: str, values: dict[str, Any], shape: Any) -> Response:
        try:
            limit = int(request.query_params.get("limit", 50))
            position = _decode(request.query_params.get("cursor"))
        except ValueError:
            return error("InvalidRequest", "limit or cursor is malformed")
        if not 1 <= limit <= LARGEST_PAGE:
            return error("InvalidRequest", f"limit must be between 1 and {LARGEST_PAGE}")
        if self._faults.take("empty_page"):
            return json({name: [], "cursor": _encode(position | {"skipped": position.get("skipped", 0) + 1})})
        bounds = values | position | {"now": self._now(), "limit": limit + 1}
        with self._lock:
            rows = self._con.execute(_PAGES[query], bounds).fetchall()
        answer: dict[str, Any] = {name: [shape(loads(row["doc"])) for row in rows[:limit]]}
        if len(rows) > limit:
            last = rows[limit - 1]
            answer["cursor"] = _encode({"value": last["updated_at"], "id": last["id"]})
        return json(answer)

    def _profile(self, actor: str) -> dict[str, Any] | None:
        row = self._one("one_profile", {"actor": actor.removeprefix("@"), "now": self._now()})
        return None if row is None else loads(row["doc"])

    def _one(self, query: str, values: dict[str, Any]) -> Any:
        with self._lock:
            return self._con.execute(_PAGES[query], values).fetchone()

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _post(doc: dict[str, Any]) -> dict[str, Any]:
    counts = {"replyCount": 0, "repostCount": 0, "likeCount": 0, "quoteCount": 0}
    kept = ("uri", "cid", "author", "record", "indexedAt", "labels")
    return {key: doc[key] for key in kept} | counts


def _encode(position: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(position)).decode().rstrip("=")


def _decode(cursor: str | None) -> dict[str, Any]:
    if not cursor:
        return dict(_LAST)
    try:
        position = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return {
            "value": float(position["value"]),
            "id": str(position["id"]),
            "skipped": int(position.get("skipped", 0)),
        }
    except (KeyError, TypeError, AttributeError) as problem:
        raise ValueError("cursor is malformed") from problem
