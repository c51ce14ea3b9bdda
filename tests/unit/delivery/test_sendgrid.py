"""The request body and what the provider's answers ask for."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from sendgrid.helpers.mail import (
    Asm,
    Category,
    ClickTracking,
    Content,
    CustomArg,
    Email,
    Ganalytics,
    GroupId,
    Header,
    IpPoolName,
    Mail,
    MailSettings,
    OpenTracking,
    Personalization,
    SandBoxMode,
    SubscriptionTracking,
    Substitution,
    To,
    TrackingSettings,
)

from rapport.delivery import backoff
from rapport.delivery.providers import Message
from rapport.delivery.providers.sendgrid_answer import asked_wait, is_used_up
from rapport.delivery.providers.sendgrid_body import Account, body, requests
from rapport.delivery.reconcile import gate_is_open
from rapport.errors import DataError

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
    topic="marketing",
    go=lambda: None,
)


ACCOUNT = Account()
BATCH = [
    replace(
        MESSAGE,
        to=f"ada{at}@post.example",
        headers={"List-Id": "<marketing.shop.example>", "List-Unsubscribe": f"<https://shop.example/u/{at}>"},
        arguments={"send_id": f"id{at}", "attempt_no": "1"},
        text="leave: -rapport.unsubscribe-",
        substitutions={"-rapport.unsubscribe-": f"https://shop.example/u/{at}"},
    )
    for at in range(3)
]


def helpers(messages: Sequence[Message], group: int, pool: str) -> Any:
    """The same mail by the vendor's own typed helpers."""
    first = messages[0]
    mail = Mail()
    # The helpers turn the order of personalizations and categories round.
    for message in reversed(messages):
        person = Personalization()
        person.add_to(To(message.to))
        for name, value in message.headers.items():
            person.add_header(Header(name, value))
        for name, value in message.substitutions.items():
            person.add_substitution(Substitution(name, value))
        for name, value in message.arguments.items():
            person.add_custom_arg(CustomArg(name, value))
        mail.add_personalization(person)
    mail.from_email = Email(first.sender, first.sender_name)
    mail.reply_to = Email(first.reply_to)
    mail.subject = first.subject
    mail.content = [Content("text/plain", first.text), Content("text/html", first.html)]
    mail.category = [Category(first.topic), Category(first.category)]
    mail.asm = Asm(GroupId(group))
    mail.ip_pool_name = IpPoolName(pool)
    tracking = TrackingSettings()
    tracking.click_tracking = ClickTracking(enable=True, enable_text=False)
    tracking.open_tracking = OpenTracking(enable=True)
    tracking.subscription_tracking = SubscriptionTracking(enable=False)
    tracking.ganalytics = Ganalytics(enable=False)
    mail.tracking_settings = tracking
    settings = MailSettings()
    settings.sandbox_mode = SandBoxMode(enable=True)
    mail.mail_settings = settings
    return mail.get()


@pytest.mark.parametrize("messages", [[MESSAGE], BATCH], ids=["one", "three"])
def test_the_body_is_what_the_vendors_own_helpers_build(messages: list[Message]) -> None:
    ours = json.loads(body(messages, Account(unsubscribe_group=7, ip_pool="offers", sandbox_mode=True)))
    assert ours == helpers(messages, 7, "offers")


def test_what_the_account_has_not_is_not_named() -> None:
    ours = json.loads(body([MESSAGE], ACCOUNT))
    assert not {"asm", "ip_pool_name", "mail_settings"} & ours.keys()
    assert ours["tracking_settings"]["subscription_tracking"] == {"enable": False}


def test_a_category_stands_once_and_is_never_empty() -> None:
    assert json.loads(body([replace(MESSAGE, topic=MESSAGE.category)], ACCOUNT))["categories"] == ["hello"]
    assert json.loads(body([replace(MESSAGE, topic="")], ACCOUNT))["categories"] == ["hello"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"subject": "half \ud83d"}, "half a character"),
        ({"arguments": {"send_id": "\ud83d"}}, "half a character"),
        ({"arguments": {"send_id": "x" * 10_000}}, "10,014 bytes"),
    ],
    ids=["text", "argument", "size"],
)
def test_what_the_provider_would_refuse_is_not_written(change: dict[str, Any], what: str) -> None:
    with pytest.raises(DataError, match=what):
        body([replace(MESSAGE, **change)], ACCOUNT)


def test_one_address_stands_once_in_a_request_however_it_is_written() -> None:
    addresses = ["a@x.example", "A@X.example", "b@x.example", "a@x.example ", "b@x.example"]
    parts = requests([replace(MESSAGE, to=address) for address in addresses])
    assert parts == [[0, 2], [1, 4], [3]]


@pytest.mark.parametrize("name", ["sender", "sender_name", "reply_to", "subject", "text", "html", "category", "topic"])
def test_nobody_gets_the_text_of_another(name: str) -> None:
    messages = [MESSAGE, replace(MESSAGE, to="b@x.example", **{name: "other"}), replace(MESSAGE, to="c@x.example")]
    assert requests(messages) == [[0, 2], [1]]


def test_a_final_text_and_one_with_tokens_are_sent_apart() -> None:
    final = replace(BATCH[0], substitutions={})
    assert requests([final, BATCH[1], BATCH[2]]) == [[0], [1, 2]]


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
        ({"X-RateLimit-Reset": "1030", "Date": "Thu, 01 Jan 1970 00:17:00 GMT"}, 10),
        ({"X-RateLimit-Reset": "9" * 400}, 1),
        ({}, 1),
    ],
)
def test_the_wait_is_as_asked_within_reason(headers: dict[str, str], seconds: float) -> None:
    assert asked_wait(headers, now=1000) == seconds


@pytest.mark.parametrize(
    ("headers", "used_up"),
    [
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1030"}, True),
        ({"X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "1030"}, False),
        ({"X-RateLimit-Remaining": "0"}, False),
        ({}, False),
    ],
    ids=["nothing-left", "one-left", "no-end-named", "silent"],
)
def test_a_rate_limit_is_used_up_only_until_a_named_moment(headers: dict[str, str], used_up: bool) -> None:
    assert is_used_up(headers) is used_up


def test_each_attempt_waits_longer_and_never_shorter_than_asked() -> None:
    assert [backoff.seconds(n, 0) for n in (1, 2, 3, 50)] == [1, 2, 4, 300]
    assert backoff.seconds(1, 60) == 60


@pytest.mark.parametrize(
    ("change", "is_open"),
    [
        ({}, True),
        ({"answered": 19, "told": 19}, False),
        ({"answered_after": 4}, False),
        ({"answered_after": 5}, True),
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
    found = {"answered": 2000, "answered_after": 900, "told": 2000, "unread": 0} | change
    found["newest_told_at"] = at + timedelta(minutes=newest) if newest is not None else None
    if "answered" not in change:
        found["answered"] = 2000
    assert gate_is_open(found, at) is is_open
