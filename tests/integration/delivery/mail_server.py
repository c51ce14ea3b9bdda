"""Mail servers on loopback: aiosmtpd with answers as told, and a line that may break off anywhere."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import SMTP as MAIL_POLICY
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from rapport.delivery.limits import Limits
from rapport.delivery.providers import Message
from rapport.delivery.providers.smtp import Smtp, smtp
from rapport.keys import uuid7
from rapport.settings import Settings

LIMITS = Limits(connect_seconds=2, read_seconds=5)
IMPATIENT = Limits(connect_seconds=0.5, read_seconds=0.5)


def message(address: str = "ada@post.example", go: Callable[[], None] = lambda: None, **more: Any) -> Message:
    send_id = str(uuid7())
    values: dict[str, Any] = {
        "to": address,
        "sender": "hello@shop.example",
        "sender_name": "Ada & Co",
        "reply_to": "help@shop.example",
        "subject": "Grüße 🙂",
        "text": ".a line with a dot\n..and two\n.\nend",
        "html": "<p>Grüße</p>",
        "headers": {"List-Unsubscribe": f"<https://shop.example/u/{send_id}>"},
        "arguments": {"send_id": send_id, "attempt_no": "1"},
        "category": "hello",
        "go": go,
    }
    return Message(**(values | more))


class Mailbox:
    """The server's side: keeps what it took, and answers as told; methods are named as aiosmtpd calls them."""

    def __init__(self, **replies: str) -> None:
        self.replies = replies
        self.taken: list[Envelope] = []
        self.greetings: list[str] = []
        self.logins: list[bytes] = []

    async def handle_EHLO(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.greetings.append(hostname)
        return responses

    async def handle_MAIL(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "MAIL" not in self.replies:
            envelope.mail_from = address
        return self.replies.get("MAIL", "250 2.1.0 Ok")

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = self.replies.get(address, self.replies.get("RCPT", "250 2.1.5 Ok"))
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        reply = self.replies.get("END", f"250 2.0.0 Ok: queued as Q{len(self.taken)}abc")
        if reply == "abort":
            assert server.transport is not None
            self.taken.append(envelope)
            server.transport.abort()
            return "250 never seen"
        if reply == "hang":
            self.taken.append(envelope)
            await asyncio.sleep(30)
        if reply.startswith("250"):
            self.taken.append(envelope)
        return reply

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, auth_data: LoginPassword
    ) -> AuthResult:
        self.logins.append(auth_data.login)
        return AuthResult(success=auth_data == LoginPassword(b"shop", b"right"), handled=False)

    def mails(self) -> list[Any]:
        return [message_from_bytes(one.original_content or b"", policy=MAIL_POLICY) for one in self.taken]


@asynccontextmanager
async def over(
    factory: Callable[[], asyncio.Protocol], tmp_path: Path, limits: Limits = LIMITS, tls: Any = None, **given: Any
) -> AsyncIterator[Smtp]:
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0, ssl=tls)
    changes = {"smtp_host": "127.0.0.1", "smtp_port": server.sockets[0].getsockname()[1]} | given
    settings = Settings(home=tmp_path, installation_id="t", secret_key="k").model_copy(update=changes)
    try:
        async with smtp(settings, limits, 4) as provider:
            yield provider
    finally:
        server.close()


Script = Callable[["Wire"], Awaitable[None]]


@dataclass
class Wire:
    """A server that reads lines and may break off anywhere. `content` is what came after its invitation."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    heard: list[str] = field(default_factory=list)
    content: bytes = b""

    async def say(self, line: str) -> None:
        self.writer.write(line.encode() + b"\r\n")
        await self.writer.drain()

    async def until(self, verb: str) -> None:
        """Says yes to everything before `verb`."""
        while True:
            heard = (await self.reader.readline()).decode().strip()
            if not heard:
                raise ConnectionResetError
            self.heard.append(heard.split(" ")[0])
            if heard.startswith(verb):
                return
            await self.say("250 ok")

    async def read_content(self) -> None:
        self.content = await self.reader.readuntil(b"\r\n.\r\n")

    def cut(self) -> None:
        self.writer.transport.abort()
