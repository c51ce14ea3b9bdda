"""A valid `mail/send` body taken apart: one mail per address, with what the provider adds."""

import json
import secrets
from typing import Any

from rapport.sandbox.mail.events import event_row
from rapport.sandbox.mail.ledger import Ledger
from rapport.sandbox.mail.options import MailOptions

_BYPASS = {
    "bypass_list_management": "list",
    "bypass_spam_management": "spam_report",
    "bypass_bounce_management": "bounce",
    "bypass_unsubscribe_management": "global",
}


def new_message_id() -> str:
    """What the answer's `X-Message-Id` says: 22 characters."""
    return secrets.token_urlsafe(16)


def envelopes(body: dict[str, Any], x_message_id: str, now: float, now_real: float) -> list[dict[str, Any]]:
    """Rows for the ledger's `accepted`, JSON columns still decoded; `dropped` is decided by `accept`."""
    parts = {part["type"]: part["value"] for part in body["content"]}
    mails: list[dict[str, Any]] = []
    for one in body["personalizations"]:
        sender = one.get("from") or body["from"]
        arguments = {**(body.get("custom_args") or {}), **(one.get("custom_args") or {})}
        tags = one.get("substitutions") or {}
        attempt = str(arguments.get("attempt_no", ""))
        shared = {
            "x_message_id": x_message_id,
            "send_id": arguments.get("send_id"),
            "attempt_no": int(attempt) if attempt.isdigit() else None,
            "from_email": sender["email"].strip().lower(),
            "from_name": sender.get("name"),
            "subject": _filled(one.get("subject") or body["subject"], tags),
            "text": _filled(parts.get("text/plain"), tags),
            "html": _filled(parts.get("text/html"), tags),
            "headers": {**(body.get("headers") or {}), **(one.get("headers") or {})},
            "categories": body.get("categories") or [],
            "custom_args": arguments,
            "group_id": (body.get("asm") or {}).get("group_id"),
            "send_at": one.get("send_at") or body.get("send_at"),
            "accepted_at": now,
            "accepted_at_real": now_real,
            "dropped": None,
        }
        for field in ("to", "cc", "bcc"):
            for entry in one.get(field) or []:
                number = len(mails)
                mails.append(
                    shared
                    | {
                        "sg_message_id": f"{x_message_id}.recvd-sandbox-{number // 100:02d}-{number:04X}.{number}",
                        "to_email": entry["email"].strip().lower(),
                        "to_name": entry.get("name"),
                        "field": field,
                    }
                )
    return mails


def accept(ledger: Ledger, options: MailOptions, body: dict[str, Any], now: float, now_real: float) -> str:
    """Takes responsibility for a valid body in one commit and returns its message id."""
    x_message_id = new_message_id()
    settings = body.get("mail_settings") or {}
    bypass = frozenset(kind for name, kind in _BYPASS.items() if (settings.get(name) or {}).get("enable"))
    mails = envelopes(body, x_message_id, now, now_real)
    with ledger.transaction():
        events = []
        for mail in mails:
            mail["dropped"] = ledger.drop_reason(mail["to_email"], mail["group_id"], bypass)
            if mail["dropped"]:
                reason = {"reason": mail["dropped"], "status": "5.0.0"}
                events.append(event_row(mail, "dropped", now, options, extra=reason))
            else:
                events.append(event_row(mail, "processed", now, options, extra=_scheduled(mail)))
        ledger.accept([_encoded(mail) for mail in mails], events)
    return x_message_id


def _scheduled(mail: dict[str, Any]) -> dict[str, Any]:
    return {"send_at": mail["send_at"]} if mail["send_at"] else {}


def _encoded(mail: dict[str, Any]) -> dict[str, Any]:
    return {
        name: json.dumps(value, ensure_ascii=False) if name in ("headers", "categories", "custom_args") else value
        for name, value in mail.items()
    }


def _filled(text: str | None, tags: dict[str, str]) -> str | None:
    for tag, value in tags.items():
        text = text.replace(tag, value) if text else text
    return text
