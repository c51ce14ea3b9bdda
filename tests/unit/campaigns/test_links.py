"""Every link of a mail that leads to the shop carries the campaign's marks, and no other link does."""

from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from rapport.campaigns.folder.definition import Flow, load_campaign
from rapport.campaigns.lifecycle.triggers import SAMPLES
from rapport.campaigns.mail import links, templating
from rapport.campaigns.mail.content import RenderedMessage
from rapport.campaigns.mail.preview import preview
from rapport.settings import CHECKOUT, Settings

Edit = Callable[..., Path]
BODY = "Write here what you have to say."
QUERY = "utm_source=rapport&utm_medium=email&utm_campaign=spring"
SHOP = "https://shop.example"
EXAMPLES = sorted(file.parent.name for file in (CHECKOUT / "campaigns" / "examples").glob("*/campaign.yml"))


def rendered(source: str, *, html: bool, shop_url: str = SHOP, **context: Any) -> str:
    values = {"shop_url": shop_url, "unsubscribe_url": f"{SHOP}/u/token", **context}
    return templating.render_source(links.mark(source, QUERY, html=html), "m.html" if html else "m.txt", values)


def href(address: str, **context: Any) -> str:
    text = rendered(f'<a class="b" href="{address}">x</a>', html=True, **context)
    return unescape(text.partition('href="')[2].partition('"')[0])


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        pytest.param(f"{SHOP}/mug", f"{SHOP}/mug?{QUERY}", id="plain"),
        pytest.param(SHOP, f"{SHOP}/?{QUERY}", id="home"),
        pytest.param(
            f"{SHOP}/mug?v=1&w=a%20b;c&flag#top", f"{SHOP}/mug?v=1&w=a%20b;c&flag&{QUERY}#top", id="asks-already"
        ),
        pytest.param("https://WWW.shop.example/mug", f"https://WWW.shop.example/mug?{QUERY}", id="www"),
        pytest.param(
            f"{SHOP}/mug?utm_source=partner",
            f"{SHOP}/mug?utm_source=partner&utm_medium=email&utm_campaign=spring",
            id="marked-by-hand",
        ),
        pytest.param("https://shop.example.evil.example/mug", None, id="foreign"),
        pytest.param("https://other.example/?to=https://shop.example/", None, id="foreign-with-ours-in-it"),
        pytest.param("https://blog.shop.example/mug", None, id="another-host"),
        pytest.param("https://[::1", None, id="broken"),
    ],
)
def test_the_shops_own_addresses_are_marked_and_keep_what_they_ask_for(address: str, asked: str | None) -> None:
    assert href("{{ product.url|web }}", product={"url": address}) == (asked or address)
    assert rendered("See {{ product.url|web }}.", html=False, product={"url": address}) == f"See {asked or address}."
    if "[" not in address:
        assert href(address.replace("&", "&amp;")) == (asked or address)
        assert rendered(f"See {address}. Then (or {address})", html=False) == (
            f"See {asked or address}. Then (or {asked or address})"
        )


def test_the_shop_may_be_anywhere() -> None:
    assert href("{{ shop_url }}/mug", shop_url="http://127.0.0.1:8080") == "http://127.0.0.1:8080/mug", "put together"
    assert href("http://127.0.0.1:8080/mug", shop_url="http://127.0.0.1:8080").endswith(f"/mug?{QUERY}")


@pytest.mark.parametrize(
    "source",
    [
        pytest.param('<a href="{{ unsubscribe_url }}">x</a>', id="signed"),
        pytest.param('<a href="{{ product.url|escape }}">x</a>', id="escaped-by-hand"),
        pytest.param('<img src="{{ product.url|web }}">', id="picture"),
        pytest.param('<link rel="stylesheet" href="https://shop.example/a.css">', id="style"),
        pytest.param('<a href="mailto:us@shop.example">x</a>', id="mail"),
        pytest.param('{% raw %}<a href="https://shop.example/">x</a>{% endraw %}', id="raw"),
        pytest.param("""<p>https://shop.example/ is no link</p>""", id="words"),
    ],
)
def test_what_is_no_link_to_a_page_stays_as_it_is(source: str) -> None:
    text = unescape(rendered(source, html=True, product={"url": f"{SHOP}/mug"}))
    assert "utm_" not in text
    assert text.count("https://shop.example") <= 1


def test_what_is_missing_stays_missing() -> None:
    with pytest.raises(templating.MissingFieldError):
        href("{{ product.url|web }}", product={"url": None})
    with pytest.raises(templating.MissingFieldError):
        href("{{ product.url|web }}", product={"url": "javascript:alert(1)"})


def test_a_loop_and_a_condition_are_marked_within() -> None:
    items = [{"url": f"{SHOP}/{n}"} for n in range(3)]
    source = '{% for item in items %}{% if item.url %}<a href="{{ item.url|web }}">x</a>{% endif %}{% endfor %}'
    assert rendered(source, html=True, items=items).count("utm_campaign") == 3


@pytest.mark.parametrize("ending", ["mjml", "txt"])
def test_links_that_a_marketer_writes_are_marked_in_both_bodies(spring: Edit, shop: Settings, ending: str) -> None:
    written = (
        "https://shop.example/sale?a=1#now"
        if ending == "txt"
        else '<a href="https://shop.example/sale?a=1#now">Sale</a>'
    )
    mail = preview(load_campaign(spring(BODY, written, f"body.{ending}"), shop), shop)
    text = mail.text if ending == "txt" else unescape(mail.html)
    assert f"https://shop.example/sale?a=1&{QUERY}#now" in text


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_link_of_an_example_to_the_shop_is_marked_once(settings: Settings, name: str) -> None:
    flow = load_campaign(CHECKOUT / "campaigns" / "examples" / name, settings)
    assert isinstance(flow, Flow)
    elsewhere = preview(flow, settings, {"trigger": _with_host(SAMPLES[flow.trigger], "other.example")})
    assert "other.example" in elsewhere.html or "url" not in str(SAMPLES[flow.trigger])
    for link in _links(elsewhere):
        assert ("utm_campaign" in link) == (urlsplit(link).hostname == "shop.example"), link
    own = _links(preview(flow, settings))
    shops = [parse_qs(urlsplit(link).query) for link in own if urlsplit(link).hostname == "shop.example"]
    assert all(asked["utm_campaign"] == [name] and asked["utm_medium"] == ["email"] for asked in shops)
    assert shops or "url" not in str(SAMPLES[flow.trigger]), "what has a page is linked to"


def _links(mail: RenderedMessage) -> list[str]:
    page = _Page()
    page.feed(mail.html)
    return [*page.found, *(word.strip("().") for word in mail.text.split() if word.startswith("http"))]


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if tag == "a" and name == "href"]


def _with_host(value: Any, host: str) -> Any:
    if isinstance(value, dict):
        return {key: _with_host(each, host) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_host(each, host) for each in value]
    return value.replace("shop.example", host) if isinstance(value, str) else value
