"""The way out: harmless to look at, done at once, for as long as a mail lies in a mailbox."""

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from starlette.testclient import TestClient

from rapport.delivery.claim import SQL as CLAIM
from rapport.gateway import create_app
from rapport.keys import sign_token, uuid7

from .conftest import NOW, Gate

ONE_CLICK = [{"data": {"List-Unsubscribe": "One-Click"}}, {"files": {"List-Unsubscribe": (None, "One-Click")}}]
SCANNED = 2_000
PEOPLE = 1_000


def test_a_scanner_that_follows_links_changes_nothing(gate: Gate) -> None:
    links = [gate.link("unsubscribe"), gate.link("preferences")]
    for number in range(SCANNED):
        method = ("GET", "HEAD", "GET", "OPTIONS")[number % 4]
        answer = gate.client.request(method, links[number % 2], headers={"User-Agent": "a link scanner"})
        assert answer.status_code == (405 if method == "OPTIONS" else 200)
    assert gate.suppressed() == gate.facts() == []
    answer = gate.client.get(links[0])
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "script" not in answer.headers["content-security-policy"]
    assert "Test Shop Ltd" in answer.text
    assert "ada" not in answer.text


def test_a_scanner_that_follows_every_link_of_a_page_changes_nothing(gate: Gate) -> None:
    page = gate.client.get(gate.link("unsubscribe") + "?lang=de")
    (href,) = (part.partition('"')[0] for part in page.text.split('href="')[1:])
    followed = gate.client.get(str(page.url.join(unescape(href))))
    assert followed.status_code == 200
    assert "Ihre E-Mails von Test Shop Ltd" in followed.text
    # Some fill in a form's fields, but into the address.
    for fields in ({"action": "off"}, {"confirm": "yes"}, {"List-Unsubscribe": "One-Click"}):
        assert gate.client.get(str(followed.url), params=fields).status_code == 200
        assert gate.client.get(gate.link("unsubscribe"), params=fields).status_code == 200
    assert gate.suppressed() == gate.facts() == []


@pytest.mark.parametrize("form", [*ONE_CLICK, {"data": {"confirm": "yes"}}], ids=["urlencoded", "multipart", "page"])
def test_one_post_unsubscribes_at_once_and_twice_is_once(gate: Gate, form: dict[str, Any]) -> None:
    for _ in range(2):
        answer = gate.client.post(gate.link("unsubscribe") + "?lang=he", **form)
        assert answer.status_code == 200
    assert 'dir="rtl"' in answer.text
    assert gate.suppressed() == [("key-of-ada", "marketing", "unsubscribe")]
    assert gate.rows("select evidence_id from ops.suppression") == [(str(gate.ada),)]


def test_each_of_a_thousand_clicks_counts_for_the_very_next_claim(gate: Gate) -> None:
    """Every person has a mail in the past and one that is due; the claim runs right after each answer."""
    query = "select state, reason from ops.send where send_id = %s"
    moments = [NOW - timedelta(days=30), NOW - timedelta(minutes=1)]
    with gate.conn.transaction():
        sends = [[gate.send(f"key-{number}", due_at=moment) for moment in moments] for number in range(PEOPLE)]
    for number, (past, due) in enumerate(sends):
        assert gate.client.post(gate.link("unsubscribe", past), **ONE_CLICK[number % 2]).status_code == 200
        values = {"send_ids": [due], "now": NOW, "epoch": 1, "lease_seconds": 60, "batch_id": uuid7()}
        gate.conn.execute(CLAIM["claim"], values | _lane())
        assert gate.conn.execute(query, (due,)).fetchone() == {
            "state": "suppressed",
            "reason": "suppressed: unsubscribe",
        }
    assert gate.rows("select count(distinct recipient_key) from ops.suppression") == [(PEOPLE,)]


