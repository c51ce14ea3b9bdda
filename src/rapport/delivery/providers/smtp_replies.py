"""What a mail server's reply means for the message it was given (RFC 5321, section 4.2; codes of RFC 3463)."""

import re
from typing import Literal

from rapport.delivery.providers import Outcome

Step = Literal["greeting", "login", "MAIL", "RCPT", "DATA"]

WAIT_SECONDS = 10.0
# About the session and its login, whichever command they answer.
ACCOUNT_CODES = frozenset((530, 534, 535, 538))
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s|$)")
_QUEUED_AS = re.compile(r"\b(?:queued as|id=)\s?<?([\w.-]{4,64})", re.IGNORECASE | re.ASCII)


def refused(step: Step, code: int, text: str) -> Outcome:
    """A reply other than the hoped for one, before the message's last byte was written: nothing was accepted."""
    said = f"{step} was answered {told(code, text)}"
    if 400 <= code < 500:
        return Outcome("not_sent", f"not sent: {said}", code, wait_seconds=_wait(step, code, text))
    if not 500 <= code < 600:
        return Outcome("not_sent", f"not sent: {said}, which no mail server says there", wait_seconds=WAIT_SECONDS)
    if code in ACCOUNT_CODES or step in ("greeting", "login") or (step == "MAIL" and not _is_size(code, text)):
        return Outcome("not_sent", f"not sent: {said}: the account, sender or server is wrong", code, halt=True)
    return Outcome("rejected", f"refused: {said}", code)


def after_the_dot(code: int, text: str, digest: str) -> Outcome:
    """The reply to the whole message. Only a refusal says that the server did not take it (section 4.2.5); a reply
    that should not stand here says nothing."""
    said = f"the message was answered {told(code, text)}"
    if 200 <= code < 300:
        queued = _QUEUED_AS.search(text)
        return Outcome("accepted", "", code, queued[1] if queued else None, payload_sha256=digest)
    if 400 <= code < 500:
        return Outcome("not_sent", f"not sent: {said}", code, wait_seconds=WAIT_SECONDS)
    if 500 <= code < 600:
        return Outcome("rejected", f"refused: {said}", code, payload_sha256=digest)
    return Outcome("unknown", said, payload_sha256=digest)


def told(code: int, text: str) -> str:
    """Code and enhanced code. The words beside them may quote an address, so they are not kept."""
    enhanced = _ENHANCED.match(text)
    return f"{code} {enhanced[1]}" if enhanced else str(code)


def _wait(step: Step, code: int, text: str) -> float:
    """What is said of one recipient (a full mailbox, greylisting) is no reason for others to wait; what is said of the
    server (421, x.3.x) or before any recipient was named is."""
    enhanced = _ENHANCED.match(text)
    about_server = code == 421 or (enhanced is not None and enhanced[1].split(".")[1] == "3")
    return 0.0 if step == "RCPT" and not about_server else WAIT_SECONDS


def _is_size(code: int, text: str) -> bool:
    return code == 552 or text.startswith("5.3.4")
