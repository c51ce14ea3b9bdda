"""Who gets the password and the message: a server that is who it says, inside TLS, and nobody else."""

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rapport.delivery.providers import Outcome

from .mail_server import Mailbox, message, over


@dataclass(frozen=True)
class Certificate:
    path: Path
    server: ssl.SSLContext


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a mail server for tests")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.KeyUsage(True, False, False, False, False, True, True, False, False), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, folder / "key.pem")
    return Certificate(path, context)


def secured(
    tmp_path: Path, mailbox: Mailbox, certificate: Certificate, security: str, number: int = 1, **given: Any
) -> list[Outcome]:
    """Outcomes over a server that offers a login only inside TLS, and STARTTLS unless `security` is tls."""
    starttls = certificate.server if security == "starttls" else None

    def factory() -> SMTP:
        return SMTP(
            mailbox, tls_context=starttls, authenticator=mailbox.authenticate, auth_require_tls=security == "starttls"
        )

    async def send() -> list[Outcome]:
        tls = certificate.server if security == "tls" else None
        async with over(factory, tmp_path, tls=tls, smtp_security=security, **given) as provider:
            return [one for _ in range(number) for one in await provider.send([message()])]

    return asyncio.run(send())


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_trusted_server_takes_login_and_message_inside_tls(
    tmp_path: Path, certificate: Certificate, monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    mailbox = Mailbox()
    given = {"smtp_user": "shop", "smtp_password": "right"}
    outcomes = secured(tmp_path, mailbox, certificate, security, number=2, **given)
    assert [one.kind for one in outcomes] == ["accepted"] * 2
    assert mailbox.logins == [b"shop"]
    assert len(mailbox.taken) == 2


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_server_that_nobody_vouches_for_gets_neither_password_nor_message(
    tmp_path: Path, certificate: Certificate, security: str
) -> None:
    mailbox = Mailbox()
    given = {"smtp_user": "shop", "smtp_password": "right"}
    (outcome,) = secured(tmp_path, mailbox, certificate, security, **given)
    assert (outcome.kind, outcome.halt) == ("not_sent", True)
    assert "certificate" in outcome.detail
    assert (mailbox.logins, mailbox.taken) == ([], [])


def test_a_certificate_for_another_host_is_not_trusted(
    tmp_path: Path, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    (outcome,) = secured(tmp_path, Mailbox(), certificate, "tls", smtp_host="localhost")
    assert (outcome.kind, outcome.halt) == ("not_sent", True)


def test_a_wrong_password_halts_and_is_tried_by_one_message_only(
    tmp_path: Path, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    mailbox = Mailbox()
    given = {"smtp_user": "shop", "smtp_password": "wrong"}
    outcomes = secured(tmp_path, mailbox, certificate, "starttls", number=3, **given)
    assert all(one.halt and one.kind == "not_sent" for one in outcomes)
    assert "535 5.7.8" in outcomes[0].detail
    assert len(mailbox.greetings) == 2  # before and after STARTTLS, of one session
    assert mailbox.taken == []


def test_a_server_without_starttls_gets_nothing(tmp_path: Path) -> None:
    mailbox = Mailbox()

    async def send() -> Sequence[Outcome]:
        async with over(lambda: SMTP(mailbox), tmp_path, smtp_security="starttls") as provider:
            return await provider.send([message()])

    (outcome,) = asyncio.run(send())
    assert (outcome.kind, outcome.halt) == ("not_sent", True)
    assert "STARTTLS" in outcome.detail
    assert mailbox.taken == []
