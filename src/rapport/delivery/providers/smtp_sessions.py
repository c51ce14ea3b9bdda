"""Sessions with one mail server: opened, secured, logged in, and kept for the next message."""

import asyncio
import ssl
import time
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal, get_args

import aiosmtplib

from rapport.delivery.limits import Limits
from rapport.delivery.mime import ascii_address
from rapport.delivery.providers import Outcome
from rapport.delivery.providers.smtp_replies import refused
from rapport.errors import PermanentError, RapportError
from rapport.settings import Settings

Security = Literal["starttls", "tls", "none"]
PORTS: dict[Security, int] = {"starttls": 587, "tls": 465, "none": 25}
# Servers close a session that idles (some after ten seconds) or has carried many messages (some after a hundred).
IDLE_SECONDS = 8.0
MESSAGES_PER_SESSION = 100
REFUSED_WAIT_SECONDS = 5.0


class NoSession(RapportError):
    """No session could be opened, so nothing was sent; `outcome` is what that means for the message."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.detail)
        self.outcome = outcome


@dataclass(frozen=True)
class Relay:
    """The mail server that takes our messages. Made by `of`."""

    host: str
    port: int
    security: Security
    user: str | None
    password: str | None = field(repr=False)
    greeting_name: str

    @classmethod
    def of(cls, settings: Settings) -> "Relay":
        """Raises PermanentError for a missing host, an unknown security, and a password that everybody could read."""
        host = settings.require("smtp_host")
        inside = is_loopback(host)
        security = settings.smtp_security or ("none" if inside else "starttls")
        if security not in PORTS:
            raise PermanentError(f"RAPPORT_SMTP_SECURITY must be one of {', '.join(get_args(Security))}")
        if security == "none" and settings.smtp_user and not inside:
            raise PermanentError("RAPPORT_SMTP_SECURITY=none would send the password in clear: use starttls or tls")
        name = ascii_address(settings.require("mail_from")).rpartition("@")[2]
        password = settings.smtp_password if settings.smtp_user else None
        return cls(host, settings.smtp_port or PORTS[security], security, settings.smtp_user or None, password, name)


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass
class Session:
    """A client at the start of a mail transaction."""

    client: aiosmtplib.SMTP
    messages: int = 0
    used_at: float = 0.0

    def close(self) -> None:
        """Cuts the line without a word: what the server was told until now comes to nothing (RFC 5321, 4.1.1.4)."""
        self.client.close()


class Sessions:
    """Idle sessions, the last used first. Whoever takes one gives it back or closes it."""

    def __init__(self, relay: Relay, limits: Limits) -> None:
        self._relay, self._limits = relay, limits
        # The system's certificates; OpenSSL's own SSL_CERT_FILE names others.
        self._tls = ssl.create_default_context() if relay.security != "none" else None
        self._idle: list[Session] = []

    async def take(self) -> Session:
        """A session that just answered. Raises NoSession."""
        while self._idle:
            session = self._idle.pop()
            if time.monotonic() - session.used_at < IDLE_SECONDS and await _answers(session):
                return session
            session.close()
        return await self._open()

    def give_back(self, session: Session) -> None:
        session.messages += 1
        session.used_at = time.monotonic()
        if session.client.is_connected and session.messages < MESSAGES_PER_SESSION:
            self._idle.append(session)
        else:
            session.close()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    async def _open(self) -> Session:
        relay = self._relay
        client = aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            username=relay.user,
            password=relay.password,
            local_hostname=relay.greeting_name,
            timeout=self._limits.connect_seconds,
            use_tls=relay.security == "tls",
            start_tls=relay.security == "starttls",
            tls_context=self._tls,
        )
        try:
            async with asyncio.timeout(self._limits.connect_seconds + self._limits.read_seconds):
                await client.connect()
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise NoSession(_unopened(error)) from None
        client.timeout = self._limits.read_seconds
        return Session(client)


async def _answers(session: Session) -> bool:
    """Also ends whatever transaction the last message left open."""
    try:
        await session.client.rset()
    except (aiosmtplib.SMTPException, OSError, TimeoutError):
        return False
    return True


def _unopened(error: Exception) -> Outcome:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        is_login = isinstance(error, aiosmtplib.SMTPAuthenticationError)
        return refused("login" if is_login else "greeting", error.code, error.message)
    for cause in (error, error.__cause__):
        if isinstance(cause, ssl.SSLCertVerificationError):
            detail = "not sent: the mail server's certificate is not trusted or names another host"
            return Outcome("not_sent", detail, halt=True)
    if isinstance(error, aiosmtplib.SMTPException) and not isinstance(error, (ConnectionError, TimeoutError)):
        # The client's own words for what the server does not offer.
        return Outcome("not_sent", "not sent: the mail server offers no STARTTLS or no login that we know", halt=True)
    what = type(error).__name__
    return Outcome("not_sent", f"not sent: no session ({what})", wait_seconds=REFUSED_WAIT_SECONDS)
