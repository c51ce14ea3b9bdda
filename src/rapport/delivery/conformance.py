"""What must hold for a rendered mail before it may leave: the way out, the footer, the headers, the size.

There are two kinds of check. Those that a person's data can break run on every message and cost microseconds: string
searches, no parsing. Those that only the template can break (is the footer visible, what language does the page say)
parse the HTML, which takes milliseconds; they run on the first good message of each template version, because values
are escaped when they are filled in and cannot bring markup of their own.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape, unescape

from babel import Locale, UnknownLocaleError

from rapport.delivery.mime import RESERVED, as_mime
from rapport.delivery.providers import Message
from rapport.delivery.visible import Page, read_page
from rapport.errors import DataError

__all__ = ["Conformance", "NotConformantError", "Sender", "as_mime", "message_faults", "template_faults"]

# Gmail cuts what is longer, and with it the footer.
HTML_LIMIT_BYTES = 102 * 1024
ONE_CLICK = "List-Unsubscribe=One-Click"
# Control characters, the line breaks of Unicode, and halves of characters, which cannot be encoded.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_HEADER_NAME = re.compile(r"[!-9;-~]{1,76}")
_ADDRESS = re.compile(r'[^\s<>()\[\]\\,;:"@]{1,64}@[^\s<>()\[\]\\,;:"@]{1,253}')
_LOCAL_HOST = r"(?:127\.0\.0\.1|\[::1\]|[A-Za-z0-9_-]+)"
_WAY_OUT = re.compile(rf"<(https://[!-;=?-~]+|http://{_LOCAL_HOST}(?::\d+)?/[!-;=?-~]*)>(?:, ?<mailto:[!-;=?-~]+>)?")
_LIST_ID = re.compile(r"(?:[ -;=?-~]+ )?<[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)+>")
_LIST_ID_LIMIT = 255
_SPACE = re.compile(r"\s+")


class NotConformantError(DataError):
    """The mail breaks a rule of mailbox providers or of the law; it is not sent."""


@dataclass(frozen=True)
class Sender:
    """Who writes: the domain every mail comes from, and what law asks to name."""

    domain: str
    shop_name: str
    postal_address: str


class Conformance:
    """Checks every message of one process. Passed template versions are remembered, failed ones are read again: one
    odd message must not condemn its whole version."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._passed: set[str] = set()

    def check(self, message: Message, template_version: str) -> None:
        """Raises NotConformantError naming every fault, without any of the message's texts."""
        faults = message_faults(message, self._sender)
        if not faults and template_version not in self._passed:
            faults = template_faults(message, self._sender)
        if faults:
            raise NotConformantError("; ".join(faults))
        self._passed.add(template_version)


def message_faults(message: Message, sender: Sender) -> list[str]:
    """What a person's data, a setting or one row could have broken. Empty when nothing is wrong."""
    subject, text, html = _final(message)
    way_out, faults = _list_headers(message.headers)
    faults += _address_faults(message, sender)
    faults += _header_faults(message.headers)
    if not subject.strip():
        faults.append("the subject is empty")
    if _CONTROL.search(subject):
        faults.append("the subject holds a control character, which could forge headers")
    if not text.strip():
        faults.append("the text part is empty")
    # A character has at most four bytes, so a short mail needs no counting.
    if len(html) * 4 > HTML_LIMIT_BYTES and (size := len(html.encode("utf-8", "replace"))) > HTML_LIMIT_BYTES:
        faults.append(f"the HTML has {size:,} bytes; Gmail cuts it after {HTML_LIMIT_BYTES:,}: shorten it")
    if _unfilled(subject) or _unfilled(text):
        faults.append("the subject or the text holds template braces that were not filled in")
    faults += _part_faults("HTML", html, _in_html, way_out, sender)
    return faults + _part_faults("text", text, _in_text, way_out, sender)


def template_faults(message: Message, sender: Sender) -> list[str]:
    """What the template alone decides, seen on one rendered message. What a style sheet hides is not found out."""
    _, _, html = _final(message)
    page = read_page(html)
    faults = _language_faults(page)
    if _unfilled(html):
        faults.append("the HTML holds template braces that were not filled in")
    for name, value in (("legal name", sender.shop_name), ("postal address", sender.postal_address)):
        if not value.strip() or _flat(value) not in page.text:
            faults.append(f"the shop's {name} is in the HTML but nobody sees it: it is hidden or in a comment")
    way_out, _ = _list_headers(message.headers)
    if way_out not in page.links:
        faults.append("the HTML has no visible link (<a href>, with a text) to unsubscribe")
    return faults