def test_a_person_who_came_back_can_leave_again_by_the_same_old_mail(gate: Gate) -> None:
    link = gate.link("unsubscribe")
    gate.client.post(link, **ONE_CLICK[0])
    gate.clock.at += timedelta(days=1)
    opt_in = uuid7()
    gate.conn.execute(
        "insert into ops.opt_in values (%s, 'key-of-ada', null, 'marketing', 'en', 'w', 'form', %s, %s)",
        (opt_in, gate.clock.at, gate.clock.at + timedelta(days=7)),
    )
    assert gate.client.post(gate.link("opt_in", opt_in), data={"confirm": "yes"}).status_code == 200
    assert not gate.stopped("marketing")
    # Even when the clock was put back meanwhile.
    gate.clock.at -= timedelta(hours=6)
    gate.client.post(link, **ONE_CLICK[0])
    gate.client.post(link, **ONE_CLICK[0])
    assert gate.stopped("marketing")
    assert len(gate.suppressed()) == 2


def test_leaving_works_for_years(gate: Gate) -> None:
    gate.clock.at += timedelta(days=365 * 5)
    assert gate.client.post(gate.link("unsubscribe"), **ONE_CLICK[0]).status_code == 200
    assert gate.stopped("marketing")


def test_a_link_signed_with_the_previous_key_works(gate: Gate) -> None:
    old = gate.settings.secret_key
    for previous, status in ((old, 200), ("another", 404), (None, 404)):
        changed = gate.settings.model_copy(update={"link_key": "the next key", "link_key_previous": previous})
        with TestClient(create_app(changed, gate.clock)) as client:
            assert client.get(gate.link("unsubscribe")).status_code == status


@pytest.mark.parametrize("body", [b"", b"x" * 70_000, b"List-Unsubscribe=maybe"], ids=["empty", "huge", "other"])
def test_a_post_that_asks_for_nothing_gets_the_page(gate: Gate, body: bytes) -> None:
    answer = gate.client.post(gate.link("unsubscribe"), content=body)
    assert answer.status_code in (400, 413)
    assert "<form" in answer.text
    assert gate.suppressed() == []


def test_bad_tokens_learn_nothing(gate: Gate) -> None:
    survey = sign_token(gate.settings, "survey", str(gate.ada))
    pages = set()
    for place, purpose in (("u", "unsubscribe"), ("p", "preferences"), ("c", "opt_in")):
        unknown, no_uuid = gate.link(purpose, uuid7())[3:], sign_token(gate.settings, purpose, "hello")
        bad = ["", "x", "a.b.c", "a/b", survey, no_uuid, gate.link(purpose)[3:-1], "%00", "é", "x" * 600]
        for token in bad:
            for answer in (
                gate.client.get(f"/{place}/{token}"),
                gate.client.post(f"/{place}/{token}", data={"confirm": "yes", "action": "off"}),
            ):
                assert answer.status_code == 404
                pages.add(answer.text)
        answer = gate.client.post(f"/{place}/{unknown}", data={"confirm": "yes", "action": "off"})
        assert answer.status_code == 404
        pages.add(answer.text)
    assert len(pages) == 1
    assert 'href="mailto:hello@shop.example"' in pages.pop()
    assert gate.suppressed() == gate.facts() == []


def test_the_page_of_a_bad_link_speaks_the_readers_language(gate: Gate) -> None:
    answer = gate.client.get("/p/x", headers={"Accept-Language": "fa-IR,en;q=0.5"})
    assert '<html lang="fa" dir="rtl">' in answer.text
    assert answer.headers["content-language"] == "fa"


def test_other_methods_are_refused_and_named(gate: Gate) -> None:
    for method in ("OPTIONS", "PUT", "DELETE"):
        answer = gate.client.request(method, gate.link("unsubscribe"))
        assert answer.status_code == 405
        assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


def _lane() -> dict[str, Any]:
    return {"campaign_id": "marketing", "mailbox": "rest", "today": NOW.date(), "sending_domain": "shop.example"}
