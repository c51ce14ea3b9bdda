"""SendGrid's Email Activity as evidence, for when events of the webhook are lost: what stands there was accepted.

A paid add-on of SendGrid, so off unless RAPPORT_SENDGRID_ACTIVITY is true. Source: GET /v3/messages of the v3 API, six
requests a minute. That a mail does not stand there proves nothing: the listing lags.
"""

import logging
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from rapport.db import Connection, load_queries
from rapport.delivery import inbox
from rapport.delivery.events import Evidence
from rapport.delivery.records import ReconcileReport
from rapport.errors import PermanentError, TransientError
from rapport.settings import Settings
from rapport.sources.http import Api

log = logging.getLogger(__name__)

SQL = load_queries("rapport.delivery", "activity.sql")
REQUESTS_PER_MINUTE = 6
# The webhook is quicker and costs nothing; only what it did not settle by then is asked for.
UNKNOWN_FOR_SECONDS = 300.0


def ask(conn: Connection, settings: Settings, report: ReconcileReport) -> None:
    """Asks for a few unknown sends, by lot, so that none that the provider does not know stands in the way of others.
    Whatever fails is logged and leaves them unknown: the next pass asks again."""
    if not settings.sendgrid_activity:
        return
    values = {"seconds": UNKNOWN_FOR_SECONDS, "per_minute": REQUESTS_PER_MINUTE}
    rows = conn.execute(SQL["take_unknown"], values).fetchall()
    if not rows:
        return
    told: list[Evidence] = []
    try:
        with closing(account(settings)) as api:
            for row in rows:
                told += _found(api, row["send_id"], row["attempt_no"])
    except (TransientError, PermanentError) as error:
        log.warning("the provider's activity cannot be asked: %s", error)
    with conn.transaction():
        inbox.apply(conn, told, report)


def account(settings: Settings) -> Api:
    """The account's API with our key. Raises PermanentError when the key is not set."""
    return Api(
        "sendgrid",
        settings.require("sendgrid_url"),
        "RAPPORT_SENDGRID_URL and RAPPORT_SENDGRID_API_KEY",
        {"Authorization": f"Bearer {settings.require('sendgrid_api_key')}"},
        tries=2,
    )


def _found(api: Api, send_id: UUID, attempt_no: int) -> list[Evidence]:
    query = f"(unique_args['send_id']=\"{send_id}\")"
    messages = api.get("/v3/messages", {"query": query, "limit": 1}).get("messages")
    if not isinstance(messages, list) or not messages or not isinstance(messages[0], dict):
        return []
    return [Evidence(send_id, _engagement(messages[0]), _time(messages[0]), attempt_no)]


def _engagement(message: dict[str, Any]) -> str:
    """`not_delivered` may be a bounce, a block or a drop: it was accepted. Its opens may be those of machines."""
    return "delivered" if message.get("status") == "delivered" else "processed"


def _time(message: dict[str, Any]) -> datetime:
    try:
        at = datetime.fromisoformat(str(message.get("last_event_time")))
    except ValueError:
        raise TransientError("the provider's activity has no readable last_event_time") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
