"""The provider's Email Activity API: what it knows of accepted mails, by one of their unique arguments."""

import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from rapport.sandbox.mail.fields import error
from rapport.sandbox.mail.ledger import Ledger

# Of the service's query language the one form that Rapport asks in.
_QUERY = re.compile(r"\(?unique_args\['send_id'\]\s*=\s*\"([^\"]+)\"\)?")
MOST = 1000


class Activity:
    """A handler over the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def messages(self, request: Request) -> Response:
        found = _QUERY.fullmatch(request.query_params.get("query", "").strip())
        limit = request.query_params.get("limit", "10")
        if found is None or not limit.isdigit() or not 0 < int(limit) <= MOST:
            entry = error("invalid query or limit", "query")
            return JSONResponse({"errors": [entry]}, status_code=400)
        rows = self._ledger.rows("accepted_of_send", send_id=found[1], limit=int(limit))
        return JSONResponse({"messages": [self._message(row) for row in rows]})

    def _message(self, row: Any) -> dict[str, Any]:
        events = self._ledger.rows("events_of_message", sg_message_id=row["sg_message_id"])
        counts = Counter(event["event"] for event in events)
        last = max([event["occurred_at"] for event in events], default=row["accepted_at"])
        return {
            "from_email": row["from_email"],
            "msg_id": row["sg_message_id"],
            "subject": row["subject"],
            "to_email": row["to_email"],
            "status": _status(counts),
            "opens_count": counts["open"],
            "clicks_count": counts["click"],
            "last_event_time": datetime.fromtimestamp(last, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


def _status(counts: Counter[str]) -> str:
    if counts["bounce"] or counts["dropped"]:
        return "not_delivered"
    return "delivered" if counts["delivered"] else "processed"
