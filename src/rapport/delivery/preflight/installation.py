"""Keys, names and clocks: what is set on this machine."""

import base64
import binascii
import ipaddress
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from rapport.delivery.preflight.verdict import Verdict
from rapport.settings import Settings

MAX_CLOCK_DIFFERENCE = timedelta(seconds=30)
PLACEHOLDER_NAME = str(Settings.model_fields["shop_name"].default)


def provider_is_local(settings: Settings) -> bool:
    """Whether mail goes nowhere but to a simulated provider on this machine, as in the demo and in tests. A mail server
    on this machine is no such thing: it passes mail on."""
    if settings.mail_provider != "sendgrid":
        return False
    host = urlsplit(settings.sendgrid_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_provider_key(settings: Settings) -> Verdict:
    """Whether there is what the provider asks for; what is wrong with it only the provider can say."""
    if settings.mail_provider == "smtp":
        return _smtp_account(settings)
    if not settings.sendgrid_api_key:
        todo = "set RAPPORT_SENDGRID_API_KEY, or the password of the Airflow connection `sendgrid`"
        return Verdict("provider key", "red", "there is no key for the mail provider", todo)
    return Verdict("provider key", "green", "set; the first request shows whether it is accepted")


def _smtp_account(settings: Settings) -> Verdict:
    if not settings.smtp_host:
        return Verdict("provider key", "red", "no mail server is named", "set RAPPORT_SMTP_HOST")
    if settings.smtp_user and not settings.smtp_password:
        return Verdict("provider key", "red", "a user without a password", "set RAPPORT_SMTP_PASSWORD")
    return Verdict("provider key", "green", "set; the first session shows whether it is accepted")


def check_webhook_keys(settings: Settings) -> Verdict:
    """Without a key the gateway refuses every event, and no doubtful send is ever settled."""
    if settings.mail_provider == "smtp":
        return Verdict("webhook key", "skipped", "skipped: a mail server sends no events")
    keys = settings.sendgrid_webhook_public_keys
    todo = "copy the public key from SendGrid's Settings > Mail Settings > Event Webhook to " + (
        "RAPPORT_SENDGRID_WEBHOOK_PUBLIC_KEYS"
    )
    if not keys:
        return Verdict("webhook key", "red", "there is no public key for the provider's events", todo)
    bad = [str(number) for number, text in enumerate(keys, 1) if not _is_p256(text)]
    if bad:
        return Verdict("webhook key", "red", f"key {', '.join(bad)} of {len(keys)} is no base64 of a P-256 key", todo)
    return Verdict("webhook key", "green", f"{len(keys)} public key{'s' if len(keys) > 1 else ''}")


def check_identity(settings: Settings, *, local: bool) -> Verdict:
    """Law asks for the sender's legal name and postal address in every promotional mail."""
    name, address = settings.shop_name.strip(), settings.shop_postal_address.strip()
    if not address:
        return Verdict("shop", "red", "the postal address is not set", "set RAPPORT_SHOP_POSTAL_ADDRESS")
    if not name or name == PLACEHOLDER_NAME:
        found = f"the legal name is {'still the placeholder' if name else 'not set'}"
        return Verdict("shop", "yellow" if local and name else "red", found, "set RAPPORT_SHOP_NAME")
    return Verdict("shop", "green", "legal name and postal address are set")


def check_clock(settings: Settings, ours: datetime, database: datetime, *, local: bool) -> Verdict:
    """Two clocks, both aware. What is due and what has expired is told by ours, leases are told by the database's."""
    if settings.clock_file and local:
        return Verdict("clock", "skipped", "the time is made up (RAPPORT_CLOCK_FILE), as in the demo")
    difference = abs(ours - database)
    if difference > MAX_CLOCK_DIFFERENCE:
        todo = "let both machines follow a time server (chrony, systemd-timesyncd)"
        if settings.clock_file:
            todo = "unset RAPPORT_CLOCK_FILE: a made-up time must not send real mail"
        found = f"our clock and the database's differ by {difference.total_seconds():,.0f} s"
        return Verdict("clock", "red", found, todo)
    return Verdict("clock", "green", f"differs from the database's by {difference.total_seconds():.1f} s")


def _is_p256(text: str) -> bool:
    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        return False
    return isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
