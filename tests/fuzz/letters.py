"""Signed batches of events as the provider posts them, and the ways in which somebody else might try to."""

import base64
import gzip
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from rapport.gateway.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER

from .house import Headers

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
PRIME = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
PATH = "/sendgrid/events"
SIGNATURE, TIMESTAMP = SIGNATURE_HEADER.lower().encode(), TIMESTAMP_HEADER.lower().encode()


@dataclass(frozen=True)
class Letter:
    """One request. `key` signed it; a forger knows everything here but that key."""

    signature: bytes
    stamp: bytes
    body: bytes
    key: ec.EllipticCurvePrivateKey
    extra: tuple[tuple[bytes, bytes], ...] = ()
    # A header that a server in front would refuse or that would keep it waiting: judged in process only.
    only_in_process: bool = False

    @property
    def headers(self) -> Headers:
        signed = [(SIGNATURE, self.signature), (TIMESTAMP, self.stamp)]
        return [*((name, value) for name, value in signed if value != b"-"), *self.extra]

    @property
    def der(self) -> bytes:
        return base64.b64decode(self.signature)

    @property
    def content(self) -> tuple[object, ...]:
        return self.signature, self.stamp, self.body, self.extra


def honest(random: Random, key: ec.EllipticCurvePrivateKey, mark: str) -> Letter:
    events = [
        {
            "email": f"reader{random.randrange(10**6)}@post.example",
            "event": random.choice(["processed", "delivered", "open", "click"]),
            "sg_event_id": f"{mark}-{number}",
            "timestamp": 1_790_000_000 + number,
            "send_id": str(UUID(int=random.getrandbits(128))),
            "attempt_no": "1",
            "installation": "fuzz-installation",
            "environment": "fuzz",
            "response": "250 2.0.0 Grüße, žluťoučký 🐎",
        }
        for number in range(random.choice([1, 2, 5]))
    ]
    return letter(key, json.dumps(events, separators=(",", ":"), ensure_ascii=random.random() < 0.5).encode())


def letter(key: ec.EllipticCurvePrivateKey, body: bytes) -> Letter:
    """`body` as the provider signs it now."""
    stamp = str(int(time.time())).encode()
    return Letter(signed(key, stamp + body), stamp, body, key)


def signed(
    key: ec.EllipticCurvePrivateKey, data: bytes, hashing: Callable[[], hashes.HashAlgorithm] = hashes.SHA256
) -> bytes:
    return base64.b64encode(key.sign(data, ec.ECDSA(hashing())))


def _numbers(random: Random, one: Letter, other: Letter) -> Letter:
    """(r, n - s) is left out: it says nothing else than the provider said."""
    r, s = decode_dss_signature(one.der)
    odd = [0, 1, -1, ORDER - 1, ORDER, ORDER + 1, PRIME, 1 << 256, 1 << 521, random.getrandbits(256)]
    rs = [*odd, r, ORDER + r, -r, ORDER - r, s]
    ss = [*odd, s, ORDER + s, -s, 2 * ORDER - s, r]
    pair = random.choice(rs), random.choice(ss)
    content = b"".join(_integer(number) for number in pair)
    return replace(one, signature=base64.b64encode(_tagged(b"\x30", content)))


def _integer(number: int) -> bytes:
    """DER of any integer; libraries encode no negative ones."""
    return _tagged(b"\x02", number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))


def _tagged(tag: bytes, content: bytes) -> bytes:
    size = len(content)
    return tag + (bytes([size]) if size < 128 else bytes([0x81, size])) + content


def _der(random: Random, one: Letter, other: Letter) -> Letter:
    der = one.der
    at = random.randrange(len(der))
    r, s = decode_dss_signature(der)
    forms = [
        b"",
        b"0\x00",
        b"\x00" * len(der),
        der + b"\x00",
        der + der,
        der[:1] + bytes([der[1] + 1]) + der[2:] + b"\x00",
        b"\x30\x81" + der[1:],
        b"\x30\x80" + der[2:] + b"\x00\x00",
        der[:2] + b"\x02" + bytes([der[3] + 1]) + b"\x00" + der[4:],
        b"\x31" + der[1:],
        der[:at],
        der[:at] + bytes([der[at] ^ (1 << random.randrange(8))]) + der[at + 1 :],
        random.randbytes(random.randrange(80)),
        r.to_bytes(32, "big") + s.to_bytes(32, "big"),
        other.der,
    ]
    return replace(one, signature=base64.b64encode(random.choice(forms)))


def _base64(random: Random, one: Letter, other: Letter) -> Letter:
    text = one.signature
    forms = [
        text + b"=",
        text.rstrip(b"="),
        b" " + text,
        text + b"\n",
        text[:20] + b"\r\n" + text[20:],
        text.replace(b"+", b"-").replace(b"/", b"_"),
        text.swapcase(),
        text + text,
        text + b"," + other.signature,
        one.der.hex().encode(),
        b"\xff" + text,
        text + "é".encode("latin-1"),
        text + b"\x00",
        b"A" * random.choice([127, 129, 5000]),
    ]
    return replace(one, signature=random.choice(forms), only_in_process=True)


