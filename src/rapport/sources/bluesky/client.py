"""Bluesky's XRPC over HTTP: one session, renewed when it expires, and listings as generators of pages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rapport.errors import PermanentError, TransientError
from rapport.settings import Settings
from rapport.sources.http import Api, Refused
from rapport.sources.pages import PageGuard

PAGE_SIZE = 100
PROFILES_PER_CALL = 25
EXPIRED = {"ExpiredToken", "InvalidToken"}


class BlueskyClient:
    """Reads as one account. Raises TransientError or PermanentError as `Api` does."""

    def __init__(self, settings: Settings, wait: Callable[[float], None] = time.sleep) -> None:
        self._handle = settings.require("bluesky_handle")
        self._password = settings.require("bluesky_app_password")
        self._api = Api(
            vendor="Bluesky",
            base_url=settings.require("bluesky_url"),
            settings="RAPPORT_BLUESKY_URL, RAPPORT_BLUESKY_HANDLE and RAPPORT_BLUESKY_APP_PASSWORD",
            wait=wait,
        )
        self._session: dict[str, Any] | None = None

    def notifications(self) -> Iterator[list[Any]]:
        """Pages of what others did towards the account, newest first, without end until the caller stops."""
        return self._listing("app.bsky.notification.listNotifications", "notifications", {})

    def own_posts(self) -> Iterator[list[Any]]:
        """Pages of the account's own feed, newest first, without end until the caller stops."""
        return self._listing("app.bsky.feed.getAuthorFeed", "feed", {"actor": self._handle})

    def profiles(self, dids: Sequence[str]) -> Iterator[list[Any]]:
        """Profiles of the accounts named; those that are gone are left out by Bluesky."""
        for start in range(0, len(dids), PROFILES_PER_CALL):
            actors = list(dids[start : start + PROFILES_PER_CALL])
            answer = self._get("app.bsky.actor.getProfiles", {"actors": actors})
            yield _list(answer, "profiles", "app.bsky.actor.getProfiles")

    def _listing(self, method: str, name: str, params: Mapping[str, Any]) -> Iterator[list[Any]]:
        guard = PageGuard(f"Bluesky: {method}")
        cursor: str | None = None
        while True:
            query = {**params, "limit": PAGE_SIZE, **({"cursor": cursor} if cursor else {})}
            answer = self._get(method, query)
            page = _list(answer, name, method)
            if page:
                yield page
            cursor = answer.get("cursor")
            if not cursor:
                return
            guard.seen(len(page), cursor)

    def _get(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        path = f"/xrpc/{method}"
        try:
            return self._api.get(path, params, self._bearer("accessJwt"))
        except Refused as error:
            if error.code not in EXPIRED and error.status != 401:
                raise
        self._renew()
        return self._api.get(path, params, self._bearer("accessJwt"))

    def _bearer(self, token: str) -> dict[str, str]:
        session = self._session or self._open()
        return {"Authorization": f"Bearer {session[token]}"}

    def _open(self) -> dict[str, Any]:
        body = {"identifier": self._handle, "password": self._password}
        return self._keep(self._api.post("/xrpc/com.atproto.server.createSession", body))

    def _renew(self) -> None:
        """A new access token from the refresh token, or a new session when that one is spent too."""
        try:
            self._keep(self._api.post("/xrpc/com.atproto.server.refreshSession", headers=self._bearer("refreshJwt")))
        except Refused:
            self._session = None
            self._open()

    def _keep(self, answer: dict[str, Any]) -> dict[str, Any]:
        if not answer.get("accessJwt") or not answer.get("refreshJwt"):
            raise PermanentError("Bluesky: the session came without its tokens; check RAPPORT_BLUESKY_URL")
        self._session = answer
        return answer


def _list(answer: Mapping[str, Any], name: str, method: str) -> list[Any]:
    page = answer.get(name)
    if not isinstance(page, list):
        raise TransientError(f"Bluesky: {method} answered without its list of {name}")
    return page
