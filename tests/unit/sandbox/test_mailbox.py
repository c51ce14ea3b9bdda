"""The mailbox shows strangers' mail without trusting a letter of it."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from rapport.sandbox import mailbox
from rapport.sandbox.mail import Ledger, MailOptions
from rapport.sandbox.mail.envelopes import accept

EVIL = '<script>alert("x")</script>'


@pytest.fixture
def pages(tmp_path: Path) -> TestClient:
    ledger = Ledger(tmp_path)
    for number in range(120):
        body = {
            "personalizations": [{"to": [{"email": f"reader{number}@post.example", "name": EVIL}]}],
            "from": {"email": "shop@shop.example", "name": EVIL},
            "subject": f"Mail {number} {EVIL}",
            "content": [
                {"type": "text/plain", "value": f"plain {EVIL}"},
                {"type": "text/html", "value": f"<html><head></head><body>{EVIL}<a href='https://a.example'>A</a>"},
            ],
            "headers": {"X-Evil": EVIL},
            "categories": ["win_back"],
            "custom_args": {"send_id": EVIL},
        }
        accept(ledger, MailOptions(), body, 1_790_000_000.0 + number, 0.0)
    ledger.close()
    return TestClient(mailbox.app(tmp_path))


def first_link(page: str) -> str:
    return page.split('href="/mail/')[1].split('"')[0]


def test_newest_first_in_pages_the_last_one_short(pages: TestClient) -> None:
    first, last = pages.get("/").text, pages.get("/?page=3").text
    assert "120 mails" in first
    assert first.index("reader119@") < first.index("reader118@")
    assert "Page 1 of 3" in first
    assert 'rel="prev"' not in first
    assert last.count('<tr role="row">') == 21
    assert 'rel="next"' not in last


@pytest.mark.parametrize("page", ["0", "-1", "99999", "x", "²"])
def test_a_page_that_does_not_exist_is_answered_with_one_that_does(pages: TestClient, page: str) -> None:
    assert pages.get("/", params={"page": page}).status_code == 200


def test_search_by_recipient(pages: TestClient) -> None:
    page = pages.get("/", params={"to": "READER7@"}).text
    assert "1 mail " in page
    assert "reader7@post.example" in page
    assert "No mail to an address" in pages.get("/", params={"to": EVIL}).text


def test_everything_is_escaped_and_nothing_runs(pages: TestClient) -> None:
    found = first_link(pages.get("/").text)
    for url in ("/", f"/mail/{found}", f"/?to={EVIL}"):
        answer = pages.get(url)
        assert EVIL not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    part = pages.get(f"/mail/{found}/html")
    assert part.headers["content-security-policy"].startswith("sandbox allow-popups")
    assert "allow-scripts" not in part.headers["content-security-policy"]
    assert 'sandbox="allow-popups' in pages.get(f"/mail/{found}").text


def test_a_mail_that_is_not_there(pages: TestClient) -> None:
    assert pages.get("/mail/none").status_code == 404
    assert pages.get("/mail/none/html").status_code == 404