def _stamp(random: Random, one: Letter, other: Letter) -> Letter:
    stamp = one.stamp
    number = int(stamp)
    forms = [
        str(number + random.choice([-3600, -1, 1, 3600])).encode(),
        b" " + stamp,
        stamp + b" ",
        b"+" + stamp,
        b"-" + stamp,
        b"0" + stamp,
        stamp + b".0",
        stamp + b"000",
        stamp[:4] + b"_" + stamp[4:],
        hex(number).encode(),
        b"",
        b"9" * random.choice([12, 13, 5000]),
        "".join(chr(0x0660 + int(digit)) for digit in stamp.decode()).encode(),
        b"\xb2" * 10,
        str(number - random.choice([2, 30, 400]) * 86_400).encode(),
    ]
    return replace(one, stamp=random.choice(forms), only_in_process=True)


def _boundary(random: Random, one: Letter, other: Letter) -> Letter:
    """The signed bytes are one run: where the timestamp ends and the body begins must not be movable."""
    run = one.stamp + one.body
    at = random.choice([n for n in range(1, 14) if n != len(one.stamp)])
    return replace(one, stamp=run[:at], body=run[at:], only_in_process=True)


def _body(random: Random, one: Letter, other: Letter) -> Letter:
    body = one.body
    at = random.randrange(len(body))
    document = json.loads(body)
    forms = [
        body[:at] + bytes([body[at] ^ (1 << random.randrange(8))]) + body[at + 1 :],
        body[:at] + body[at + 1 :],
        body[:at] + random.randbytes(random.randrange(1, 4)) + body[at:],
        body[:at],
        b"",
        json.dumps(document, indent=1).encode(),
        json.dumps(document, sort_keys=True).encode(),
        json.dumps(document, separators=(",", ":"), ensure_ascii=b"\\u" not in body).encode(),
        json.dumps([*document, *document]).encode(),
        b"\xef\xbb\xbf" + body,
        body + b"\n",
        b" " + body,
        body + other.body,
        other.body,
        body.decode().encode("utf-16"),
        body.replace(b"delivered", b"unsubscribe").replace(b"processed", b"spamreport").replace(b"open", b"bounce"),
    ]
    return replace(one, body=random.choice(forms))


def _keys(random: Random, one: Letter, other: Letter) -> Letter:
    curve = random.choice([ec.SECP256R1(), ec.SECP384R1(), ec.SECP256K1(), ec.SECP224R1()])
    data = one.stamp + one.body
    forms: list[Callable[[], bytes]] = [
        lambda: signed(ec.generate_private_key(curve), data),
        lambda: signed(one.key, one.body),
        lambda: signed(one.key, one.body + one.stamp),
        lambda: signed(one.key, one.stamp + b"\n" + one.body),
        lambda: signed(one.key, data, hashes.SHA384),
        lambda: signed(one.key, b""),
        lambda: other.signature,
    ]
    return replace(one, signature=random.choice(forms)())


def _headers(random: Random, one: Letter, other: Letter) -> Letter:
    forms = [
        replace(one, signature=b"-"),
        replace(one, stamp=b"-"),
        replace(one, signature=b"-", stamp=b"-"),
        replace(one, signature=b""),
        replace(one, extra=((SIGNATURE, one.signature),)),
        replace(one, extra=((SIGNATURE, other.signature),)),
        replace(one, extra=((TIMESTAMP, one.stamp),)),
        replace(one, body=gzip.compress(one.body), extra=((b"content-encoding", b"gzip"),)),
        replace(one, signature=b"-", extra=((SIGNATURE.replace(b"-", b"_"), one.signature),)),
        *(
            replace(one, extra=((b"content-length", length),), only_in_process=True)
            for length in (b"-1", b"\xb2", b"9" * 5000, b"1e3", b"", b"0x10", b"4194305")
        ),
    ]
    return random.choice(forms)


def _replay(random: Random, one: Letter, other: Letter) -> Letter:
    """Truly the provider's, of another day."""
    age = random.choice([26 * 3600 + 60, 7 * 86_400, -2 * 3600 - 60])
    stamp = str(int(time.time()) - age).encode()
    return replace(one, stamp=stamp, signature=signed(one.key, stamp + one.body))


FORGERIES: dict[str, Callable[[Random, Letter, Letter], Letter]] = {
    "numbers": _numbers,
    "DER": _der,
    "base64": _base64,
    "timestamp": _stamp,
    "boundary": _boundary,
    "body": _body,
    "keys": _keys,
    "headers": _headers,
    "replay": _replay,
}
