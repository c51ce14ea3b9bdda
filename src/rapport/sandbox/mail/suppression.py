"""The provider's suppression API: unsubscribe groups, the global list, bounces and spam reports."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rapport.clock import Clock
from rapport.sandbox.mail.fields import error
from rapport.sandbox.mail.ledger import Ledger

_LISTS = {
    "unsubscribes": "global",
    "bounces": "bounce",
    "spam_reports": "spam_report",
    "blocks": "block",
    "invalid_emails": "invalid",
}
FAR_FUTURE = 2**53


def errors(status: int, *entries: dict[str, Any], headers: dict[str, str] | None = None) -> JSONResponse:
    """The service's error body."""
    return JSONResponse({"errors": list(entries)}, status_code=status, headers=headers)


class Suppressions:
    """Handlers over the ledger; times in epoch seconds of the injected clock."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger, self._clock = ledger, clock

    def routes(self, guarded: Callable[..., Any]) -> list[Route]:
        """Routes, each wrapped by `guarded`, which checks the key."""
        group = "/v3/asm/groups/{group_id:int}"
        return [
            Route("/v3/asm/groups", guarded(self.groups), methods=["GET"]),
            Route("/v3/asm/groups", guarded(self.add_group), methods=["POST"]),
            Route(group, guarded(self.group), methods=["GET"]),
            Route(f"{group}/suppressions", guarded(self.group_list), methods=["GET"]),
            Route(f"{group}/suppressions", guarded(self.group_add), methods=["POST"]),
            Route(f"{group}/suppressions/{{email}}", guarded(self.group_delete), methods=["DELETE"]),
            Route("/v3/asm/suppressions/global", guarded(self.global_add), methods=["POST"]),
            Route("/v3/asm/suppressions/global", guarded(self.global_list), methods=["GET"]),
            Route("/v3/asm/suppressions/global/{email}", guarded(self.global_one), methods=["GET"]),
            Route("/v3/asm/suppressions/global/{email}", guarded(self.global_delete), methods=["DELETE"]),
            Route("/v3/suppression/{name}", guarded(self.list), methods=["GET"]),
            Route("/v3/suppression/{name}/{email}", guarded(self.delete), methods=["DELETE"]),
        ]

    async def groups(self, request: Request) -> Response:
        return JSONResponse([_group(row) for row in self._ledger.rows("groups")])

    async def add_group(self, request: Request) -> Response:
        body = await _json(request)
        name, text = body.get("name"), body.get("description")
        if not isinstance(name, str) or not 0 < len(name) <= 30:
            return errors(400, error("name must be a string of 1 to 30 characters", "name"))
        if not isinstance(text, str) or not 0 < len(text) <= 100:
            return errors(400, error("description must be a string of 1 to 100 characters", "description"))
        if self._ledger.rows("group_by_name", name=name):
            return errors(400, error("a group with this name already exists", "name"))
        made = self._ledger.add_group(name, text)
        return JSONResponse(_group(self._ledger.rows("group_one", id=made)[0]), status_code=201)

    async def group(self, request: Request) -> Response:
        found = self._ledger.rows("group_one", id=request.path_params["group_id"])
        return JSONResponse(_group(found[0])) if found else _missing()

    async def group_list(self, request: Request) -> Response:
        group_id = request.path_params["group_id"]
        if not self._ledger.rows("group_one", id=group_id):
            return _missing()
        return JSONResponse([row["email"] for row in self._listed("group", group_id, limit=FAR_FUTURE)])

    async def group_add(self, request: Request) -> Response:
        group_id = request.path_params["group_id"]
        if not self._ledger.rows("group_one", id=group_id):
            return _missing()
        return await self._add(request, "group", group_id)

    async def group_delete(self, request: Request) -> Response:
        return self._remove("group", request.path_params["email"], request.path_params["group_id"])

    async def global_add(self, request: Request) -> Response:
        return await self._add(request, "global", 0)

    async def global_list(self, request: Request) -> Response:
        return self._page(request, "global")

    async def global_one(self, request: Request) -> Response:
        email = request.path_params["email"].lower()
        rows = self._ledger.rows("suppressions_of_address", email=email)
        known = any(row["kind"] == "global" for row in rows)
        return JSONResponse({"recipient_email": email} if known else {})

    async def global_delete(self, request: Request) -> Response:
        return self._remove("global", request.path_params["email"])

    async def list(self, request: Request) -> Response:
        kind = _LISTS.get(request.path_params["name"])
        return self._page(request, kind) if kind else _missing()

    async def delete(self, request: Request) -> Response:
        kind = _LISTS.get(request.path_params["name"])
        return self._remove(kind, request.path_params["email"]) if kind else _missing()

    async def _add(self, request: Request, kind: str, group_id: int) -> Response:
        emails = (await _json(request)).get("recipient_emails")
        if not isinstance(emails, list) or not emails or not all(isinstance(one, str) and one for one in emails):
            return errors(400, error("recipient_emails must be a list of addresses", "recipient_emails"))
        with self._ledger.transaction():
            for one in emails:
                self._ledger.suppress(kind, one.strip(), self._clock.now().timestamp(), group_id=group_id)
        return JSONResponse({"recipient_emails": emails}, status_code=201)

    def _remove(self, kind: str, email: str, group_id: int = 0) -> Response:
        touched = self._ledger.run("unsuppress", kind=kind, group_id=group_id, email=email.lower())
        return Response(status_code=204) if touched else _missing()

    def _listed(self, kind: str, group_id: int = 0, **window: int) -> Any:
        window = {"start_time": 0, "end_time": FAR_FUTURE, "limit": 500, "offset": 0} | window
        return self._ledger.rows("suppressions", kind=kind, group_id=group_id, **window)

    def _page(self, request: Request, kind: str) -> Response:
        window: dict[str, int] = {}
        for name in ("start_time", "end_time", "limit", "offset"):
            value = request.query_params.get(name)
            if value is not None:
                if not value.isdigit() or (name == "limit" and not 0 < int(value) <= 500):
                    return errors(400, error(f"{name} must be a whole number in its range", name))
                window[name] = int(value)
        return JSONResponse([_listed(kind, row) for row in self._listed(kind, **window)])


def _listed(kind: str, row: Any) -> dict[str, Any]:
    entry = {"created": int(row["created"]), "email": row["email"]}
    if kind in ("bounce", "block"):
        entry |= {"reason": row["reason"] or "", "status": row["status"] or ""}
    if kind == "invalid":
        entry |= {"reason": row["reason"] or ""}
    if kind == "spam_report":
        entry |= {"ip": "192.0.2.10"}
    return entry


def _group(row: Any) -> dict[str, Any]:
    return {name: row[name] for name in ("id", "name", "description", "unsubscribes")} | {
        "is_default": bool(row["is_default"]),
        "last_email_sent_at": None,
    }


def _missing() -> JSONResponse:
    return errors(404, error("resource not found"))


async def _json(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
