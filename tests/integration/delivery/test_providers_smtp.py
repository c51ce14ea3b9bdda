"""The SMTP provider against real servers on loopback: one that keeps to the protocol, and one that breaks off."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP

from rapport.delivery.limits import Limits
from rapport.delivery.providers import Message, Outcome, TooLate
from rapport.delivery.wire import wire_faults

from .mail_server import IMPATIENT, LIMITS, Mailbox, Script, Wire, message, over


def told(mailbox: Mailbox, tmp_path: Path, *messages: Message, limits: Limits = LIMITS) -> list[Outcome]:
    async def send() -> list[Outcome]:
        async with over(lambda: SMTP(mailbox), tmp_path, limits) as provider:
            return [one for each in messages for one in await provider.send([each])]

    return asyncio.run(send())


def test_a_message_arrives_whole_and_says_which_send_it_is(tmp_path: Path) -> None:
    mailbox, sent = Mailbox(), message()
    (outcome,) = told(mailbox, tmp_path, sent)
    assert (outcome.kind, outcome.status, outcome.message_id) == ("accepted", 250, "Q0abc")
    assert len(outcome.payload_sha256 or "") == 64
    (envelope,), (mail,) = mailbox.taken, mailbox.mails()
    assert (envelope.mail_from, envelope.rcpt_tos) == ("hello@shop.example", ["ada@post.example"])
    assert wire_faults(envelope.original_content or b"") == []
    send_id = sent.arguments["send_id"]
    assert mail["Message-ID"] == f"<{send_id}@shop.example>"
    assert (mail["X-Rapport-Send-Id"], mail["X-Rapport-Attempt-No"]) == (send_id, "1")
    assert mail["Subject"] == "Grüße 🙂"
    assert mail.get_body(("plain",)).get_content().splitlines() == sent.text.splitlines()
    assert mailbox.greetings == ["shop.example"]


def test_one_session_carries_many_messages(tmp_path: Path) -> None:
    mailbox = Mailbox(**{"bad@post.example": "550 5.1.1 no such mailbox"})
    messages = [message("a@post.example"), message("bad@post.example"), message("c@post.example")]
    outcomes = told(mailbox, tmp_path, *messages)
    assert [one.kind for one in outcomes] == ["accepted", "rejected", "accepted"]
    assert outcomes[1].detail == "refused: RCPT was answered 550 5.1.1"
    assert len(mailbox.greetings) == 1
    assert [one.rcpt_tos for one in mailbox.taken] == [["a@post.example"], ["c@post.example"]]


@pytest.mark.parametrize(
    ("replies", "kind", "waits"),
    [
        ({"MAIL": "451 4.3.0 later"}, "not_sent", True),
        ({"RCPT": "450 4.7.1 greylisted"}, "not_sent", False),
        ({"RCPT": "421 4.3.2 closing"}, "not_sent", True),
        ({"RCPT": "553 5.1.3 bad address"}, "rejected", False),
        ({"END": "452 4.3.1 no space"}, "not_sent", True),
        ({"END": "554 5.7.1 spam"}, "rejected", False),
    ],
    ids=["mail-4yz", "rcpt-4yz", "rcpt-421", "rcpt-5yz", "end-4yz", "end-5yz"],
)
def test_a_refusal_is_certain(tmp_path: Path, replies: dict[str, str], kind: str, waits: bool) -> None:
    mailbox = Mailbox(**replies)
    (outcome,) = told(mailbox, tmp_path, message())
    assert (outcome.kind, outcome.wait_seconds > 0, outcome.halt) == (kind, waits, False)
    assert mailbox.taken == []


@pytest.mark.parametrize("fault", ["abort", "hang"])
def test_what_was_taken_without_a_reply_is_unknown(tmp_path: Path, fault: str) -> None:
    mailbox = Mailbox(END=fault)
    (outcome,) = told(mailbox, tmp_path, message(), limits=IMPATIENT)
    assert outcome.kind == "unknown"
    assert len(mailbox.taken) == 1


def test_a_wait_holds_the_next_message_without_asking(tmp_path: Path) -> None:
    mailbox = Mailbox(MAIL="421 4.3.2 closing")
    outcomes = told(mailbox, tmp_path, message(), message())
    assert [one.kind for one in outcomes] == ["not_sent"] * 2
    assert len(mailbox.greetings) == 1


async def _cut_at_mail(wire: Wire) -> None:
    await wire.until("MAIL")
    wire.cut()


async def _cut_at_rcpt(wire: Wire) -> None:
    await wire.until("RCPT")
    wire.cut()


async def _cut_at_data(wire: Wire) -> None:
    await wire.until("DATA")
    wire.cut()


async def _hang_at_data(wire: Wire) -> None:
    await wire.until("DATA")
    await asyncio.sleep(5)


async def _garbage_at_mail(wire: Wire) -> None:
    await wire.until("MAIL")
    await wire.say("what?")


async def _no_invitation(wire: Wire) -> None:
    await wire.until("DATA")
    await wire.say("250 ok")


async def _cut_in_content(wire: Wire) -> None:
    await wire.until("DATA")
    await wire.say("354 go on")
    await wire.reader.read(10)
    wire.cut()


async def _cut_after_dot(wire: Wire) -> None:
    await wire.until("DATA")
    await wire.say("354 go on")
    await wire.read_content()
    wire.cut()


async def _half_a_reply(wire: Wire) -> None:
    await wire.until("DATA")
    await wire.say("354 go on")
    await wire.read_content()
    wire.writer.write(b"25")
    await wire.writer.drain()
    wire.writer.close()


async def _garbage_after_dot(wire: Wire) -> None:
    await wire.until("DATA")
    await wire.say("354 go on")
    await wire.read_content()
    await wire.say("thank you")


async def _accept_with_garbage(wire: Wire) -> None:
    await wire.until("DATA")
    await wire.say("354 go on")
    await wire.read_content()
    await wire.say("250-2.0.0 taken\r\n250 2.0.0 queued as Z1234\r\n\0garbage")
    wire.cut()


async def _accept_for_ever(wire: Wire) -> None:
    while True:
        await wire.until("DATA")
        await wire.say("354 go on")
        await wire.read_content()
        await wire.say("250 ok")


async def _accept_then_leave(wire: Wire) -> None:
    await wire.until("DATA")
    await wire.say("354 go on")
    await wire.read_content()
    await wire.say("250 ok")
    wire.writer.close()


def broken(
    tmp_path: Path, script: Script, *messages: Message, greeting: str = "220 here", pause: float = 0.0
) -> tuple[list[Wire], list[Outcome]]:
    """Outcomes of the messages, one after the other, and the connections that were made."""
    wires: list[Wire] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(reader, writer)
        wires.append(wire)
        try:
            await wire.say(greeting)
            await script(wire)
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            wire.content += getattr(error, "partial", b"")
        finally:
            writer.close()

    async def send() -> list[Outcome]:
        def factory() -> asyncio.Protocol:
            return asyncio.StreamReaderProtocol(asyncio.StreamReader(limit=2**20), talk)

        outcomes: list[Outcome] = []
        async with over(factory, tmp_path, IMPATIENT) as provider:
            for one in messages:
                outcomes += await provider.send([one])
                await asyncio.sleep(pause)
        await asyncio.sleep(0.05)
        return outcomes

    return wires, asyncio.run(send())


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (_cut_at_mail, "not_sent"),
        (_cut_at_rcpt, "not_sent"),
        (_cut_at_data, "not_sent"),
        (_hang_at_data, "not_sent"),
        (_garbage_at_mail, "not_sent"),
        (_no_invitation, "not_sent"),
        (_cut_in_content, "unknown"),
        (_cut_after_dot, "unknown"),
        (_half_a_reply, "unknown"),
        (_garbage_after_dot, "unknown"),
        (_accept_with_garbage, "accepted"),
    ],
    ids=lambda value: getattr(value, "__name__", value).strip("_"),
)
def test_the_dot_decides_what_a_broken_line_means(tmp_path: Path, script: Script, kind: str) -> None:
    wires, (outcome,) = broken(tmp_path, script, message())
    assert outcome.kind == kind
    assert len(wires) == 1
    assert "@" not in outcome.detail
    # What may have been taken is never handed over twice, not even within one attempt.
    assert wires[0].heard.count("MAIL") == 1


def test_a_session_that_ended_meanwhile_costs_nothing(tmp_path: Path) -> None:
    wires, outcomes = broken(tmp_path, _accept_then_leave, message(), message(), pause=0.1)
    assert [one.kind for one in outcomes] == ["accepted", "accepted"]
    assert len(wires) == 2


@pytest.mark.parametrize(
    ("greeting", "halt"), [("554 no service", True), ("421 busy", False), ("SSH-2.0", False)], ids=["554", "421", "ssh"]
)
def test_a_server_that_does_not_greet_gets_nothing(tmp_path: Path, greeting: str, halt: bool) -> None:
    wires, (outcome,) = broken(tmp_path, _accept_for_ever, message(), greeting=greeting)
    assert (outcome.kind, outcome.halt, wires[0].heard) == ("not_sent", halt, [])
    assert halt or outcome.wait_seconds > 0


def test_nobody_listening_is_not_sent(tmp_path: Path) -> None:
    async def send() -> Sequence[Outcome]:
        async with over(lambda: SMTP(Mailbox()), tmp_path, smtp_port=9) as provider:
            return await provider.send([message()])

    (outcome,) = asyncio.run(send())
    assert (outcome.kind, outcome.wait_seconds) == ("not_sent", 5.0)


@pytest.mark.parametrize(
    ("passes", "heard"), [(0, []), (1, ["MAIL", "RCPT", "DATA"])], ids=["before-mail", "before-the-content"]
)
def test_a_stop_holds_until_the_content_is_written(tmp_path: Path, passes: int, heard: list[str]) -> None:
    left = iter(range(passes))

    def go() -> None:
        if next(left, None) is None:
            raise TooLate("the kill switch is on")

    wires, outcomes = broken(tmp_path, _accept_for_ever, message(go=go), message())
    assert [one.kind for one in outcomes] == ["not_sent", "accepted"]
    assert outcomes[0].detail == "not sent: the kill switch is on"
    assert wires[0].heard[1:] == heard
    assert wires[0].content == b""


@pytest.mark.parametrize(
    ("sent", "what"),
    [
        (message("jörg@post.example"), "local part"),
        (message("ada@post.example\r\nRCPT TO:<eve@post.example>"), "address"),
        (message(headers={"X-Evil": "a\r\nBcc: eve@post.example"}), "control character"),
        (message(subject="half \ud83d"), "half a character"),
    ],
    ids=["local-part", "command", "header", "surrogate"],
)
def test_what_plain_smtp_cannot_carry_is_rejected_before_a_connection(tmp_path: Path, sent: Message, what: str) -> None:
    mailbox = Mailbox()
    (outcome,) = told(mailbox, tmp_path, sent)
    assert outcome.kind == "rejected"
    assert what in outcome.detail
    assert mailbox.greetings == []


def test_a_domain_outside_of_ascii_is_written_in_its_ascii_form(tmp_path: Path) -> None:
    mailbox = Mailbox()
    assert told(mailbox, tmp_path, message("ada@bücher.example"))[0].kind == "accepted"
    assert mailbox.taken[0].rcpt_tos == ["ada@xn--bcher-kva.example"]
