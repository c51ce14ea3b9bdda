"""The addresses that stand in every mail: a reader's browser must trust them, and the way out must work."""

import http.client
import ssl
from datetime import UTC, datetime
from socket import create_connection
from typing import Protocol
from urllib.parse import urlsplit

import httpx

from rapport.delivery.preflight.verdict import CannotTell, Verdict
from rapport.errors import RapportError

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
HTTPS_PORT = 443
# Issuers renew a month, or with short certificates a third of their life, before the end.
YELLOW_DAYS = 14
RED_DAYS = 3


class UntrustedError(RapportError):
    """A browser would warn of this certificate; the message says why."""


class Web(Protocol):
    def certificate_ends(self, host: str, port: int) -> datetime:
        """When the certificate ends, in UTC. Raises UntrustedError, and CannotTell when the host does not answer."""
        ...

    def status(self, url: str) -> int:
        """Status of one GET without redirects. Raises CannotTell when the host does not answer."""
        ...


class HttpWeb:
    """The real network, with the machine's trust store and no proxy from the environment, as mail itself is sent."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._context = context or ssl.create_default_context()

    def certificate_ends(self, host: str, port: int) -> datetime:
        try:
            with (
                create_connection((host, port), CONNECT_SECONDS) as plain,
                self._context.wrap_socket(plain, server_hostname=host) as secure,
            ):
                certificate = secure.getpeercert() or {}
        except ssl.SSLCertVerificationError as error:
            raise UntrustedError(error.verify_message) from None
        except (OSError, UnicodeError) as error:
            raise CannotTell(f"{host}:{port} does not speak TLS with us ({type(error).__name__})") from None
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)

    def status(self, url: str) -> int:
        timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        try:
            with httpx.Client(timeout=timeout, verify=self._context, trust_env=False) as client:
                return client.get(url).status_code
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CannotTell(f"{urlsplit(url).hostname} does not answer ({type(error).__name__})") from None


def check_tls(web: Web, url: str, now: datetime) -> Verdict:
    """The certificate of one host that mails link to. Raises CannotTell."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    check = f"tls {host or '?'}"
    if parts.scheme != "https" or not host:
        return Verdict(check, "red", f"{url!r} is no https address", "set an https address: every mail links to it")
    try:
        ends = web.certificate_ends(host, parts.port or HTTPS_PORT)
    except UntrustedError as error:
        return Verdict(
            check, "red", f"browsers do not trust the certificate: {error}", f"renew or replace it on {host}"
        )
    days = (ends - now).days
    if days < YELLOW_DAYS:
        found = f"the certificate ends in {days} days" if days >= 0 else "the certificate has ended"
        todo = f"look why it is not renewed by itself on {host}"
        return Verdict(check, "red" if days < RED_DAYS else "yellow", found, todo)
    return Verdict(check, "green", f"trusted, the name matches, {days} days left")


def check_gateway(web: Web, gateway_url: str) -> Verdict:
    """The unsubscribe host answers. Raises CannotTell."""
    url = f"{gateway_url.rstrip('/')}/healthz"
    status = web.status(url)
    if status != http.client.OK:
        todo = "start `rapport gateway`, and check that RAPPORT_GATEWAY_URL leads to it and not to another server"
        return Verdict("unsubscribe host", "red", f"{url} answers {status}: nobody could unsubscribe", todo)
    return Verdict("unsubscribe host", "green", f"{url} answers")
