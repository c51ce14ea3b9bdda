"""DKIM (RFC 6376, RFC 8463): is the key there with which receivers check the provider's signature?"""

import base64
import binascii

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from rapport.delivery.preflight.lookup import Resolver, tags, texts
from rapport.delivery.preflight.verdict import Level, Verdict

MIN_RSA_BITS = 1024
GOOD_RSA_BITS = 2048
ED25519_BYTES = 32
_PUBLISH = "publish the DKIM record exactly as your mail provider shows it"
_ROTATE = "let your mail provider make a new key, publish it, then switch over"


def check_dkim(resolver: Resolver, selector: str, domain: str) -> Verdict:
    """The key of one selector. Raises CannotTell."""
    check, name = f"dkim {selector}", f"{selector}._domainkey.{domain}"
    found = texts(resolver, name)
    if not found:
        alias = resolver.find(name, "CNAME")
        where = f"{name} points to {str(alias[0]).rstrip('.')}, where no key is" if alias else f"{name} has no key"
        return Verdict(check, "red", where, _PUBLISH)
    if len(found) > 1:
        return Verdict(
            check, "red", f"{name} has {len(found)} TXT records: receivers may take any", "leave one of them"
        )
    try:
        record = tags(found[0])
        level, what = _judge(found[0], record)
    except ValueError as error:
        return Verdict(check, "red", f"{name} cannot be read: {error}", _PUBLISH)
    if level == "green" and "y" in record.get("t", "").split(":"):
        return Verdict(check, "yellow", f"{name}: {what}, marked as a test (t=y)", "take t=y out once mail is signed")
    return Verdict(check, level, f"{name}: {what}", {"red": _PUBLISH, "yellow": _ROTATE}.get(level, ""))


def _judge(text: str, record: dict[str, str]) -> tuple[Level, str]:
    """Raises ValueError for what is no key."""
    fault = _misfit(text, record)
    return ("red", fault) if fault else _key(record)


def _misfit(text: str, record: dict[str, str]) -> str:
    """Why receivers would not use this key for mail; empty when they would."""
    if "v" in record and (record["v"] != "DKIM1" or not text.lstrip().lower().startswith("v")):
        return "does not begin with v=DKIM1"
    if "p" not in record:
        return "has no key (p=)"
    if not record["p"]:
        return "the key is revoked (p= is empty)"
    if "h" in record and "sha256" not in record["h"].replace(" ", "").split(":"):
        return f"allows only {record['h']}, not sha256"
    if not {"*", "email"} & set(record.get("s", "*").replace(" ", "").split(":")):
        return f"is not for mail (s={record['s']})"
    return ""


def _key(record: dict[str, str]) -> tuple[Level, str]:
    kind = record.get("k", "rsa").lower()
    try:
        raw = base64.b64decode("".join(record["p"].split()), validate=True)
    except binascii.Error:
        raise ValueError("p= is not base64") from None
    if kind == "ed25519":
        if len(raw) != ED25519_BYTES:
            raise ValueError(f"an ed25519 key has {ED25519_BYTES} bytes, this one {len(raw)}")
        return "green", "ed25519 key"
    if kind != "rsa":
        raise ValueError(f"k={kind} is neither rsa nor ed25519")
    try:
        key = load_der_public_key(raw)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPublicKey):
        raise ValueError("p= is no RSA public key")
    if key.key_size < MIN_RSA_BITS:
        return "red", f"RSA key of {key.key_size} bits; receivers refuse less than {MIN_RSA_BITS}"
    return "yellow" if key.key_size < GOOD_RSA_BITS else "green", f"RSA key of {key.key_size} bits"
