"""Zendesk Support over HTTP: cursor-based incremental exports as generators of pages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from rapport.errors import TransientError
from rapport.settings import Settings
from rapport.sources.http import Api
from rapport.sources.pages import PageGuard

PAGE_SIZE = 1_000


class ZendeskClient:
    """Reads one Zendesk account. Raises TransientError or PermanentError as `Api` does."""

    def __init__(self, settings: Settings, wait: Callable[[float], None] = time.sleep) -> None:
        self._api = Api(
            vendor="Zendesk",
            base_url=settings.require("zendesk_url"),
            settings="RAPPORT_ZENDESK_URL, RAPPORT_ZENDESK_EMAIL and RAPPORT_ZENDESK_TOKEN",
            auth=(f"{settings.require('zendesk_email')}/token", settings.require("zendesk_token")),
            wait=wait,
        )

    def export(self, kind: str, start_time: int) -> Iterator[list[Any]]:
        """Pages of `tickets` or `users` changed since `start_time` (epoch seconds, included), oldest change first."""
        path = f"/api/v2/incremental/{kind}/cursor.json"
        guard = PageGuard(f"Zendesk: GET {path}")
        params: dict[str, Any] = {"start_time": start_time, "per_page": PAGE_SIZE}
        if kind == "tickets":
            params["include"] = "metric_sets"
        while True:
            answer = self._api.get(path, params)
            page = answer.get(kind)
            if not isinstance(page, list):
                raise TransientError(f"Zendesk: GET {path} answered without its list of {kind}")
            if page:
                yield page
            cursor = answer.get("after_cursor")
            if answer.get("end_of_stream", True) or not cursor:
                return
            guard.seen(len(page), cursor)
            params = {**params, "cursor": cursor}
            params.pop("start_time", None)
