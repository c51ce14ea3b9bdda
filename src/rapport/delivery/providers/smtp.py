"""Any mail server over SMTP: one message a transaction, explicit timeouts, no retry.

A server answers for a message from the moment it has read the dot that ends it (RFC 5321, section 4.2.5). Until the dot
is written, whatever goes wrong means not sent; after it, only the server's reply says what became of the message.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import aiosmtplib

from rapport.delivery.limits import Limits
from rapport.delivery.mime import as_mime, ascii_address
from rapport.delivery.providers import Message, Outcome, TooLate
from rapport.delivery.providers.hold import Hold
from rapport.delivery.providers.smtp_replies import Step, after_the_dot, refused
from rapport.delivery.providers.smtp_sessions import REFUSED_WAIT_SECONDS, NoSession, Relay, Session, Sessions
from rapport.errors import DataError
from rapport.settings import Settings

_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Mail:
    """A message as the server gets it. `content` ends in the dot."""

    sender: str = field(repr=False)
    recipient: str = field(repr=False)
    content: bytes = field(repr=False)
    digest: str


class Smtp:
    """One mail server. Made by `smtp`, which owns the sessions."""

    max_batch = 1

    def __init__(self, sessions: Sessions, read_seconds: float) -> None:
        self._sessions, self._read_seconds = sessions, read_seconds
        self._hold = Hold()

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """See Provider."""
        return [await self._send(message) for message in messages]

    async def _send(self, message: Message) -> Outcome:
        held = await self._hold.over()
        if held is not None:
            return held
        try:
            mail = _mail(message)
        except DataError as error:
            return Outcome("rejected", f"cannot be sent over SMTP: {error}")
        try:
            session = await self._sessions.take()
        except NoSession as none:
            self._hold.obey(none.outcome)
            return none.outcome
        try:
            outcome = await self._transact(session, message, mail)
        except BaseException:
            session.close()
            raise
        self._sessions.give_back(session)
        self._hold.obey(outcome)
        return outcome

    async def _transact(self, session: Session, message: Message, mail: _Mail) -> Outcome:
        """One mail transaction. `go` is asked before it begins and once more right before the content: only the dot
        that ends the content can make the server accept."""
        client = session.client
        step: Step = "MAIL"
        complete = False
        try:
            message.go()
            await client.mail(mail.sender)
            step = "RCPT"
            await client.rcpt(mail.recipient)
            step = "DATA"
            invitation = await client.execute_command(b"DATA")
            protocol = client.protocol
            if invitation.code != 354 or protocol is None:
                return refused("DATA", invitation.code, invitation.message)
            message.go()
            # Raises only when nothing was written.
            protocol.write(mail.content)
            complete = True
            code, text = await protocol.read_response(self._read_seconds)
            return after_the_dot(code, text, mail.digest)
        except TooLate as late:
            session.close()
            return Outcome("not_sent", f"not sent: {late}")
        except aiosmtplib.SMTPResponseException as reply:
            if complete:
                session.close()
                return Outcome("unknown", "the message was answered with no reply of SMTP", payload_sha256=mail.digest)
            return refused(step, reply.code, reply.message)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            session.close()
            what = type(error).__name__
            if complete:
                return Outcome("unknown", f"no reply to the message: {what}", payload_sha256=mail.digest)
            return Outcome("not_sent", f"not sent: lost at {step} ({what})", wait_seconds=REFUSED_WAIT_SECONDS)


@asynccontextmanager
async def smtp(settings: Settings, limits: Limits, concurrency: int) -> AsyncIterator[Smtp]:
    """The provider with at most `concurrency` sessions, which is how many messages its caller sends at a time. Raises
    PermanentError when a setting is missing or unsafe."""
    sessions = Sessions(Relay.of(settings), limits)
    try:
        yield Smtp(sessions, limits.read_seconds)
    finally:
        sessions.close()


def _mail(message: Message) -> _Mail:
    """Raises DataError when plain SMTP cannot carry it: a local part outside of ASCII, a header that forges another."""
    marked = replace(message, headers={**message.headers, **argument_headers(message.arguments)})
    raw = as_mime(marked)
    end = b"" if raw.endswith(b"\r\n") else b"\r\n"
    content = _LEADING_DOT.sub(b"..", raw) + end + b".\r\n"
    digest = hashlib.sha256(raw).hexdigest()
    return _Mail(ascii_address(message.sender), ascii_address(message.to), content, digest)


def argument_headers(arguments: Mapping[str, str]) -> dict[str, str]:
    """The message's arguments where a mail server's filters and a bounced copy can show them."""
    return {f"X-Rapport-{name.replace('_', '-').title()}": value for name, value in arguments.items()}
