"""The request body and what the provider's answers ask for."""

import json

import pytest
from sendgrid.helpers.mail import Content, CustomArg, Email, Header, Mail, Personalization, To

from rapport.delivery import backoff
from rapport.delivery.providers import Message
from rapport.delivery.providers.sendgrid import asked_wait
from rapport.delivery.providers.sendgrid_body import body
from rapport.delivery.reconcile import gate_is_open

MESSAGE = Message(
    to="ada@post.example",
    sender="hello@shop.example",
    sender_name="Ada & Co",
    reply_to="help@shop.example",
    subject="Grüße, 🙂",
    text="text",
    html="<p>html</p>",
    headers={"List-Id": "<marketing.shop.example>"},
    arguments={"send_id": "1", "attempt_no": "2"},
    category="hello",
    go=lambda: None,
)


def test_the_body_is_what_the_vendors_own_helpers_build() -> None:
    mail = Mail()
    person = Personalization()
    person.add_to(To("ada@post.example"))
    for name, value in MESSAGE.arguments.items():
        person.add_custom_arg(CustomArg(name, value))
    mail.add_personalization(person)
    mail.from_email = Email("hello@shop.example", "Ada & Co")
    mail.reply_to = Email("help@shop.example")
    mail.subject = MESSAGE.subject
    mail.content = [Content("text/plain", "text"), Content("text/html", "<p>html</p>")]
    mail.header = Header("List-Id", "<marketing.shop.example>")
    ours = json.loads(body(MESSAGE, None))
    theirs = mail.get()
    assert {name: ours[name] for name in theirs} == theirs


def test_what_is_ours_beside_it() -> None:
    ours = json.loads(body(MESSAGE, 7))
    assert ours["asm"] == {"group_id": 7}
    assert ours["categories"] == ["hello"]
    assert ours["tracking_settings"]["subscription_tracking"] == {"enable": False}


def test_a_message_does_not_print_the_person() -> None:
    assert "ada@" not in repr(MESSAGE)
    assert "html" not in repr(MESSAGE).replace("html=", "")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "0"}, 1),
        ({"Retry-After": "999999"}, 3600),
        ({"Retry-After": "Thu, 01 Jan 1970 00:16:50 GMT"}, 10),
        ({"Retry-After": "soon"}, 1),
        ({"X-RateLimit-Reset": "1030"}, 30),
        ({"X-RateLimit-Reset": "900"}, 1),
        ({}, 1),
    ],
)
def test_the_wait_is_as_asked_within_reason(headers: dict[str, str], seconds: float) -> None:
    assert asked_wait(headers, now=1000) == seconds


def test_each_attempt_waits_longer_and_never_shorter_than_asked() -> None:
    assert [backoff.seconds(n, 0) for n in (1, 2, 3, 50)] == [1, 2, 4, 300]
    assert backoff.seconds(1, 60) == 60


@pytest.mark.parametrize(
    ("change", "is_open"),
    [
        ({}, True),
        ({"answered": 19, "told": 19}, False),
        ({"told": 1997}, False),
        ({"told": 1998}, True),
        ({"unread": 1}, False),
        ({"newest": 4.9}, False),
        ({"newest": None}, False),
    ],
)
def test_the_evidence_gate(change: dict[str, float | None], is_open: bool) -> None:
    from datetime import UTC, datetime, timedelta

    at = datetime(2027, 1, 1, tzinfo=UTC)
    newest = change.get("newest", 5.0)
    found = {"answered": 2000, "told": 2000, "unread": 0} | change
    found["newest_told_at"] = at + timedelta(minutes=newest) if newest is not None else None
    if "answered" not in change:
        found["answered"] = 2000
    assert gate_is_open(found, at) is is_open
