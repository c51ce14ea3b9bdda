"""What a reader sees of a page, and what only seems to be there."""

from collections.abc import Callable

import pytest

from rapport.delivery.visible import read_page

WAY_OUT = "https://mail.shop.example/u/token"
SHOP = "Müller & Sons Ltd, 1 O'Hara Street, Sampleton"
FOOTER = f"<p>Müller &amp; Sons Ltd, 1 O'Hara Street, Sampleton <a href='{WAY_OUT}'>Unsubscribe</a></p>"
PAGE = '<!doctype html><html lang="en" dir="LTR"><head><title>x</title></head><body><p>Hello Zoë</p>{}</body></html>'


@pytest.mark.parametrize(
    "hide",
    [
        lambda footer: f"<!-- {footer} -->",
        lambda footer: f'<div style="display:none">{footer}</div>',
        lambda footer: f'<div style="color:red;DISPLAY : none"><br><img src="x">{footer}</div>',
        lambda footer: f"<div hidden>{footer}</div>",
        lambda footer: f'<div style="visibility:hidden">{footer}</div>',
        lambda footer: f'<div style="opacity:0.0">{footer}</div>',
        lambda footer: f'<div style="font-size:0px"><span>{footer}</span></div>',
        lambda footer: f'<div style="max-height:0;overflow:hidden">{footer}</div>',
        lambda footer: f"<style>{footer}</style>",
        lambda footer: f"<script>{footer}</script>",
        lambda footer: f"<template>{footer}</template>",
        lambda footer: f"<!--[if mso]>{footer}<![endif]-->",
    ],
    ids=[
        *("comment", "none", "none-spaced", "attribute", "visibility", "opacity"),
        *("no-size", "clipped", "style", "script", "template", "outlook"),
    ],
)
def test_what_is_hidden_is_not_seen(hide: Callable[[str], str]) -> None:
    page = read_page(PAGE.format(hide(FOOTER)))
    assert page.text == "Hello Zoë"
    assert page.links == frozenset()


@pytest.mark.parametrize(
    "show",
    [
        lambda footer: f'<td style="font-size:0px"><div style="font-size:13px">{footer}</div></td>',
        lambda footer: f'<div style="display:none">Preheader</div>{footer}',
        lambda footer: f"<!--[if !mso]><!-->{footer}<!--<![endif]-->",
        lambda footer: footer.replace("O'Hara", "O&#x27;<b>Hara</b>").replace("Sons Ltd", "Sons\n   Ltd"),
        lambda footer: footer.replace("Street, ", "Street,<br>") + "<!-- 1 O'Hara Street, Sampleton -->",
        lambda footer: footer.replace(">Unsubscribe<", '><img src="x" alt="Unsubscribe"><'),
        lambda footer: footer.replace("https://mail.shop", "https:&#x2f;&#x2f;mail.shop"),
        lambda footer: f'<div style="line-height:0;min-width:0;overflow:hidden;opacity:0.6">{footer}</div>',
    ],
    ids=[
        *("size-undone", "preheader", "not-outlook", "broken-lines"),
        *("line-break", "picture", "escaped", "harmless-style"),
    ],
)
def test_what_can_be_seen_is_found(show: Callable[[str], str]) -> None:
    page = read_page(PAGE.format(show(FOOTER)))
    assert SHOP in page.text
    assert page.links == {WAY_OUT}


def test_a_hidden_picture_is_no_link() -> None:
    picture = f'<div hidden><a href="{WAY_OUT}"><img src="x" alt="Unsubscribe"></a></div>'
    assert read_page(PAGE.format(picture)).links == frozenset()


def test_language_and_direction_are_those_of_the_page() -> None:
    page = read_page(PAGE.format('<html lang="ar" dir="rtl">'))
    assert (page.language, page.direction) == ("en", "ltr")
    assert read_page("<p>fragment</p>").language == ""


@pytest.mark.parametrize(
    "broken",
    ["<", "<a href=", "</p></p></html>", "<p <b>", "&#x110000;", "<!-- ", "<![if", "<a" * 2000, "\x00", "<p>" * 5000],
    ids=["open", "half-tag", "ends", "tag-in-tag", "no-character", "comment", "marked", "nested", "nul", "deep"],
)
def test_broken_markup_is_read_without_an_error(broken: str) -> None:
    assert read_page(PAGE.format(broken)).language == "en"
