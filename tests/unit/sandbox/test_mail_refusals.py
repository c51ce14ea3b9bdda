"""What the simulated provider refuses, as the real one does: a wrong request is never accepted in part."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from rapport.clock import FixedClock
from rapport.sandbox import mail
from rapport.sandbox.mail import Ledger
from rapport.sandbox.mail.validate import MAX_BYTES

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
Change = Callable[[dict[str, Any]], Any]


def valid() -> dict[str, Any]:
    return {
        "personalizations": [
            {"to": [{"email": "ada@post.example"}], "custom_args": {"send_id": "s1", "attempt_no": "1"}}
        ],
        "from": {"email": "hello@shop.example", "name": "Shop"},
        "subject": "Hello",
        "content": [{"type": "text/plain", "value": "Hi"}, {"type": "text/html", "value": "<p>Hi</p>"}],
        "categories": ["win_back"],
        "headers": {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
    }


class Account:
    def __init__(self, directory: Path) -> None:
        self.ledger = Ledger(directory)
        self.client = TestClient(mail.app(directory, FixedClock(NOW)))
        self.headers = {"Authorization": f"Bearer {self.ledger.api_key}"}

    def send(self, body: Any) -> Any:
        return self.client.post("/v3/mail/send", json=body, headers=self.headers)

    @property
    def accepted(self) -> int:
        return int(self.ledger.rows("accepted_count", search="")[0]["n"])


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(tmp_path)


def test_a_valid_mail_is_accepted_with_its_ids(account: Account) -> None:
    answer = account.send(valid())
    assert answer.status_code == 202
    assert answer.content == b""
    assert int(answer.headers["x-ratelimit-remaining"]) == int(answer.headers["x-ratelimit-limit"]) - 1
    row = account.ledger.rows("accepted_after", position=0, limit=9)[0]
    assert (row["x_message_id"], row["send_id"], row["attempt_no"]) == (answer.headers["x-message-id"], "s1", 1)
    assert (row["to_email"], row["subject"], row["accepted_at"]) == ("ada@post.example", "Hello", NOW.timestamp())


@pytest.mark.parametrize("key", [None, "Bearer wrong", "Bearer ", "Basic x"])
def test_a_wrong_key_is_refused(account: Account, key: str | None) -> None:
    headers = {"Authorization": key} if key else {}
    answer = account.client.post("/v3/mail/send", json=valid(), headers=headers)
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["field"] is None
    assert account.client.get("/v3/asm/groups", headers=headers).status_code == 401
    assert account.accepted == 0


def person(**values: Any) -> Change:
    return lambda body: body["personalizations"][0].update(values)


def top(**values: Any) -> Change:
    return lambda body: body.update(values)


def without(name: str) -> Change:
    return lambda body: body.pop(name)


A, B = {"email": "ada@post.example"}, {"email": "bob@post.example"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (without("personalizations"), "personalizations"),
        (top(personalizations=[]), "personalizations"),
        (top(personalizations=[{"to": [A]}] * 1001), "personalizations"),
        (top(personalizations=[None]), "personalizations.0"),
        (person(to=[]), "personalizations.0.to"),
        (person(to=[A, {"email": "ADA@post.example"}]), "personalizations.0.to"),
        (person(cc=[A]), "personalizations.0.cc"),
        (person(cc=[B], bcc=[B]), "personalizations.0.bcc"),
        (person(to=[{"email": "no address"}]), "personalizations.0.to.0.email"),
        (person(to=["ada@post.example"]), "personalizations.0.to.0"),
        (person(to=[{"email": f"a{n}@post.example"} for n in range(1001)]), "personalizations"),
        (person(custom_args={"attempt_no": 1}), "personalizations.0.custom_args.attempt_no"),
        (person(custom_args={"x": "y" * 10_001}), "personalizations.0.custom_args"),
        (person(surprise=1), "personalizations.0.surprise"),
        (person(send_at=int(NOW.timestamp()) + 72 * 3600 + 1), "personalizations.0.send_at"),
        (without("from"), "from"),
        (top(**{"from": {"email": "nobody"}}), "from.email"),
        (without("subject"), "subject"),
        (top(subject=""), "subject"),
        (without("content"), "content"),
        (top(content=[{"type": "text/html", "value": "x"}, {"type": "text/plain", "value": "x"}]), "content"),
        (top(content=[{"type": "text/plain", "value": "x"}] * 2), "content"),
        (top(content=[{"type": "text/plain", "value": ""}]), "content.0.value"),
        (top(categories=[f"c{n}" for n in range(11)]), "categories"),
        (top(categories=["twice", "twice"]), "categories"),
        (top(categories=["x" * 256]), "categories.0"),
        (top(headers={"Subject": "mine"}), "headers.Subject"),
        (top(headers={"X-Two": "a\r\nBcc: b@post.example"}), "headers.X-Two"),
        (top(asm={"group_id": 1}), "asm.group_id"),
        (top(asm={"group_id": "1"}), "asm.group_id"),
        (top(send_at="soon"), "send_at"),
        (top(mail_settings={"sandbox_mode": True}), "mail_settings.sandbox_mode"),
        (top(template_id="d-1"), "template_id"),
        (top(surprise=1), "surprise"),
    ],
)
def test_each_wrong_field_is_named(account: Account, change: Change, field: str) -> None:
    body = valid()
    change(body)
    answer = account.send(body)
    assert answer.status_code == 400
    assert field in [entry["field"] for entry in answer.json()["errors"]]
    assert all(set(entry) == {"message", "field", "help"} for entry in answer.json()["errors"])
    assert account.accepted == 0


def test_one_bad_entry_refuses_the_whole_batch(account: Account) -> None:
    body = valid()
    body["personalizations"] = [{"to": [A]}, {"to": [{"email": "broken"}]}]
    assert account.send(body).status_code == 400
    assert account.accepted == 0


def test_what_is_not_a_request_at_all(account: Account) -> None:
    def post(content: bytes, kind: str) -> int:
        headers = account.headers | {"Content-Type": kind}
        return account.client.post("/v3/mail/send", content=content, headers=headers).status_code

    assert post(b"{", "application/json") == 400
    assert post(b"[]", "application/json") == 400
    assert post(b"a=b", "application/x-www-form-urlencoded") == 415
    assert post(b" " * (MAX_BYTES + 1), "application/json") == 413
    assert account.accepted == 0


def test_sandbox_mode_checks_and_sends_nothing(account: Account) -> None:
    assert account.send(valid() | {"mail_settings": {"sandbox_mode": {"enable": True}}}).status_code == 200
    assert account.accepted == 0


def test_each_personalization_becomes_a_mail_of_its_own(account: Account) -> None:
    body = valid() | {"custom_args": {"environment": "test"}, "subject": "Hello -name-"}
    body["personalizations"] = [
        {"to": [A], "custom_args": {"send_id": "s1"}, "substitutions": {"-name-": "Ada"}, "headers": {"X-One": "1"}},
        {"to": [B], "custom_args": {"send_id": "s2"}, "substitutions": {"-name-": "Bob"}},
    ]
    assert account.send(body).status_code == 202
    ada, bob = (dict(row) for row in account.ledger.rows("accepted_after", position=0, limit=9))
    assert (ada["subject"], bob["subject"]) == ("Hello Ada", "Hello Bob")
    assert (ada["send_id"], bob["send_id"]) == ("s1", "s2")
    assert ada["x_message_id"] == bob["x_message_id"]
    assert ada["sg_message_id"] != bob["sg_message_id"]
    assert "X-One" in ada["headers"]
    assert "X-One" not in bob["headers"]
    assert "environment" in bob["custom_args"]


def test_too_many_requests_say_when_to_come_back(account: Account) -> None:
    account.client.post("/_sandbox/limit", json={"requests": 2, "seconds": 3600})
    codes = [account.send(valid()).status_code for _ in range(3)]
    refused = account.send(valid())
    assert codes == [202, 202, 429]
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert 0 < int(refused.headers["retry-after"]) <= 3600
    assert account.accepted == 2
