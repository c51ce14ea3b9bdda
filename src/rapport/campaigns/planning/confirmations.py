"""Requests for mail become confirmation mails: one send a request, however often they are planned."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from rapport.campaigns.folder.model import Confirmation
from rapport.campaigns.mail import content
from rapport.campaigns.mail.topics import topic_title
from rapport.campaigns.planning.decide import OUTCOMES
from rapport.campaigns.planning.record import record
from rapport.clock import Clock
from rapport.db import connect, load_queries, require_known_secret
from rapport.errors import TransientError
from rapport.keys import uuid7
from rapport.settings import Settings

SQL = load_queries("rapport.campaigns.planning", "confirmations.sql")
RECIPIENTS = load_queries("rapport.campaigns.planning", "sends.sql")["insert_recipients"]

Row = dict[str, Any]
Titles = Mapping[tuple[str, str], str]


def plan_confirmations(
    confirmation: Confirmation, settings: Settings, clock: Clock, *, dry_run: bool = False
) -> dict[str, int]:
    """Plans a mail for each open request that has none yet: `requests` read, and how many had which outcome.

    Reads no audience, so it waits for no gate. A dry run counts the same way and writes nothing. Raises CampaignError
    for content that cannot be sent, TransientError when Postgres goes away; in each case nothing was planned.
    """
    templates = content.compile_campaign(confirmation)
    now = clock.now()
    try:
        with connect("engine", settings=settings) as conn, conn.transaction(force_rollback=dry_run):
            conn.execute(SQL["lock_confirmations"])
            values = {"campaign_id": confirmation.name, "now": now}
            requests = conn.execute(SQL["open_requests"], values).fetchall()
            titles = {(row["topic"], row["language"]): row["title"] for row in conn.execute(SQL["topic_titles"])}
            planned = [_decided(request, templates, titles) for request in requests]
            if planned:
                require_known_secret(conn, settings)
                record(conn, confirmation, templates, now)
                _write(conn, planned, values | {"topic": confirmation.topic, "policy": confirmation.policy})
    except psycopg.OperationalError as error:
        first = str(error).strip().splitlines()[:1]
        raise TransientError(f"{confirmation.name}: Postgres went away and nothing was planned: {first}") from error
    counts = Counter(row["outcome"] for row in planned)
    return {"requests": len(planned), **{outcome: counts[outcome] for outcome in OUTCOMES if counts[outcome]}}


def _decided(request: Row, templates: Sequence[content.Template], titles: Titles) -> Row:
    """What happens to one request. Consent and suppression are asked when it is claimed, and only there."""
    outcome, reason = "planned", f"asked for {request['topic']}"
    if request["may_have_left"]:
        # Fail closed: whoever waits for the mail can ask once more.
        outcome = "no_window"
        reason = "a restored database was adopted after the request; the ledger that was lost may have sent the mail"
    elif request["address"] is None:
        outcome, reason = "no_address", "the address of the request was erased"
    template = content.choose(templates, request["language"])
    known = titles.get((request["topic"], template.language)) or titles.get((request["topic"], "en"))
    opt_in_id = str(request["opt_in_id"])
    return {
        **request,
        "opt_in_id": opt_in_id,
        "expires_at": request["expires_at"].isoformat(),
        "send_id": str(uuid7()),
        # Nobody knows yet which customer this is, if any.
        "customer_id": f"opt_in:{opt_in_id}",
        "outcome": outcome,
        "reason": reason,
        "waterfall": {"segment": 1, **dict.fromkeys(OUTCOMES, 0), outcome: 1},
        "template_version": template.template_version,
        # The link is signed when the mail is rendered: a token in the ledger could be used by whoever reads it.
        "context": {"opt_in_id": opt_in_id, "topic_title": topic_title(request["topic"], known)},
    }


def _write(conn: psycopg.Connection[Row], rows: list[Row], values: Row) -> None:
    mails = [row for row in rows if row["outcome"] == "planned"]
    conn.execute(SQL["insert_occurrences"], {**values, "rows": Jsonb(rows)})
    conn.execute(RECIPIENTS, {**values, "rows": Jsonb(mails)})
    conn.execute(SQL["insert_sends"], {**values, "rows": Jsonb(mails)})
    conn.execute(SQL["insert_decisions"], {**values, "rows": Jsonb(rows)})
