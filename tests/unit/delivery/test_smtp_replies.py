"""What a mail server's replies mean, and which servers a shop may name."""

import pytest

from rapport.delivery.providers.smtp import argument_headers
from rapport.delivery.providers.smtp_replies import Step, after_the_dot, refused
from rapport.delivery.providers.smtp_sessions import Relay
from rapport.errors import PermanentError
from rapport.settings import Settings

REFUSALS: dict[str, tuple[Step, int, str, str, bool, bool]] = {
    # step, code, text -> kind, halt, whether everybody waits
    "closing": ("RCPT", 421, "4.3.2 closing", "not_sent", False, True),
    "busy-at-mail": ("MAIL", 451, "try later", "not_sent", False, True),
    "full-at-mail": ("MAIL", 452, "4.3.1 no space", "not_sent", False, True),
    "greylisted": ("RCPT", 450, "4.7.1 greylisted", "not_sent", False, False),
    "mailbox-full": ("RCPT", 452, "4.2.2 mailbox full", "not_sent", False, False),
    "server-ill-at-rcpt": ("RCPT", 451, "4.3.0 lookup failure", "not_sent", False, True),
    "data-put-off": ("DATA", 451, "", "not_sent", False, True),
    "no-such-mailbox": ("RCPT", 550, "5.1.1 <ada@post.example> unknown", "rejected", False, False),
    "no-recipients": ("DATA", 554, "5.5.1 no valid recipients", "rejected", False, False),
    "too-large": ("MAIL", 552, "5.3.4 too big", "rejected", False, False),
    "sender-refused": ("MAIL", 550, "5.7.1 not yours", "not_sent", True, False),
    "login-needed": ("RCPT", 530, "5.7.0 authentication required", "not_sent", True, False),
    "login-refused": ("login", 535, "5.7.8 bad credentials", "not_sent", True, False),
    "login-later": ("login", 454, "4.7.0 try later", "not_sent", False, True),
    "no-service": ("greeting", 554, "no service", "not_sent", True, False),
    "not-a-reply": ("MAIL", -1, "SSH-2.0", "not_sent", False, True),
    "out-of-turn": ("DATA", 250, "ok", "not_sent", False, True),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_comes_before_the_dot_is_never_in_doubt(name: str) -> None:
    step, code, text, kind, halt, waits = REFUSALS[name]
    outcome = refused(step, code, text)
    assert (outcome.kind, outcome.halt, outcome.wait_seconds > 0) == (kind, halt, waits)
    assert "@" not in outcome.detail


@pytest.mark.parametrize(
    ("code", "text", "kind", "message_id"),
    [
        (250, "2.0.0 Ok: queued as 4XyZab12", "accepted", "4XyZab12"),
        (250, "OK id=1tAbCd-0001x-Y2", "accepted", "1tAbCd-0001x-Y2"),
        (250, "2.6.0 <ada@post.example> taken", "accepted", None),
        (251, "will forward", "accepted", None),
        (451, "4.3.0 later", "not_sent", None),
        (421, "4.3.2 closing", "not_sent", None),
        (554, "5.7.1 looks like spam to ada@post.example", "rejected", None),
        (354, "go on", "unknown", None),
        (-1, "garbage", "unknown", None),
    ],
    ids=["postfix", "exim", "no-queue-id", "251", "451", "421", "554", "354", "garbage"],
)
def test_what_comes_after_the_dot(code: int, text: str, kind: str, message_id: str | None) -> None:
    outcome = after_the_dot(code, text, "digest")
    assert (outcome.kind, outcome.message_id) == (kind, message_id)
    assert "@" not in outcome.detail


def test_the_enhanced_code_is_kept_and_the_words_are_not() -> None:
    assert refused("RCPT", 550, "5.1.1 <ada@post.example>").detail == "refused: RCPT was answered 550 5.1.1"
    assert after_the_dot(554, "5.7.1 spam", "d").detail == "refused: the message was answered 554 5.7.1"


@pytest.mark.parametrize(
    ("given", "security", "port"),
    [
        ({"smtp_host": "mail.shop.example"}, "starttls", 587),
        ({"smtp_host": "127.0.0.1"}, "none", 25),
        ({"smtp_host": "localhost", "smtp_user": "u"}, "none", 25),
        ({"smtp_host": "[::1]", "smtp_security": "starttls"}, "starttls", 587),
        ({"smtp_host": "mail.shop.example", "smtp_security": "tls"}, "tls", 465),
        ({"smtp_host": "mail.shop.example", "smtp_security": "none", "smtp_port": 2525}, "none", 2525),
    ],
    ids=["default", "loopback", "localhost", "loopback-secured", "tls", "plain-without-password"],
)
def test_security_is_the_default_but_on_this_machine(
    settings: Settings, given: dict[str, object], security: str, port: int
) -> None:
    relay = Relay.of(settings.model_copy(update=given))
    assert (relay.security, relay.port, relay.greeting_name) == (security, port, "shop.example")


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({}, "RAPPORT_SMTP_HOST"),
        ({"smtp_host": "mail.shop.example", "smtp_security": "none", "smtp_user": "u"}, "in clear"),
        ({"smtp_host": "mail.shop.example", "smtp_security": "ssl"}, "starttls, tls, none"),
    ],
    ids=["no-host", "password-in-clear", "unknown"],
)
def test_an_unsafe_server_is_refused(settings: Settings, given: dict[str, object], what: str) -> None:
    with pytest.raises(PermanentError, match=what):
        Relay.of(settings.model_copy(update=given))


def test_the_password_is_not_printed(settings: Settings) -> None:
    given = {"smtp_host": "mail.shop.example", "smtp_user": "u", "smtp_password": "s3cret"}
    changed = settings.model_copy(update=given)
    assert "s3cret" not in repr(Relay.of(changed)) + repr(changed)


def test_arguments_travel_as_headers() -> None:
    assert argument_headers({"send_id": "1", "installation": "x"}) == {
        "X-Rapport-Send-Id": "1",
        "X-Rapport-Installation": "x",
    }
