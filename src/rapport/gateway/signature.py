"""The Signed Event Webhook: ECDSA P-256 over the timestamp header and the raw bytes, checked before parsing."""

import base64
import binascii
import time
from collections.abc import Callable, Sequence

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from rapport.errors import PermanentError

SIGNATURE_HEADER = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP_HEADER = "X-Twilio-Email-Event-Webhook-Timestamp"
# The provider repeats for 24 hours under the first signature; two more for clocks that differ.
REPLAY_SECONDS = 26 * 3600
AHEAD_SECONDS = 2 * 3600
# A DER signature of two 32-byte numbers has at most 72 bytes.
MAX_SIGNATURE_CHARS = 128
MAX_TIMESTAMP_CHARS = 12


class Verifier:
    """Knows the present key and, while one replaces the other, the next."""

    def __init__(self, public_keys: Sequence[str], now: Callable[[], float] = time.time) -> None:
        """`public_keys` are base64 DER. Raises PermanentError for what is no P-256 key. `now` is the real clock: the
        provider's signing time has nothing to do with the shop's injected one."""
        self._keys = [_load(number, text) for number, text in enumerate(public_keys, 1)]
        self._now = now

    def refusal(self, signature: str | None, timestamp: str | None, body: bytes) -> str | None:
        """Why these bytes are not the provider's, or None when they are. Never raises.

        ECDSA lets anybody turn a signature (r, s) into (r, n - s), which is as valid for the very same timestamp and
        body. That is no forgery: it says nothing that the provider did not say, and each event counts once by its id.
        """
        if not self._keys:
            return "no_key"
        if not signature or not timestamp:
            return "unsigned"
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= MAX_TIMESTAMP_CHARS):
            return "timestamp"
        age = self._now() - int(timestamp)
        if age > REPLAY_SECONDS or age < -AHEAD_SECONDS:
            return "replay"
        raw = _decoded(signature)
        if raw is None or not any(_verifies(key, raw, timestamp.encode() + body) for key in self._keys):
            return "signature"
        return None


def _decoded(signature: str) -> bytes | None:
    if len(signature) > MAX_SIGNATURE_CHARS or not signature.isascii():
        return None
    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return None
    # Unused bits at the end could otherwise be anything.
    return raw if base64.b64encode(raw).decode() == signature else None


def _verifies(key: ec.EllipticCurvePublicKey, signature: bytes, data: bytes) -> bool:
    try:
        key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _load(number: int, text: str) -> ec.EllipticCurvePublicKey:
    try:
        key = serialization.load_der_public_key(base64.b64decode(text, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise PermanentError(
            f"RAPPORT_SENDGRID_WEBHOOK_PUBLIC_KEYS: key {number} is not the base64 of a P-256 public key; copy it from "
            "SendGrid's Settings > Mail Settings > Event Webhook"
        )
    return key
