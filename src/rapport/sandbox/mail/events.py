"""Events of one accepted mail in the event webhook's own shape, with repeatable ids and posting times."""

import base64
import hashlib
import json
import random
from collections.abc import Mapping
from typing import Any

from rapport.sandbox.mail.options import MailOptions


def event_id(sg_message_id: str, event: str, ordinal: int = 0) -> str:
    """The same happening always has the same id, so that writing it twice changes nothing."""
    digest = hashlib.sha256(f"{sg_message_id}|{event}|{ordinal}".encode()).digest()
    return base64.urlsafe_b64encode(digest[:22]).decode().rstrip("=")


def event_row(
    mail: Mapping[str, Any],
    event: str,
    at: float,
    options: MailOptions,
    *,
    ordinal: int = 0,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A row for the ledger's `events`. `mail` is a decoded `accepted` row, `at` epoch seconds of the injected clock.

    When it is posted (late or not), how often, and whether at all is drawn from the seed and the event's id.
    """
    sg_event_id = event_id(mail["sg_message_id"], event, ordinal)
    body: dict[str, Any] = dict(mail["custom_args"])
    body |= {
        "email": mail["to_email"],
        "timestamp": int(at),
        "smtp-id": f"<{mail['x_message_id']}@geopod-ismtpd-sandbox>",
        "event": event,
        "category": list(mail["categories"]),
        "sg_event_id": sg_event_id,
        "sg_message_id": mail["sg_message_id"],
    }
    if mail["group_id"] is not None:
        body["asm_group_id"] = mail["group_id"]
    body |= dict(extra or {})
    draw = random.Random(f"{options.seed} {sg_event_id}")
    lag = draw.random() * options.event_lag_seconds
    if draw.random() < options.late_share:
        lag += draw.random() * options.late_seconds
    return {
        "sg_event_id": sg_event_id,
        "sg_message_id": mail["sg_message_id"],
        "email": mail["to_email"],
        "event": event,
        "occurred_at": at,
        "body": json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        "post_after": at + lag,
        "copies": 2 if draw.random() < options.doubled_share else 1,
        "abandoned": int(draw.random() < options.lost_share),
    }
