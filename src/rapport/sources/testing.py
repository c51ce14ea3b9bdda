"""A fake vendor on a real port, for tests of connectors: answers are scripted, requests are kept."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True)
class Answer:
    """`raw`, when given, is sent as it is: broken JSON, a result file."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None


class FakeVendor:
    """Serves `faults` first, one a request, then whatever `answer` makes of the request."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.faults: deque[Answer] = deque()
        self.answer: Callable[[Request], Answer] = lambda _: Answer({}, 404)
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._serve()

            def do_POST(self) -> None:
                self._serve()

            def _serve(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length") or 0))
                parts = urlsplit(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = json.loads(raw) if raw else None
                request = Request(self.command, parts.path, parse_qs(parts.query), headers, body)
                vendor.requests.append(request)
                answer = vendor.faults.popleft() if vendor.faults else vendor.answer(request)
                payload = answer.raw if answer.raw is not None else json.dumps(answer.body).encode()
                self.send_response(answer.status)
                for name, value in {"content-type": "application/json", **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *args: Any) -> None:
                """Tests read `requests` instead."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> FakeVendor:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def settings(self) -> dict[str, str]:
        """Settings under which every connector speaks to this server."""
        return {
            "shopify_url": self.url,
            "shopify_token": "shopify-token",
            "zendesk_url": self.url,
            "zendesk_email": "agent@shop.example",
            "zendesk_token": "zendesk-token",
            "bluesky_url": self.url,
            "bluesky_handle": "shop.example",
            "bluesky_app_password": "bluesky-password",
        }
