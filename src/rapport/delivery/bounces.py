"""What a bounce is about: the address, the moment, or us. Pure.

The enhanced status code of RFC 3463 (class.subject.detail; registry of RFC 5248) decides first, as the receiving server
said it. Where it says too little, is missing or malformed, SendGrid's `bounce_classification` does, and then `type`.

| status                                                | about          | kind        |
|-------------------------------------------------------|----------------|-------------|
| 4.7.x that SendGrid calls `blocked`                   | us             | block       |
| 4.x.x                                                 | the moment     | soft_bounce |
| 5.1.7, 5.1.8 (the sender's address)                   | us             | block       |
| 5.1.x (no such mailbox, moved, no mail server)        | the address    | hard_bounce |
| 5.2.1 (mailbox disabled)                              | the address    | hard_bounce |
| 5.2.2 (mailbox full)                                  | the moment     | soft_bounce |
| 5.2.3, 5.3.4 (message too large)                      | us             | block       |
| 5.4.1, 5.4.4, 5.4.310 (no such domain, no route)      | the address    | hard_bounce |
| 5.6.x (content), 5.7.x (policy, reputation)           | us             | block       |
| 5.0.0, 5.5.x: too little said; SendGrid decides       |                |             |
| other 5.x.x                                           | the moment     | soft_bounce |
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

BounceKind = Literal["hard_bounce", "soft_bounce", "block"]

_STATUS = re.compile(r"\s*([45])\.(\d{1,3})\.(\d{1,3})\s*")
_SENDERS_ADDRESS = ((1, 7), (1, 8))
_TOO_LARGE = ((2, 3), (3, 4))
# 5.4.310 is Microsoft's word for a domain that does not exist, 5.4.1 for an address that the domain does not know.
_NO_SUCH_PLACE = ((2, 1), (4, 1), (4, 4), (4, 310))
_CLASSIFIED: Mapping[str, BounceKind] = {
    "invalid address": "hard_bounce",
    "mailbox unavailable": "soft_bounce",
    "technical": "soft_bounce",
    "technical failure": "soft_bounce",
    "content": "block",
    "reputation": "block",
    "frequency or volume too high": "block",
}


def bounce_kind(raw: Mapping[str, Any]) -> BounceKind:
    """Kind of a SendGrid `bounce` event, by the table above."""
    found = _STATUS.fullmatch(str(raw.get("status") or ""))
    blocked = str(raw.get("type") or "").lower() == "blocked"
    if found is None:
        return _by_provider(raw)
    about = int(found[2]), int(found[3])
    if found[1] == "4":
        return "block" if about[0] == 7 and blocked else "soft_bounce"
    return _permanent(about) or _by_provider(raw)


def _permanent(about: tuple[int, int]) -> BounceKind | None:
    subject = about[0]
    if subject in (6, 7) or about in _SENDERS_ADDRESS or about in _TOO_LARGE:
        return "block"
    if subject == 1 or about in _NO_SUCH_PLACE:
        return "hard_bounce"
    if subject == 5 or about == (0, 0):
        return None
    return "soft_bounce"


def _by_provider(raw: Mapping[str, Any]) -> BounceKind:
    """`blocked` is SendGrid's word for a refusal that is not about the address. Without any word three are needed."""
    said = _CLASSIFIED.get(str(raw.get("bounce_classification") or "").strip().lower())
    if said is not None:
        return said
    kind = str(raw.get("type") or "").lower()
    if kind == "bounce":
        return "hard_bounce"
    return "block" if kind == "blocked" else "soft_bounce"
