"""A small mailbox in the browser: every mail the simulated provider accepted, and what became of it. No scripts."""

import json
import re
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from minijinja import Environment
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from rapport.sandbox.mail.ledger import Ledger, decoded

PAGE_SIZE = 50
ORDER = ("processed", "dropped", "deferred", "delivered", "bounce", "open", "click", "spamreport", "group_unsubscribe")
PAGE_POLICY = "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'"
# The mail is a stranger's text: it may look as it likes, but runs nothing and belongs to no origin.
MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data: http: https:"
)
SHOWN = ("url", "reason", "response", "status", "type", "sg_machine_open", "useragent")
_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)


def app(directory: Path) -> Starlette:
    """The mailbox over `<directory>/mail.db`."""
    mailbox = _Mailbox(directory)
    return Starlette(
        routes=[
            Route("/", mailbox.index),
            Route("/style.css", mailbox.style),
            Route("/mail/{id}", mailbox.mail),
            Route("/mail/{id}/html", mailbox.html),
        ]
    )


class _Mailbox:
    def __init__(self, directory: Path) -> None:
        self._ledger = Ledger(directory)
        folder = files("rapport.sandbox") / "templates" / "mailbox"
        names = ("layout.html", "list.html", "mail.html", "missing.html")
        self._pages = Environment(templates={name: (folder / name).read_text(encoding="utf-8") for name in names})
        self._style = (folder / "style.css").read_text(encoding="utf-8")

    def _page(self, name: str, status: int = 200, **values: Any) -> Response:
        headers = {"Content-Security-Policy": PAGE_POLICY, "X-Content-Type-Options": "nosniff"}
        return HTMLResponse(self._pages.render_template(name, **values), status_code=status, headers=headers)

    async def style(self, request: Request) -> Response:
        return Response(self._style, media_type="text/css")

    async def index(self, request: Request) -> Response:
        search = request.query_params.get("to", "").strip()[:200]
        total = int(self._ledger.rows("accepted_count", search=search)[0]["n"])
        pages = max((total + PAGE_SIZE - 1) // PAGE_SIZE, 1)
        asked = request.query_params.get("page", "1")
        page = min(max(int(asked), 1), pages) if asked.isdecimal() and len(asked) < 9 else 1
        rows = self._ledger.rows("accepted_page", search=search, limit=PAGE_SIZE, offset=(page - 1) * PAGE_SIZE)
        return self._page(
            "list.html",
            search=search,
            total=total,
            page=page,
            pages=pages,
            mails=self._summaries([decoded(row) for row in rows]),
            newer=_link(search, page - 1) if page > 1 else None,
            older=_link(search, page + 1) if page < pages else None,
        )

    async def mail(self, request: Request) -> Response:
        mail = self._ledger.mail(request.path_params["id"])
        if mail is None:
            return self._page("missing.html", 404)
        rows = self._ledger.rows("events_of_message", sg_message_id=mail["sg_message_id"])
        named = [
            *mail["headers"].items(),
            *((f"custom_args.{name}", value) for name, value in mail["custom_args"].items()),
        ]
        return self._page(
            "mail.html",
            mail=mail | {"accepted": _when(mail["accepted_at"])},
            events=[_event(row) for row in rows],
            headers=[{"name": name, "value": value} for name, value in named],
        )

    async def html(self, request: Request) -> Response:
        mail = self._ledger.mail(request.path_params["id"])
        if mail is None:
            return self._page("missing.html", 404)
        headers = {"Content-Security-Policy": MAIL_POLICY, "X-Content-Type-Options": "nosniff"}
        return HTMLResponse(_links_outside(mail["html"] or ""), headers=headers)

    def _summaries(self, mails: list[dict[str, Any]]) -> list[dict[str, Any]]:
        ids = json.dumps([mail["sg_message_id"] for mail in mails])
        found: dict[str, dict[str, int]] = {}
        for row in self._ledger.rows("events_of_messages", sg_message_ids=ids):
            found.setdefault(row["sg_message_id"], {})[row["event"]] = row["n"]
        return [
            mail | {"accepted": _when(mail["accepted_at"]), "events": _ordered(found.get(mail["sg_message_id"], {}))}
            for mail in mails
        ]


def _ordered(counts: dict[str, int]) -> list[dict[str, Any]]:
    rank = {name: number for number, name in enumerate(ORDER)}
    return [{"name": name, "n": counts[name]} for name in sorted(counts, key=lambda name: rank.get(name, len(rank)))]


def _event(row: Any) -> dict[str, str]:
    body = json.loads(row["body"])
    detail = "; ".join(f"{name}: {body[name]}" for name in SHOWN if body.get(name) not in (None, "", False))
    posted = "not yet" if not row["posted"] else "once" if row["posted"] == 1 else f"{row['posted']} times"
    return {"name": row["event"], "at": _when(row["occurred_at"]), "detail": detail, "posted": posted}


def _when(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _link(search: str, page: int) -> str:
    return "/?" + urlencode({"to": search, "page": page} if search else {"page": page})


def _links_outside(html: str) -> str:
    """Links of the mail open in a page of their own, as mail programs do."""
    base = '<base target="_blank">'
    found = _HEAD.search(html)
    return html[: found.end()] + base + html[found.end() :] if found else base + html
