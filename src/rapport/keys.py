"""Keyed identifiers and tokens: what may appear in a URL or at a provider instead of a person's address."""

import base64
import hashlib
import hmac
import re
import unicodedata
from functools import lru_cache
from uuid import UUID

import uuid6
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from rapport.errors import DataError
from rapport.settings import Settings

_SIGNATURE_BYTES = 16
# White space, as str.isspace() sees it, and control characters.
_UNUSABLE = re.compile(r"[\s\x00-\x1f]")


def canonical_address(address: str) -> str:
    """The form under which one mailbox is one recipient: NFC, trimmed, lower case, domain in its ASCII form.

    Raises DataError when it is no address at all.
    """
    text = unicodedata.normalize("NFC", address).strip().lower()
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain or _UNUSABLE.search(text):
        raise DataError("not an e-mail address")
    try:
        return f"{local}@{_ascii_domain(domain)}"
    except UnicodeError:
        raise DataError("not an e-mail address: its domain cannot be encoded") from None


@lru_cache(maxsize=65_536)
def _ascii_domain(domain: str) -> str:
    return domain.encode("idna").decode("ascii")


def recipient_key(settings: Settings, address: str) -> str:
    """Hex HMAC-SHA256 of the canonical address; raises DataError for what is no address."""
    return _mac(settings.secret_key, f"recipient:{canonical_address(address)}").hex()


def sign_token(settings: Settings, purpose: str, payload: str) -> str:
    """`<key id>.<payload>.<signature>`, safe in a URL. The payload is readable: put random ids in it only."""
    body = _encode(payload.encode())
    key = settings.link_keys[0]
    signature = _mac(key, f"{purpose}:{payload}")[:_SIGNATURE_BYTES]
    return f"{key_id(key)}.{body}.{_encode(signature)}"


def verify_token(settings: Settings, purpose: str, token: str) -> str | None:
    """The payload of a token signed for `purpose` with the present or the previous key, else None."""
    parts = token.split(".")
    if len(token) > 500 or len(parts) != 3:
        return None
    try:
        payload = _decode(parts[1]).decode()
        signature = _decode(parts[2])
    except ValueError:
        return None
    for key in settings.link_keys:
        expected = _mac(key, f"{purpose}:{payload}")[:_SIGNATURE_BYTES]
        if key_id(key) == parts[0] and hmac.compare_digest(expected, signature):
            return payload
    return None


def keyed_fraction(settings: Settings, *parts: str) -> float:
    """A number in [0, 1) that depends on the parts and the key only: stable spreads and assignments."""
    return int.from_bytes(_mac(settings.secret_key, "fraction:" + "\x1f".join(parts))[:7]) / 2**56


def uuid7() -> UUID:
    return UUID(bytes=uuid6.uuid7().bytes)


def _mac(key: str, text: str) -> bytes:
    """HMAC-SHA256, begun once a key and then copied: planning asks millions of times."""
    begun = _begun(key).copy()
    begun.update(text.encode())
    return begun.finalize()


@lru_cache(maxsize=16)
def _begun(key: str) -> HMAC:
    return HMAC(key.encode(), SHA256())


def key_id(key: str) -> str:
    """Names a key without telling anything of it."""
    return hashlib.sha256(b"key-id:" + key.encode()).hexdigest()[:8]


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _encode(raw) != text:
        raise ValueError("not the canonical encoding")
    return raw
