"""A message on the wire: what is written comes back whole, and nothing can begin a field of its own."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message as Parsed
from email.policy import default
from email.utils import getaddresses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.delivery.conformance import as_mime
from rapport.delivery.providers import Message
from rapport.delivery.wire import wire_faults
from rapport.errors import DataError

AT = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
LONG_URI = f"<https://mail.shop.example/u/{'a1' * 90}>"
HEADERS = {
    "List-Unsubscribe": LONG_URI,
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    "List-Id": "<marketing.shop.example>",
}
TEXTS = {
    "ascii": "Spring has come",
    "ascii-long": "words that go on and on " * 12 + "end",
    "ascii-without-space": "x" * 1200,
    "looks-encoded": "=?utf-8?q?Bcc=3A?= and more",
    "spaces": "two  spaces   three",
    "accents": "Größe für ü " * 12 + "e",
    "spaces-between-words": "ä word word " + "wörd " * 20 + "end",
    "emoji": "🌷" * 70,
    "family-emoji": "👩‍👩‍👧‍👦" * 30,
    "chinese": "春天来了" * 40,
    "arabic": "مرحبا بكم في متجرنا، " * 12 + "أهلا",
    "commas-and-quotes": 'Shop, "the best", of\\all (really) <cheap>; ' * 4 + "Ltd",
    "short-comma": "Müller, Söhne & Co.",
    "dot": "Test Shop Ltd.",
    "quotes": 'The "Shop" \\ Co',
}
BOUNDED = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=200)


def mail(**changed: Any) -> Message:
    values: dict[str, Any] = {
        "to": "zoe@post.example",
        "sender": "hello@shop.example",
        "sender_name": None,
        "reply_to": None,
        "subject": "Hello",
        "text": "Hello\n",
        "html": "<p>Hello</p>\n",
        "headers": HEADERS,
        "arguments": {"send_id": "0192-f3"},
        "category": "spring",
        "go": lambda: None,
    }
    return Message(**(values | changed))


def sent(**changed: Any) -> tuple[bytes, Parsed]:
    raw = as_mime(mail(**changed), AT)
    assert wire_faults(raw) == []
    return raw, message_from_bytes(raw)


def decoded(value: str) -> str:
    return str(make_header(decode_header(value.replace("\r\n", "").replace("\n", ""))))


def sender_of(parsed: Parsed) -> tuple[str, str]:
    """Exactly one: a comma that escaped its quotes would make more of it."""
    [(name, address)] = getaddresses([parsed["From"].replace("\r\n", "").replace("\n", "")])
    return decoded(name), address


@pytest.mark.parametrize("name", TEXTS)
def test_subject_and_names_come_back_as_they_were(name: str) -> None:
    text = TEXTS[name]
    _, parsed = sent(subject=text, sender_name=text)
    assert decoded(parsed["Subject"]) == text
    assert sender_of(parsed) == (text, "hello@shop.example")


@pytest.mark.parametrize("name", TEXTS)
def test_bodies_come_back_as_they_were_whatever_their_lines(name: str) -> None:
    body = f"{TEXTS[name]}\n.\nFrom here on\n\n{TEXTS[name] * 20}\n"
    raw, _ = sent(text=body, html=f"<p>{body}</p>\n")
    parsed = message_from_bytes(raw, policy=default)
    text, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    assert text.get_content().replace("\r\n", "\n") == body
    assert html.get_content().replace("\r\n", "\n") == f"<p>{body}</p>\n"
    assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/html"]


def test_a_long_unsubscribe_address_stays_one_word() -> None:
    raw, _ = sent()
    assert f"\r\nList-Unsubscribe: {LONG_URI}\r\n".encode() in raw


def test_every_field_stands_once_and_the_send_names_the_message() -> None:
    _, parsed = sent(reply_to="help@shop.example")
    assert parsed["Message-ID"] == "<0192-f3@shop.example>"
    assert parsed["Date"] == "Mon, 01 Mar 2027 09:00:00 +0000"
    assert parsed["Reply-To"] == "help@shop.example"
    assert len(set(map(str.lower, parsed.keys()))) == len(parsed.keys())


def test_line_ends_of_any_kind_become_crlf() -> None:
    raw, _ = sent(text="one\rtwo\nthree\r\nfour", html="<p>one\rtwo\n</p>")
    assert b"one\r\ntwo\r\nthree\r\nfour\r\n" in raw


def test_a_domain_of_other_letters_is_written_in_ascii() -> None:
    _, parsed = sent(to="zoe@köln.example")
    assert parsed["To"] == "zoe@xn--kln-sna.example"


@pytest.mark.parametrize("place", ["subject", "sender_name", "to", "sender", "reply_to", "header-name", "header-value"])
@pytest.mark.parametrize("control", ["\r\n", "\n", "\r", "\x00", "\x0b", "\x85", "\u2028"], ids=ascii)
def test_what_could_forge_a_field_is_refused(place: str, control: str) -> None:
    value = f"a{control}Bcc: all@shop.example"
    changed: dict[str, Any] = {place: value}
    if place in ("to", "sender", "reply_to"):
        changed = {place: f"a{control}b@shop.example"}
    elif place == "header-name":
        changed = {"headers": HEADERS | {value: "x"}}
    elif place == "header-value":
        changed = {"headers": HEADERS | {"X-Shop": value}}
    with pytest.raises(DataError):
        as_mime(mail(**changed))


@pytest.mark.parametrize(
    "changed",
    [
        {"to": "a@post.example,b@post.example"},
        {"to": "zoë@post.example"},
        {"to": "nobody"},
        {"headers": HEADERS | {"Subject": "another"}},
        {"headers": HEADERS | {"list-id": "<x.shop.example>"}},
        {"headers": HEADERS | {"Content-Type": "text/html"}},
        {"headers": HEADERS | {"List-Unsubscribe": "<https://shop.example/ü>"}},
        {"headers": HEADERS | {"List-Unsubscribe": f"<https://shop.example/{'a' * 1000}>"}},
        {"headers": HEADERS | {"X-Empty": ""}},
        {"subject": "half \ud83d"},
        {"text": "half \ud83d"},
        {"substitutions": {"-name-": "Zoë"}},
    ],
    ids=[
        *("two", "unencodable", "no-address", "own-field", "twice", "content"),
        *("unicode-uri", "endless-uri", "empty", "half", "half-body", "tokens"),
    ],
)
def test_what_cannot_be_written_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        as_mime(mail(**changed))


@settings(deadline=None)
@given(BOUNDED, BOUNDED)
def test_any_text_comes_back_whole_in_clean_words(subject: str, name: str) -> None:
    raw, parsed = sent(subject=subject or "x", sender_name=name)
    assert decoded(parsed["Subject"]) == subject
    shown, address = sender_of(parsed)
    assert (shown.strip(), address) == (name.strip(), "hello@shop.example")
    assert message_from_bytes(raw).defects == []


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_no_text_adds_a_field(subject: str, name: str, value: str) -> None:
    try:
        raw = as_mime(mail(subject=subject, sender_name=name, headers=HEADERS | {"X-Shop": value}), AT)
    except DataError:
        return
    assert wire_faults(raw) == []
    assert message_from_bytes(raw).keys() == [
        *("From", "To", "Subject", "Date", "Message-ID", *HEADERS, "X-Shop", "MIME-Version", "Content-Type")
    ]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ((b"Subject: Hello\r\n", b"Subject: Hello\n"), "bare"),
        ((b"Subject: Hello", b"Subject: Hall\xc3\xb6"), "not printable ASCII"),
        ((b"Subject: Hello\r\n", b"Subject: Hello\r\nSubject: Hello\r\n"), "subject stands 2 times"),
        ((b"Subject: Hello\r\n", b""), "subject is missing"),
        ((b"Subject: Hello", b"Subject: " + b"a" * 1000), "octets"),
        ((b"Subject: Hello", b"Subject: =?utf-8?b?8J+M?=\r\n =?utf-8?b?tw==?="), "does not decode alone"),
        ((b"Subject: Hello", b"Subject: =?utf-8?q?" + b"a" * 70 + b"?="), "longer than 75"),
        ((b"<marketing.shop.example>", b"=?utf-8?q?=3Cmarketing=2Eshop=2Eexample=3E?="), "nobody decodes"),
        ((b"Subject: Hello", b"Subject: Hello\r\n "), "without text"),
        ((b"<p>Hello</p>", b"<p>" + b"a" * 90 + b"</p>"), "line longer than 78"),
        ((b"<p>Hello</p>", b"<p>\x00</p>"), "NUL"),
    ],
    ids=[
        *("bare", "eight-bit", "twice", "missing", "endless"),
        *("split-character", "long-word", "encoded-list", "blank-fold", "long-line", "nul"),
    ],
)
def test_the_checker_sees_what_is_wrong(change: tuple[bytes, bytes], told: str) -> None:
    raw = as_mime(mail(), AT)
    assert change[0] in raw
    assert told in "; ".join(wire_faults(raw.replace(*change, 1)))
