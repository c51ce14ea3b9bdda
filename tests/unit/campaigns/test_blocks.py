"""Ready parts of a mail: the same in MJML and text, in every language, and never half-filled."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rapport.campaigns.folder.definition import load_campaign
from rapport.campaigns.folder.problems import CampaignError
from rapport.campaigns.mail import blocks, templating
from rapport.campaigns.mail.block_words import WORDS
from rapport.campaigns.mail.content import MissingFieldError, RenderedMessage, compile_campaign
from rapport.campaigns.mail.fields import SAMPLE_CONTEXT, SAMPLE_COUPON
from rapport.campaigns.mail.preview import preview
from rapport.settings import Settings

Edit = Callable[..., Path]
BODY = "Write here what you have to say."
UTM = "utm_source=rapport&utm_medium=email&utm_campaign=spring"
NEEDED = {
    "cart": "cart",
    "viewed": "viewed_products",
    "recommendations": "recommended_products",
    "purchases": "purchased_products",
    "points": "loyalty_points",
}


def filled(name: str, language: str, *, html: bool, **context: Any) -> str:
    source = blocks.expand("{{ blocks." + name + " }}", language, UTM, html=html)
    given = {**SAMPLE_CONTEXT, "shop_url": "https://shop.example", "locale": None, "coupon": SAMPLE_COUPON, **context}
    values = templating.template_values(given, {}, language)
    return templating.render_source(source, "block.html" if html else "block.txt", values)


@pytest.fixture
def both(spring: Edit, shop: Settings) -> Callable[..., RenderedMessage]:
    def render(tag: str, **context: Any) -> RenderedMessage:
        folder = spring(BODY, tag, "body.mjml")
        spring(BODY, tag, "body.txt")
        return preview(load_campaign(folder, shop), shop, context)

    return render


@pytest.mark.parametrize("html", [True, False], ids=["html", "text"])
@pytest.mark.parametrize("language", sorted(WORDS))
@pytest.mark.parametrize("name", list(blocks.BLOCKS))
def test_every_block_speaks_every_language(name: str, language: str, html: bool) -> None:
    text = filled(name, language, html=html)
    assert text.strip()
    assert not any(mark in text for mark in ("{{", "{%", "NAME", "CODE", "DAY", "POINTS"))


def test_right_to_left_blocks_are_set_so() -> None:
    assert 'dir="rtl"' in filled("cart", "ar", html=True)
    assert "text-align:left" not in filled("cart", "he", html=True)
    assert 'dir="ltr"' in filled("cart", "de", html=True)


def test_a_cart_is_shown_in_both_bodies(both: Callable[..., RenderedMessage]) -> None:
    message = both("{{ blocks.cart }}")
    for body in (message.html, message.text):
        assert "Oven glove" in body
        assert "£17.00" in body
        assert "utm_campaign" in body
    assert 'alt="Oven glove"' in message.html


@pytest.mark.parametrize(("name", "field"), list(NEEDED.items()))
@pytest.mark.parametrize("absent", [None, []], ids=["null", "empty"])
def test_without_what_it_shows_the_message_is_not_sent(name: str, field: str, absent: Any) -> None:
    with pytest.raises(MissingFieldError) as caught:
        filled(name, "en", html=True, **{field: absent})
    assert caught.value.field == field


def test_a_condition_leaves_a_block_out(both: Callable[..., RenderedMessage]) -> None:
    message = both("{% if cart %}{{ blocks.cart }}{% else %}Nothing in the cart{% endif %}", cart=None)
    assert "Nothing in the cart" in message.text
    assert "Your cart" not in message.html


def test_a_name_has_a_fallback() -> None:
    assert filled("greeting", "en", html=False) == "Hello Amélie,"
    assert filled("greeting", "en", html=False, first_name=None) == "Hello,"


@pytest.mark.parametrize("absent", ["url", "image_url", "price"])
def test_what_a_product_lacks_is_left_out(absent: str) -> None:
    item = {**SAMPLE_CONTEXT["viewed_products"][0], absent: None}
    html = filled("viewed", "en", html=True, viewed_products=[item])
    assert "Table runner" in html
    assert {"url": "<a ", "image_url": "<img", "price": "£"}[absent] not in html


def test_a_product_without_a_title_stops_the_message() -> None:
    item = {**SAMPLE_CONTEXT["viewed_products"][0], "title": None}
    with pytest.raises(MissingFieldError):
        filled("viewed", "en", html=True, viewed_products=[item])


def test_a_products_words_and_addresses_stay_words() -> None:
    item = {**SAMPLE_CONTEXT["viewed_products"][0], "title": "<b>Bold</b>", "url": 'https://shop.example/"onclick="x'}
    html = filled("viewed", "en", html=True, viewed_products=[item])
    assert "<b>" not in html
    assert '"onclick' not in html


def test_an_address_that_is_none_of_the_web_stops_the_message() -> None:
    item = {**SAMPLE_CONTEXT["viewed_products"][0], "url": "javascript:alert(1)"}
    with pytest.raises(MissingFieldError):
        filled("viewed", "en", html=True, viewed_products=[item])


def test_an_unknown_block_is_told_with_its_line(spring: Edit, shop: Settings) -> None:
    with pytest.raises(CampaignError, match=r"body.txt:\d+: there is no block 'card'. Blocks: greeting, cart"):
        load_campaign(spring(BODY, "{{ blocks.card }}", "body.txt"), shop)


def test_a_stored_version_holds_its_blocks(spring: Edit, shop: Settings) -> None:
    (template,) = compile_campaign(load_campaign(spring(BODY, "{{ blocks.cart }}", "body.mjml"), shop))
    assert "blocks." not in template.html
    assert "cart" in template.fields


def test_a_coupon_needs_its_block_in_the_definition(spring: Edit, shop: Settings) -> None:
    folder = spring(BODY, "{{ blocks.coupon }}", "body.txt")
    with pytest.raises(CampaignError, match="coupon"):
        load_campaign(folder, shop)
    spring("segment:", "coupon: { name: spring10, valid_for: 14d }\nsegment:")
    campaign = load_campaign(folder, shop)
    (template,) = compile_campaign(campaign)
    assert (template.coupon, template.coupon_valid_seconds) == ("spring10", 14 * 86_400)
    assert "SAMPLE-7K2M" in preview(campaign, shop).text


def test_a_coupon_that_nobody_would_read_is_refused(spring: Edit, shop: Settings) -> None:
    with pytest.raises(CampaignError, match="no body prints the code"):
        load_campaign(spring("segment:", "coupon: { name: spring10, valid_for: 14d }\nsegment:"), shop)
