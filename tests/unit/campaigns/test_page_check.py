"""What a reader would stumble over, told before anybody reads it."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from rapport.campaigns.folder.definition import load_campaign
from rapport.campaigns.mail.page_check import check_pages
from rapport.settings import Settings

Edit = Callable[..., Path]
BODY = "Write here what you have to say."


@pytest.fixture
def pages() -> Iterator[str]:
    """A shop with one page, /here."""

    class Shop(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path.startswith("/here") else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Shop)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(5)
    server.server_close()


def test_the_scaffold_has_no_fault(spring: Edit, shop: Settings) -> None:
    assert check_pages(load_campaign(spring(), shop), shop).faults == []


@pytest.mark.parametrize(
    ("markup", "told"),
    [
        ('<a href="/sale">Sale</a>', "the link '/sale' is no https address"),
        ('<a href="http://other.example/">Sale</a>', "is no https address"),
        ('<a href="javascript:alert(1)">Sale</a>', "is no https address"),
        ('<a href="">Sale</a>', "the link '' is no https address"),
        ('<img src="https://shop.example/a.png">', "has no alt text"),
        ('<img src="https://shop.example/a.png" alt=" ">', "has no alt text"),
        ('<img src="a.png" alt="A mug">', "the picture 'a.png' is no https address"),
        ("{{ '{{' }}", "braces that were not filled in"),
        ("x" * 110_000, "Gmail cuts it"),
    ],
    ids=["relative", "http", "script", "empty", "no_alt", "blank_alt", "picture", "braces", "long"],
)
def test_a_fault_is_told(spring: Edit, shop: Settings, markup: str, told: str) -> None:
    report = check_pages(load_campaign(spring(BODY, markup, "body.mjml"), shop), shop)
    assert any(told in fault for fault in report.faults), report.faults


def test_what_only_somebody_can_judge_is_a_hint(spring: Edit, shop: Settings) -> None:
    folder = spring(
        BODY, '<a href="https://social.example/us">Follow us</a> <a href="mailto:a@b.example">M</a>', "body.mjml"
    )
    report = check_pages(load_campaign(folder, shop), shop)
    assert report.faults == []
    assert any("links to social.example" in hint for hint in report.hints)
    assert any("preheader" in hint for hint in report.hints)


def test_pages_of_the_shop_are_asked_for_only_when_wanted(spring: Edit, shop: Settings, pages: str) -> None:
    settings = shop.model_copy(update={"shop_url": pages})
    links = f'<a href="{pages}/here">Here</a> <a href="{pages}/gone">Gone</a>'
    campaign = load_campaign(spring(BODY, links, "body.mjml"), settings)
    assert check_pages(campaign, settings).faults == []
    gone = [fault for fault in check_pages(campaign, settings, fetch=True).faults if "answers 404" in fault]
    assert any("/gone" in fault for fault in gone)
    assert not any("/here" in fault for fault in gone)