def _final(message: Message) -> tuple[str, str, str]:
    """Subject, text and HTML as the person gets them."""
    parts = [message.subject, message.text, message.html]
    for token, value in message.substitutions.items():
        parts = [part.replace(token, value) for part in parts]
    return parts[0], parts[1], parts[2]


def _list_headers(headers: Mapping[str, str]) -> tuple[str, list[str]]:
    """The unsubscribe address, empty when there is none, and what is wrong with the headers of RFC 8058 and 2919."""
    faults = []
    match = _WAY_OUT.fullmatch(headers.get("List-Unsubscribe", ""))
    if match is None:
        faults.append("List-Unsubscribe must be one https address in angle brackets")
    if headers.get("List-Unsubscribe-Post") != ONE_CLICK:
        faults.append(f"List-Unsubscribe-Post must be exactly {ONE_CLICK}")
    list_id = headers.get("List-Id", "")
    if len(list_id) > _LIST_ID_LIMIT or not _LIST_ID.fullmatch(list_id):
        faults.append("List-Id must be <name.domain> of letters, digits and hyphens")
    return (match[1] if match else ""), faults


def _part_faults(part: str, body: str, written: Callable[[str, str], bool], way_out: str, sender: Sender) -> list[str]:
    faults = []
    if "\x00" in body:
        faults.append(f"the {part} part holds a NUL")
    if way_out and not written(way_out, body):
        faults.append(f"the {part} part lacks the unsubscribe link of the header")
    for name, value in (("legal name", sender.shop_name), ("postal address", sender.postal_address)):
        if not value.strip() or not written(value, body):
            faults.append(f"the {part} part lacks the shop's {name}")
    return faults


def _header_faults(headers: Mapping[str, str]) -> list[str]:
    faults = []
    seen: set[str] = set()
    for name, value in headers.items():
        lower = name.lower()
        if not _HEADER_NAME.fullmatch(name):
            faults.append("a header's name is not of RFC 5322's characters")
        elif lower in RESERVED:
            faults.append(f"header {name} is written from the message's own fields")
        elif lower in seen:
            faults.append(f"header {name} stands twice")
        elif _CONTROL.search(value):
            faults.append(f"header {name} holds a control character, which could forge headers")
        seen.add(lower)
    return faults


def _address_faults(message: Message, sender: Sender) -> list[str]:
    faults = []
    for what, address in (("recipient", message.to), ("sender", message.sender), ("reply", message.reply_to)):
        if address is None:
            continue
        if not _ADDRESS.fullmatch(address) or _CONTROL.search(address):
            faults.append(f"the {what} address is not one plain address")
        elif not address.partition("@")[0].isascii():
            faults.append(f"the {what} address is not ASCII before the @: most mailbox providers refuse it")
    if message.sender.rpartition("@")[2].lower() != sender.domain.lower():
        faults.append("the sender's domain is not that of RAPPORT_MAIL_FROM")
    if message.sender_name and _CONTROL.search(message.sender_name):
        faults.append("the sender's name holds a control character, which could forge headers")
    return faults


def _language_faults(page: Page) -> list[str]:
    if not page.language:
        return ["<html> lacks lang: a screen reader would not know how to read the mail"]
    try:
        wanted = {Locale.parse(page.language.replace("-", "_")).text_direction}
    except (UnknownLocaleError, ValueError):
        wanted = {"ltr", "rtl"}
    if page.direction not in wanted:
        return [f'<html lang="{page.language}"> must say dir="{" or ".join(sorted(wanted))}"']
    return []


def _in_html(value: str, body: str) -> bool:
    # The template engine escapes slashes too; hand-written HTML has the usual escapes, or none.
    usual = escape(value)
    if usual.replace("/", "&#x2f;") in body or usual in body or value in body:
        return True
    return _flat(value) in _flat(unescape(body))


def _in_text(value: str, body: str) -> bool:
    return value in body or _flat(value) in _flat(body)


def _unfilled(text: str) -> bool:
    return "{{" in text or "{%" in text


def _flat(text: str) -> str:
    return _SPACE.sub(" ", text).strip()
