"""What may not leave, and that what may is let through."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.campaigns.folder.definition import load_campaign
from rapport.campaigns.mail import content
from rapport.campaigns.mail.fields import SAMPLE_CONTEXT
from rapport.delivery.conformance import Conformance, NotConformantError, Sender, message_faults, template_faults
from rapport.delivery.providers import Message
from rapport.settings import CHECKOUT

WAY_OUT = "https://mail.shop.example/u/8f3a.c2VuZA.0123456789abcdef"
SENDER = Sender("shop.example", "Müller & Sons Ltd", "1 O'Hara Street, Sampleton")
FOOTER = f"<p>Müller &amp; Sons Ltd, 1 O'Hara Street, Sampleton <a href='{WAY_OUT}'>Unsubscribe</a></p>"
PAGE = '<!doctype html><html lang="en" dir="ltr"><head><title>x</title></head><body><p>Hello Zoë</p>{}</body></html>'
TEXT = f"Hello Zoë\n\nMüller & Sons Ltd, 1 O'Hara Street, Sampleton\nUnsubscribe: {WAY_OUT}\n"
HEADERS = {
    "List-Unsubscribe": f"<{WAY_OUT}>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    "List-Id": "<marketing.shop.example>",
}
CONTROLS = [*map(chr, range(32)), *map(chr, range(0x7F, 0xA0)), "\u2028", "\u2029", "\ud83d"]


def mail(**changed: Any) -> Message:
    values: dict[str, Any] = {
        "to": "zoe@post.example",
        "sender": "hello@shop.example",
        "sender_name": "Müller & Sons",
        "reply_to": "help@shop.example",
        "subject": "Ein Gruß, Zoë 🌷",
        "text": TEXT,
        "html": PAGE.format(FOOTER),
        "headers": HEADERS,
        "arguments": {"send_id": "0192"},
        "category": "spring",
        "go": lambda: None,
    }
    return Message(**(values | changed))


def header(name: str, value: str | None) -> dict[str, str]:
    headers = dict(HEADERS)
    headers.pop(name, None)
    return headers if value is None else headers | {name: value}


def faults(message: Message) -> str:
    return "; ".join(message_faults(message, SENDER) + template_faults(message, SENDER))


def test_a_proper_mail_has_no_fault() -> None:
    assert faults(mail()) == ""


def test_every_language_of_the_campaign_that_ships_conforms() -> None:
    links = {
        "shop_url": "https://shop.example",
        "shop_name": SENDER.shop_name,
        "shop_postal_address": SENDER.postal_address,
        "unsubscribe_url": WAY_OUT,
        "preferences_url": WAY_OUT,
    }
    templates = content.compile_campaign(load_campaign(CHECKOUT / "campaigns" / "win_back"))
    assert {template.language for template in templates} == {"en", "ar", "uk"}
    for template in templates:
        seen = content.render(template, SAMPLE_CONTEXT, links)
        assert faults(mail(subject=seen.subject, text=seen.text, html=seen.html)) == "", template.language


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        WAY_OUT,
        "<http://mail.shop.example/u/x>",
        "<ftp://mail.shop.example/u/x>",
        "<mailto:out@shop.example>",
        f"<{WAY_OUT}>, <https://mail.shop.example/u/other>",
        f"<{WAY_OUT}> or not",
        "<https://mail.shop.example/u/ x>",
        "<https://mail.shop.example/ü>",
        f"<{WAY_OUT}>\r\nBcc: all@shop.example",
    ],
    ids=["none", "empty", "bare", "http", "ftp", "mailto", "two", "comment", "space", "not-ascii", "injected"],
)
def test_the_unsubscribe_header_is_one_https_address_in_brackets(value: str | None) -> None:
    assert "List-Unsubscribe must be" in faults(mail(headers=header("List-Unsubscribe", value)))


@pytest.mark.parametrize("host", ["127.0.0.1:8090", "[::1]:8090", "gateway:8090"], ids=["v4", "v6", "container"])
def test_an_installation_without_a_public_address_may_link_to_itself(host: str) -> None:
    way_out = f"http://{host}/u/token"
    local = mail(
        headers=header("List-Unsubscribe", f"<{way_out}>"),
        html=PAGE.format(FOOTER.replace(WAY_OUT, way_out)),
        text=TEXT.replace(WAY_OUT, way_out),
    )
    assert faults(local) == ""


def test_a_mail_address_may_stand_beside_the_one_click_address() -> None:
    assert faults(mail(headers=header("List-Unsubscribe", f"<{WAY_OUT}>, <mailto:out@shop.example>"))) == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("List-Unsubscribe-Post", None),
        ("List-Unsubscribe-Post", "List-Unsubscribe=one-click"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click "),
        ("List-Id", None),
        ("List-Id", "marketing.shop.example"),
        ("List-Id", "<marketing>"),
        ("List-Id", "<spring sale.shop.example>"),
        ("List-Id", f"<{'a' * 250}.example>"),
        ("list-id", "<marketing.shop.example>"),
        ("X-Shop\r\nBcc", "a@b.example"),
        ("X Shop", "a"),
        ("X-Shop:", "a"),
        ("", "a"),
        ("Subject", "Another"),
        ("bcc", "a@b.example"),
        ("Content-Type", "text/html"),
    ],
)
def test_headers_that_break_a_rule(name: str, value: str | None) -> None:
    assert faults(mail(headers=header(name, value)))


@pytest.mark.parametrize("control", CONTROLS, ids=[f"u{ord(control):04x}" for control in CONTROLS])
def test_no_control_character_reaches_a_header(control: str) -> None:
    value = f"a{control}b"
    assert "control" in faults(mail(subject=value))
    assert "control" in faults(mail(sender_name=value))
    assert "control" in faults(mail(headers=header("X-Shop", value)))
    assert "recipient address" in faults(mail(to=f"{value}@post.example"))
    assert "reply address" in faults(mail(reply_to=f"{value}@post.example"))
    assert "sender address" in faults(mail(sender=f"{value}@shop.example"))


@settings(deadline=None)
@given(st.text(max_size=40), st.sampled_from(["\r\n", "\r", "\n"]), st.text(max_size=40))
def test_no_line_break_passes_wherever_it_stands(before: str, line_break: str, after: str) -> None:
    value = before + line_break + after
    for changed in ({"subject": value}, {"sender_name": value}, {"to": value}, {"headers": header("X-Shop", value)}):
        assert message_faults(mail(**changed), SENDER)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "zoe",
        "@post.example",
        "zoe@",
        "a@b@post.example",
        "a@post.example,b@post.example",
        "a@post.example b@post.example",
        "Zoe <zoe@post.example>",
        '"zoe b"@post.example',
        "zoë@post.example",
    ],
)
def test_a_recipient_is_one_plain_address(address: str) -> None:
    assert "recipient address" in faults(mail(to=address))


def test_the_sender_writes_from_the_domain_that_was_set() -> None:
    assert "RAPPORT_MAIL_FROM" in faults(mail(sender="hello@other.example"))
    assert "RAPPORT_MAIL_FROM" in faults(mail(sender="hello@sub.shop.example"))
    assert faults(mail(sender="hello@SHOP.example")) == ""


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"subject": "  "}, "subject is empty"),
        ({"subject": "Hello {{ first_name }}"}, "braces"),
        ({"text": " \n"}, "text part is empty"),
        ({"text": TEXT + "{% if x %}"}, "braces"),
        ({"text": TEXT + "\x00"}, "NUL"),
        ({"text": TEXT.replace(WAY_OUT, "")}, "text part lacks the unsubscribe link"),
        ({"text": TEXT.replace("Sons Ltd", "Sons")}, "text part lacks the shop's legal name"),
        ({"text": TEXT.replace("O'Hara", "Elm")}, "text part lacks the shop's postal address"),
        ({"html": PAGE.format(FOOTER.replace(WAY_OUT, "#"))}, "HTML part lacks the unsubscribe link"),
        ({"html": PAGE.format(FOOTER.replace("Sons Ltd", "Sons"))}, "HTML part lacks the shop's legal name"),
        ({"html": PAGE.format(FOOTER.replace("O'Hara", "Elm"))}, "HTML part lacks the shop's postal address"),
        ({"html": PAGE.format(FOOTER + "{{ first_name }}")}, "braces"),
        ({"html": PAGE.format(FOOTER + "x" * 102 * 1024)}, "Gmail"),
        ({"html": PAGE.format(FOOTER + "€" * 35_000)}, "Gmail"),
        ({"html": PAGE.format(FOOTER).replace(' lang="en"', "")}, "lacks lang"),
        ({"html": PAGE.format(FOOTER).replace(' dir="ltr"', "")}, 'dir="ltr"'),
        ({"html": PAGE.format(FOOTER).replace('lang="en"', 'lang="ar"')}, 'dir="rtl"'),
        ({"html": PAGE.format(FOOTER).replace('lang="en"', 'lang="ps"')}, 'dir="rtl"'),
        ({"html": PAGE.format(FOOTER).replace('dir="ltr"', 'dir="rtl"')}, 'dir="ltr"'),
    ],
    ids=lambda value: value.replace(" ", "-").replace('"', "") if isinstance(value, str) else None,
)
def test_what_is_missing_or_wrong_is_said(changed: dict[str, Any], told: str) -> None:
    assert told in faults(mail(**changed))


def test_the_largest_mail_that_gmail_shows_whole_passes() -> None:
    page = PAGE.format(FOOTER)
    assert faults(mail(html=page + " " * (102 * 1024 - len(page.encode())))) == ""
    assert "Gmail" in faults(mail(html=page + " " * (102 * 1024 - len(page.encode()) + 1)))


def test_a_hidden_footer_is_no_footer() -> None:
    hidden = mail(html=PAGE.format(f'<div style="display:none">{FOOTER}</div>'))
    assert message_faults(hidden, SENDER) == []
    told = "; ".join(template_faults(hidden, SENDER))
    assert "legal name is in the HTML but nobody sees it" in told
    assert "postal address is in the HTML but nobody sees it" in told
    assert "no visible link" in told


def test_a_link_without_text_is_no_way_out() -> None:
    empty = FOOTER.replace(">Unsubscribe<", "> <")
    assert "no visible link" in "; ".join(template_faults(mail(html=PAGE.format(empty)), SENDER))


def test_a_shop_without_name_or_address_sends_nothing() -> None:
    assert "legal name" in "; ".join(message_faults(mail(), replace(SENDER, shop_name="")))
    assert "postal address" in "; ".join(message_faults(mail(), replace(SENDER, postal_address=" ")))


def test_tokens_of_a_batch_are_read_as_the_person_gets_them() -> None:
    batch = mail(
        subject="Hello -name-",
        text=TEXT.replace(WAY_OUT, "-out-"),
        html=PAGE.format(FOOTER.replace(WAY_OUT, "-out-")),
        substitutions={"-out-": WAY_OUT, "-name-": "Zoë"},
    )
    assert faults(batch) == ""
    assert "control" in faults(replace(batch, substitutions={"-out-": WAY_OUT, "-name-": "Zoë\r\nBcc: x"}))
    assert "unsubscribe link" in faults(replace(batch, substitutions={"-name-": "Zoë"}))


def test_the_page_of_a_version_is_read_once_and_every_message_is_checked() -> None:
    conformance = Conformance(SENDER)
    conformance.check(mail(), "v1")
    hidden = mail(html=PAGE.format(f"<!-- {FOOTER} -->"))
    conformance.check(hidden, "v1")
    with pytest.raises(NotConformantError, match="nobody sees it"):
        conformance.check(hidden, "v2")
    with pytest.raises(NotConformantError, match="control character"):
        conformance.check(mail(subject="a\nb"), "v1")


def test_one_odd_message_does_not_condemn_its_version() -> None:
    conformance = Conformance(SENDER)
    with pytest.raises(NotConformantError):
        conformance.check(mail(html=PAGE.format(f"<div hidden>{FOOTER}</div>")), "v1")
    conformance.check(mail(), "v1")


def test_faults_quote_no_text_of_the_mail() -> None:
    secret = mail(to="zoe\n@post.example", subject="\x01Zoë", sender_name="Zoë\n", headers=header("X-A", "Zoë\n"))
    told = faults(secret)
    assert told
    assert "zoe" not in told.lower()
    assert "zoë" not in told.lower()
