"""Rendering: nothing half-filled, forged or unlawful leaves."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rapport.campaigns.folder.definition import load_campaign
from rapport.campaigns.mail import content
from rapport.campaigns.mail.fields import SAMPLE_CONTEXT
from rapport.campaigns.mail.preview import preview
from rapport.errors import PermanentError
from rapport.settings import Settings

Edit = Callable[..., Path]
CHECKOUT = Path(__file__).resolve().parents[3]
BODY = "Write here what you have to say."


def rendered(folder: Path, shop: Settings, **context: Any) -> content.RenderedMessage:
    return preview(load_campaign(folder, shop), shop, context)


def test_names_are_escaped_in_html_only(spring: Edit, shop: Settings) -> None:
    message = rendered(spring(), shop, first_name="<b>Zoë</b>")
    assert "Hello &lt;b&gt;Zoë" in message.html
    assert "<b>Zo" not in message.html
    assert "Hello <b>Zoë</b>," in message.text
    assert message.subject == "<b>Zoë</b>, a note from Müller & Sons Ltd"


@pytest.mark.parametrize("absent", [None, "", "  "])
def test_a_stated_fallback_stands_in_for_a_missing_field(spring: Edit, shop: Settings, absent: str | None) -> None:
    message = rendered(spring(), shop, first_name=absent)
    assert "Hello there," in message.html
    assert message.subject.startswith("Hello, a note")


@pytest.mark.parametrize("absent", [None, "", "  "])
@pytest.mark.parametrize(
    "tag",
    [
        "{{ first_name }}",
        "{{ 'Dear ' ~ first_name }}",
        "{{ first_name|upper }}",
        "{{ first_name|title|trim }}",
        "{{ [first_name]|join(' ') }}",
        "{% set n = first_name %}{{ n }}",
    ],
)
def test_a_missing_field_never_prints_as_nothing(spring: Edit, shop: Settings, tag: str, absent: str | None) -> None:
    folder = spring(BODY, tag, "body.txt")
    assert "Amélie".lower() in rendered(folder, shop).text.lower()
    with pytest.raises(content.MissingFieldError, match="state a fallback"):
        rendered(folder, shop, first_name=absent)


@pytest.mark.parametrize("tag", ["{{ revenue }}", "{{ revenue|money }}", "{{ last_order_at|date }}"])
def test_a_missing_number_or_date_stops_the_message(spring: Edit, shop: Settings, tag: str) -> None:
    folder = spring(BODY, tag, "body.txt")
    with pytest.raises(content.MissingFieldError):
        rendered(folder, shop, revenue=None, last_order_at=None)


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\r", "\u2028"])
def test_a_line_break_in_a_name_cannot_forge_a_header(spring: Edit, shop: Settings, break_: str) -> None:
    with pytest.raises(content.ContentError, match="line break"):
        rendered(spring(), shop, first_name=f"Joe{break_}Bcc: x@example.com")


def test_endless_work_is_cut_off(spring: Edit, shop: Settings) -> None:
    tag = "{% for i in range(900) %}{% for j in range(900) %}x{% endfor %}{% endfor %}"
    with pytest.raises(PermanentError, match="too much work"):
        load_campaign(spring(BODY, tag, "body.txt"), shop)


@pytest.mark.parametrize("tag", ["{% include '/etc/passwd' %}", "{{ first_name.__class__ }}"])
def test_a_template_reaches_nothing_outside(spring: Edit, shop: Settings, tag: str) -> None:
    with pytest.raises(PermanentError):
        load_campaign(spring(BODY, tag, "body.txt"), shop)


@pytest.mark.parametrize(
    ("locale", "money", "date"),
    [
        ("en-GB", "£1,234.50", "14 March 2026"),
        ("de-DE", "1.234,50\xa0£", "14. März 2026"),
        ("zz", "£1,234.50", "March 14, 2026"),
    ],
)
def test_money_and_dates_follow_the_readers_locale(
    spring: Edit, shop: Settings, locale: str, money: str, date: str
) -> None:
    folder = spring(BODY, "{{ revenue|money }} / {{ last_order_at|date }}", "body.txt")
    assert f"{money} / {date}" in rendered(folder, shop, locale=locale, revenue=1234.5).text
    assert content.compile_campaign(load_campaign(folder, shop))[0].fields >= {"locale", "currency_code", "time_zone"}


def test_a_date_is_the_readers_own_day(spring: Edit, shop: Settings) -> None:
    folder = spring(BODY, "{{ last_order_at|date }}", "body.txt")
    late = {"last_order_at": "2026-03-14T20:00:00+00:00", "locale": "en-GB"}
    assert "15 March" in rendered(folder, shop, **late, time_zone="Asia/Tokyo").text
    assert "14 March" in rendered(folder, shop, **late, time_zone="Europe/London").text


def test_the_shops_links_carry_the_campaigns_marks(spring: Edit, shop: Settings) -> None:
    message = rendered(spring(BODY, "{{ shop_url|page('sale') }}", "body.txt"), shop)
    assert "https://shop.example/sale?utm_source=rapport&utm_medium=email&utm_campaign=spring" in message.text


def test_right_to_left_mail_is_right_to_left_throughout(shop: Settings) -> None:
    campaign = load_campaign(CHECKOUT / "campaigns" / "win_back", shop)
    arabic = preview(campaign, shop, language="ar")
    assert '<html lang="ar" dir="rtl"' in arabic.html
    assert "direction:ltr" not in arabic.html
    assert "text-align:left" not in arabic.html
    assert '<html lang="uk" dir="ltr"' in preview(campaign, shop, language="uk").html


@pytest.mark.parametrize(
    ("language", "chosen"), [("ar", "ar"), ("ar-EG", "ar"), ("UK", "uk"), ("fr", "en"), (None, "en"), ("", "en")]
)
def test_a_reader_gets_their_language_or_the_default(shop: Settings, language: str | None, chosen: str) -> None:
    campaign = load_campaign(CHECKOUT / "campaigns" / "win_back", shop)
    assert content.choose(content.compile_campaign(campaign), language).language == chosen


def test_a_plain_html_body_gets_language_and_preheader(spring: Edit, shop: Settings) -> None:
    folder = spring()
    (folder / "body.mjml").unlink()
    footer = "<p>{{ shop_name }}<br>{{ shop_postal_address }}<br><a href='{{ unsubscribe_url }}'>Stop</a></p>"
    (folder / "body.html").write_text(f"<html><head></head><body>Hi {footer}</body></html>")
    html = rendered(folder, shop).html
    assert html.startswith('<html lang="en" dir="ltr">')
    assert "Something we think you will like." in html


def test_the_version_follows_the_content(spring: Edit, shop: Settings) -> None:
    first = content.compile_campaign(load_campaign(spring(), shop))[0]
    again = content.compile_campaign(load_campaign(spring(), shop))[0]
    changed = content.compile_campaign(load_campaign(spring(BODY, "Other words.", "body.txt"), shop))[0]
    assert first.template_version == again.template_version != changed.template_version


def test_a_stored_row_renders_like_the_template(spring: Edit, shop: Settings) -> None:
    template = content.compile_campaign(load_campaign(spring(), shop))[0]
    links = content.standard_links(shop, "https://x.example/u/1")
    row = {**vars(template), "created_at": "ignored"}
    context = {name: SAMPLE_CONTEXT[name] for name in template.fields}
    assert content.render(row, context, links) == content.render(template, context, links)


def test_no_mail_without_the_shops_address(shop: Settings) -> None:
    with pytest.raises(PermanentError, match="RAPPORT_SHOP_POSTAL_ADDRESS"):
        content.standard_links(shop.model_copy(update={"shop_postal_address": ""}), "https://x.example/u/1")
