"""What is wrong with the raw bytes of a mail. Slow and thorough: tests ask it, the way of a mail does not pass here."""

import base64
import binascii
import quopri
import re
from collections import Counter
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

LINE_LIMIT = 998
ENCODED_LINE_LIMIT = 76
TEXT_LINE_LIMIT = 78
NEEDED = ("from", "to", "subject", "date", "message-id", "mime-version", "content-type")
_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)")
_FIELD = re.compile(rb"([!-9;-~]+):[ ](.*)", re.DOTALL)
_WORD_START = re.compile(r"=\?[^?\s]+\?[bqBQ]\?")
_WORD = re.compile(r"=\?([^?\s]+)\?([bqBQ])\?([^?]*)\?=")


def wire_faults(raw: bytes) -> list[str]:
    """Every breach of RFC 5322, 2045 and 2047 that a relay or a mailbox could stumble over."""
    found = ["a bare CR or LF"] if _BARE.search(raw) else []
    lines = raw.split(b"\r\n")
    found += [f"line {at} has {len(line)} octets" for at, line in enumerate(lines, 1) if len(line) > LINE_LIMIT]
    if b"\x00" in raw:
        found.append("a NUL")
    head, blank, _ = raw.partition(b"\r\n\r\n")
    if not blank:
        return [*found, "no empty line between header and body"]
    return found + _header_faults(head) + _body_faults(raw)


def _header_faults(head: bytes) -> list[str]:
    found: list[str] = []
    if re.search(rb"[^\x20-\x7e\r\n]", head):
        found.append("the header is not printable ASCII")
    names = Counter[str]()
    for field in re.split(rb"\r\n(?![ \t])", head):
        match = _FIELD.fullmatch(field)
        if match is None:
            found.append("a line that is no field")
            continue
        name = match[1].decode().lower()
        names[name] += 1
        found += _field_faults(name, field.decode("ascii", "replace"))
    found += [f"{name} stands {count} times" for name, count in names.items() if count > 1]
    return found + [f"{name} is missing" for name in NEEDED if name not in names]


def _field_faults(name: str, field: str) -> list[str]:
    found = []
    if any(not line.strip() for line in field.partition(":")[2].split("\r\n")):
        found.append(f"{name}: a folded line without text")
    words = _WORD.findall(field)
    if words and name.startswith("list-"):
        found.append(f"{name}: encoded words where nobody decodes them")
    if len(_WORD_START.findall(field)) != len(words):
        found.append(f"{name}: half an encoded word")
    if words and any(len(line) > ENCODED_LINE_LIMIT for line in field.split("\r\n")):
        found.append(f"{name}: a line with encoded words is longer than {ENCODED_LINE_LIMIT}")
    if any(len(match[0]) > ENCODED_LINE_LIMIT - 1 for match in _WORD.finditer(field)):
        found.append(f"{name}: an encoded word is longer than {ENCODED_LINE_LIMIT - 1}")
    return found + [f"{name}: an encoded word does not decode alone" for word in words if not _decodes(*word)]


def _decodes(charset: str, encoding: str, text: str) -> bool:
    try:
        raw = (
            base64.b64decode(text, validate=True)
            if encoding.lower() == "b"
            else quopri.decodestring(text.encode(), header=True)
        )
        raw.decode(charset)
    except (binascii.Error, ValueError, LookupError):
        return False
    return True


def _body_faults(raw: bytes) -> list[str]:
    mail = message_from_bytes(raw, EmailMessage, policy=SMTP)
    found = [f"the parser says {type(defect).__name__}" for part in mail.walk() for defect in part.defects]
    for part in mail.walk():
        if part.is_multipart():
            continue
        encoding = str(part.get("Content-Transfer-Encoding", "7bit")).lower()
        limit = TEXT_LINE_LIMIT if encoding == "7bit" else ENCODED_LINE_LIMIT
        payload = str(part.get_payload())
        if encoding not in ("7bit", "quoted-printable", "base64"):
            found.append(f"{part.get_content_type()} is sent as {encoding}")
        if not payload.isascii():
            found.append(f"{part.get_content_type()} is not 7-bit clean")
        if any(len(line) > limit for line in payload.splitlines()):
            found.append(f"{part.get_content_type()} ({encoding}) has a line longer than {limit}")
    return found
