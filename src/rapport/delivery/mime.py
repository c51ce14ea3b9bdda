"""A message as the bytes of RFC 5322 and MIME, for providers that speak SMTP.

The standard library builds the body and puts the parts together. The fields that people and machines read are written
here, because its folding breaks them (seen in 3.11 to 3.13): a long URI in List-Unsubscribe becomes encoded words,
which no mailbox provider undoes there; white space between encoded words goes missing; a long display name loses its
quotes and its commas become further senders; a local part outside ASCII becomes an encoded word, which is no address.
Its quoted-printable lines may also have 78 characters where MIME allows 76.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.charset import Charset
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from typing import Any

from rapport.delivery.providers import Message
from rapport.errors import DataError

LINE_LIMIT = 998
LINE_AIM = 76
ENCODED_WORD_LIMIT = 75
# Written from the message's own fields, by the provider, or on the way.
RESERVED = frozenset(
    re.findall(
        r"\S+",
        """
        from sender reply-to to cc bcc subject date message-id received return-path dkim-signature
        mime-version content-type content-transfer-encoding
        """,
    )
)
# Upper and lower end of an encoded word in base64: =?utf-8?b? and ?=
_WRAPPING = 12
_UTF8 = Charset("utf-8")
_WIRE = re.compile(r"[\x20-\x7e]+(?:\r\n [\x20-\x7e]+)*")
_NAME = re.compile(r"[!-9;-~]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


class _Written(str):
    """A field's value as it goes out: folded, encoded, without any character that could begin another field."""

    __slots__ = ()


class _AsWritten(EmailPolicy):
    """Leaves alone what is written already; folds and encodes the rest (Content-Type and its like) as ever."""

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        return (name, value) if isinstance(value, _Written) else super().header_store_parse(name, value)

    def fold_binary(self, name: str, value: Any) -> bytes:
        if isinstance(value, _Written):
            return f"{name}: {value}\r\n".encode("ascii")
        return super().fold_binary(name, value)


# Bodies stay in 7 bits: a relay that has to convert them would break the signature over them.
_POLICY = _AsWritten(linesep=SMTP.linesep, cte_type="7bit", max_line_length=LINE_AIM)


def as_mime(message: Message, date: datetime | None = None) -> bytes:
    """The message with CRLF lines, 7-bit clean. `date` (the real clock's time when left out) is when it is handed over.

    The Message-ID comes from the `send_id` argument and not from the attempt, so that a mailbox that gets a second
    attempt of the same send can tell. Raises DataError for a value that could forge a field or cannot be sent by plain
    SMTP, and for texts that are not final.
    """
    if message.substitutions:
        raise DataError("the texts still hold tokens; a message of its own needs final texts")
    sender = ascii_address(message.sender)
    fields = [
        ("From", mailbox("From", message.sender_name, sender)),
        ("To", ascii_address(message.to)),
        ("Subject", unstructured("Subject", message.subject)),
        ("Date", format_datetime(date or datetime.now(UTC))),
        ("Message-ID", f"<{message.arguments['send_id']}@{sender.rpartition('@')[2]}>"),
    ]
    if message.reply_to:
        fields.append(("Reply-To", ascii_address(message.reply_to)))
    mail = EmailMessage(policy=_POLICY)
    for name, value in fields:
        mail[name] = _written(value)
    for name, value in message.headers.items():
        if not _NAME.fullmatch(name) or name.lower() in RESERVED or name in mail:
            raise DataError("a header of its own has no proper name, or stands twice")
        mail[name] = _written(unstructured(name, value))
    try:
        mail.set_content(message.text)
        mail.add_alternative(message.html, subtype="html")
    except UnicodeError:
        raise DataError("a text holds half a character") from None
    return mail.as_bytes()


def _written(value: str) -> _Written:
    if not _WIRE.fullmatch(value):
        raise DataError("a header value cannot be written")
    return _Written(value)


def unstructured(name: str, value: str) -> str:
    """A text field's value, folded. Raises DataError for control characters and for what cannot be folded."""
    _refuse_controls(value)
    plain = value.isascii() and "=?" not in value and value == " ".join(value.split()) and value
    if plain and max(map(len, value.split())) + len(name) + 2 <= LINE_LIMIT:
        return _folded(name, value)
    if name.lower().startswith("list-"):
        raise DataError(f"{name} must be plain ASCII shorter than a line: nobody decodes it")
    return "\r\n ".join(_encoded_words(value, len(name) + 2))


def mailbox(name: str, display: str | None, address: str) -> str:
    """A display name and an address. Raises DataError for control characters."""
    if not display:
        return address
    _refuse_controls(display)
    text = display.strip()
    if text.isascii() and "=?" not in text and len(text) + len(name) + 4 <= LINE_AIM:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        phrase = text if _ATOMS.fullmatch(text) else f'"{escaped}"'
    else:
        phrase = "\r\n ".join(_encoded_words(text, len(name) + 2))
    last = phrase.rpartition("\r\n")[2]
    fits = len(name) + 2 + len(last) + len(address) + 3 <= LINE_AIM
    return f"{phrase} <{address}>" if fits else f"{phrase}\r\n <{address}>"


def ascii_address(address: str) -> str:
    """The address with its domain in ASCII form. Raises DataError when plain SMTP cannot carry it."""
    local, at, domain = address.rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        raise DataError("an address has a domain that cannot be encoded") from None
    if not (local and at and domain and local.isascii()) or re.search(r'[\s\x00-\x20\x7f<>()\[\]\\,;:"@]', local):
        raise DataError("an address has a local part that plain SMTP cannot carry")
    return f"{local}@{domain}"


def _refuse_controls(value: str) -> None:
    if _CONTROL.search(value):
        raise DataError("a header value holds a control character, which could forge headers")


def _folded(name: str, value: str) -> str:
    """Breaks before spaces; a word longer than a line keeps a line for itself. The first word stays beside the name:
    some readers take a first line without text for an empty field."""
    lines = [""]
    used = len(name) + 2
    for word in value.split(" "):
        if lines[-1] and used + 1 + len(word) > LINE_AIM:
            lines.append(word)
            used = 1 + len(word)
        else:
            lines[-1] += f" {word}" if lines[-1] else word
            used += len(word) + 1
    return "\r\n ".join(lines)


def _encoded_words(text: str, used: int) -> Iterator[str]:
    """Words of whole characters that each decode alone, the first one shorter by `used` columns."""
    room = max((ENCODED_WORD_LIMIT - used - _WRAPPING) // 4 * 3, 4)
    chunk, size = "", 0
    try:
        for character in text:
            length = len(character.encode())
            if chunk and size + length > room:
                yield _UTF8.header_encode(chunk)
                chunk, size, room = "", 0, (ENCODED_WORD_LIMIT - _WRAPPING) // 4 * 3
            chunk += character
            size += length
    except UnicodeError:
        raise DataError("a header value holds half a character") from None
    if chunk:
        yield _UTF8.header_encode(chunk)
