"""The real network side of preflight on loopback, and the command: TLS with a private authority, HTTP, exit codes."""

import base64
import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from rapport.delivery.preflight import CannotTell
from rapport.delivery.preflight.endpoints import HttpWeb, UntrustedError
from rapport.settings import Settings

TODAY = datetime.now(UTC).replace(microsecond=0)


class Authority:
    """Signs certificates for hosts of this machine."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test authority")])
        self.certificate = self._sign(self._name, self._key.public_key(), TODAY + timedelta(days=99), None)

    def server_context(self, folder: Path, host: str, ends: datetime) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
        certificate = self._sign(subject, key.public_key(), ends, host)
        file = folder / f"{host}.pem"
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(pem + certificate.public_bytes(Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def client_context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.certificate.public_bytes(Encoding.PEM).decode())

    def _sign(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, ends: datetime, host: str | None
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(TODAY - timedelta(days=9))
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if host is None:
            others = "digital_signature content_commitment key_encipherment data_encipherment key_agreement"
            usage = dict.fromkeys([*others.split(), "encipher_only", "decipher_only"], False)
            builder = builder.add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True)
        else:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        return builder.sign(self._key, hashes.SHA256())


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response({"/healthz": 200, "/moved": 302}.get(self.path, 503))
        self.send_header("Location", "/healthz")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def web_server(context: ssl.SSLContext | None = None) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def test_a_trusted_certificate_tells_when_it_ends(authority: Authority, tmp_path: Path) -> None:
    ends = TODAY + timedelta(days=40)
    with web_server(authority.server_context(tmp_path, "localhost", ends)) as port:
        assert HttpWeb(authority.client_context()).certificate_ends("localhost", port) == ends


@pytest.mark.parametrize("fault", ["other-name", "ended", "other-authority"])
def test_what_a_browser_would_warn_of_is_untrusted(authority: Authority, tmp_path: Path, fault: str) -> None:
    ends = TODAY - timedelta(days=1) if fault == "ended" else TODAY + timedelta(days=40)
    host = "elsewhere.example" if fault == "other-name" else "localhost"
    trusted = Authority() if fault == "other-authority" else authority
    with (
        web_server(authority.server_context(tmp_path, host, ends)) as port,
        pytest.raises(UntrustedError) as refused,
    ):
        HttpWeb(trusted.client_context()).certificate_ends("localhost", port)
    word = {"other-name": "mismatch", "ended": "expired", "other-authority": "local issuer"}[fault]
    assert word in str(refused.value)


def test_a_host_without_tls_or_without_a_server_tells_nothing() -> None:
    web = HttpWeb()
    with web_server() as port, pytest.raises(CannotTell):
        web.certificate_ends("127.0.0.1", port)
    with pytest.raises(CannotTell):
        web.certificate_ends("127.0.0.1", port)
    with pytest.raises(CannotTell):
        web.status(f"http://127.0.0.1:{port}/healthz")
    with pytest.raises(CannotTell):
        web.status("gopher://127.0.0.1/")


def test_a_redirect_is_not_followed(authority: Authority, tmp_path: Path) -> None:
    web = HttpWeb(authority.client_context())
    with web_server(authority.server_context(tmp_path, "localhost", TODAY + timedelta(days=9))) as port:
        assert web.status(f"https://localhost:{port}/healthz") == 200
        assert web.status(f"https://localhost:{port}/moved") == 302


def command(settings: Settings, gateway_port: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    variables = {
        "RAPPORT_HOME": str(settings.home),
        "RAPPORT_DATABASE_URL": str(settings.database_url),
        "RAPPORT_SENDGRID_URL": "http://127.0.0.1:9",
        "RAPPORT_SENDGRID_API_KEY": "SG.very-secret",
        "RAPPORT_SENDGRID_WEBHOOK_PUBLIC_KEYS": base64.b64encode(der).decode(),
        "RAPPORT_SHOP_NAME": "Ada & Co Ltd",
        "RAPPORT_SHOP_POSTAL_ADDRESS": "1 Street, Town",
        "RAPPORT_GATEWAY_URL": f"http://127.0.0.1:{gateway_port}",
        "COLUMNS": "160",
    }
    return subprocess.run(
        [sys.executable, "-c", "from rapport.cli import main; main()", "preflight", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], **variables},
    )


def test_the_command_says_what_is_wrong_and_leaves_with_one(database: Settings) -> None:
    with web_server() as port:
        good = command(database, port, "--json")
        table = command(database, port)
    bad = command(database, port, "--json")
    assert good.returncode == 0, good.stderr
    document = json.loads(good.stdout)
    assert document["passed"] is True
    assert {verdict["level"] for verdict in document["verdicts"]} == {"green", "skipped"}
    assert table.returncode == 0
    assert "skipped: the provider is on this machine" in table.stdout
    assert "mail may leave" in table.stdout
    assert bad.returncode == 1
    assert [verdict["check"] for verdict in json.loads(bad.stdout)["verdicts"] if verdict["level"] == "red"] == [
        "unsubscribe host"
    ]
    assert "very-secret" not in good.stdout + table.stdout + bad.stdout
