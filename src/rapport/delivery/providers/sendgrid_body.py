"""Messages as SendGrid's v3 `mail/send` body, and which of them may stand in one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from rapport.campaigns.folder.model import CONFIRMATION
from rapport.delivery.providers import Message
from rapport.errors import DataError
from rapport.settings import Settings

MAX_CATEGORY_CHARS = 255
MAX_ARGUMENTS_BYTES = 10_000


@dataclass(frozen=True)
class Account:
    """What every mail is sent under. In sandbox mode the provider checks a request and sends nothing."""

    unsubscribe_group: int | None = None
    ip_pool: str | None = None
    sandbox_mode: bool = False

    @classmethod
    def of(cls, settings: Settings) -> "Account":
        return cls(settings.sendgrid_unsubscribe_group, settings.sendgrid_ip_pool, settings.sendgrid_sandbox_mode)


def requests(messages: Sequence[Message]) -> list[list[int]]:
    """Positions of the messages that may stand in one request: one address twice refuses the whole, and one body is
    sent to all, so what disagrees in it must not stand together, whoever put it together."""
    parts: list[tuple[tuple[object, ...], set[str], list[int]]] = []
    for at, message in enumerate(messages):
        shared, address = _shared(message), message.to.strip().casefold()
        for body_of_part, addresses, positions in parts:
            if address not in addresses and body_of_part == shared:
                addresses.add(address)
                positions.append(at)
                break
        else:
            parts.append((shared, {address}, [at]))
    return [positions for _, _, positions in parts]


def body(messages: Sequence[Message], account: Account) -> bytes:
    """JSON of one request for messages that agree. Raises DataError when one of them cannot be written.

    Plain values rather than the vendor's helper classes; see docs/decisions/0004.
    """
    first = messages[0]
    document: dict[str, Any] = {
        "personalizations": [_personalization(message) for message in messages],
        "from": {"email": first.sender, **({"name": first.sender_name} if first.sender_name else {})},
        "subject": first.subject,
        "content": [
            {"type": "text/plain", "value": first.text},
            {"type": "text/html", "value": first.html},
        ],
        "categories": _categories(first),
        "tracking_settings": {
            "click_tracking": {"enable": True, "enable_text": False},
            "open_tracking": {"enable": True},
            # The way out is our own link; the provider's would be a second one that our ledger does not know.
            "subscription_tracking": {"enable": False},
            "ganalytics": {"enable": False},
        },
    }
    if first.reply_to:
        document["reply_to"] = {"email": first.reply_to}
    # Who once left through the group and asks again must be reached by the mail that asks whether it is so.
    if account.unsubscribe_group is not None and first.topic != CONFIRMATION:
        document["asm"] = {"group_id": account.unsubscribe_group}
    if account.ip_pool:
        document["ip_pool_name"] = account.ip_pool
    if account.sandbox_mode:
        document["mail_settings"] = {"sandbox_mode": {"enable": True}}
    try:
        return orjson.dumps(document)
    except TypeError:
        raise DataError("a text holds half a character") from None


def _personalization(message: Message) -> dict[str, Any]:
    arguments = dict(message.arguments)
    try:
        size = len(orjson.dumps(arguments))
    except TypeError:
        raise DataError("an argument holds half a character") from None
    if size > MAX_ARGUMENTS_BYTES:
        raise DataError(f"its arguments have {size:,} bytes; the provider takes {MAX_ARGUMENTS_BYTES:,}")
    entry: dict[str, Any] = {
        "to": [{"email": message.to}],
        "headers": dict(message.headers),
        "custom_args": arguments,
    }
    if message.substitutions:
        entry["substitutions"] = dict(message.substitutions)
    return entry


def _categories(message: Message) -> list[str]:
    """The campaign and its topic, each once: the provider refuses a repeated category."""
    names = (message.category, message.topic)
    return list(dict.fromkeys(name[:MAX_CATEGORY_CHARS] for name in names if name))


def _shared(message: Message) -> tuple[object, ...]:
    return (
        *(message.sender, message.sender_name, message.reply_to, message.subject, message.text, message.html),
        *(message.category, message.topic, frozenset(message.substitutions)),
    )
