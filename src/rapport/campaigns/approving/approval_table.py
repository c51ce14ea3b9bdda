"""Questions and answers as a table for a terminal."""

from collections.abc import Iterable
from datetime import datetime

from rich.table import Table

from rapport.campaigns.approving.requests import Request, state_at


def table(requests: Iterable[Request], now: datetime) -> Table:
    """A row a question, newest first."""
    made = Table(title="Approvals, newest first", title_justify="left")
    for name in ("campaign", "occurrence", "state", "by", "people", "asked", "open until", "why"):
        made.add_column(name, overflow="fold")
    for request in requests:
        by = request["refused_by"] or ", ".join(request["approved_by"])
        made.add_row(
            request["campaign_id"],
            request["occurrence_key"],
            state_at(request, now),
            f"{by} ({len(request['approved_by'])} of {request['people_needed']})" if by else "-",
            f"{request['audience']:,}",
            f"{request['requested_at']:%Y-%m-%d %H:%M}",
            f"{request['expires_at']:%Y-%m-%d %H:%M}",
            "; ".join([*request["reasons"], *([request["comment"]] if request["comment"] else [])]),
        )
    return made
