"""Nothing but the provider's own bytes, at about their own time, passes."""

import base64

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from rapport.errors import PermanentError
from rapport.gateway.signature import Verifier

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
TIME = 1_800_000_000
KEY = ec.generate_private_key(ec.SECP256R1())
BODY = b'[{"event":"open"}]'


def public(key: ec.EllipticCurvePrivateKey) -> str:
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def sign(body: bytes = BODY, timestamp: int = TIME, key: ec.EllipticCurvePrivateKey = KEY) -> str:
    return base64.b64encode(key.sign(str(timestamp).encode() + body, ec.ECDSA(hashes.SHA256()))).decode()


VERIFIER = Verifier([public(KEY)], now=lambda: TIME + 5.0)


def test_the_providers_own_bytes_pass() -> None:
    assert VERIFIER.refusal(sign(), str(TIME), BODY) is None


def test_both_keys_pass_while_one_replaces_the_other() -> None:
    new = ec.generate_private_key(ec.SECP256R1())
    both = Verifier([public(KEY), public(new)], now=lambda: TIME)
    assert both.refusal(sign(), str(TIME), BODY) is None
    assert both.refusal(sign(key=new), str(TIME), BODY) is None
    assert Verifier([public(new)], now=lambda: TIME).refusal(sign(), str(TIME), BODY) == "signature"


@pytest.mark.parametrize(("age", "refusal"), [(25.9, None), (26.1, "replay"), (-1.9, None), (-2.1, "replay")])
def test_a_day_of_repeats_passes_and_a_replay_does_not(age: float, refusal: str | None) -> None:
    verifier = Verifier([public(KEY)], now=lambda: TIME + age * 3600)
    assert verifier.refusal(sign(), str(TIME), BODY) == refusal


R, S = decode_dss_signature(base64.b64decode(sign()))


@pytest.mark.parametrize(
    ("r", "s"),
    [(0, S), (R, 0), (ORDER, S), (R, ORDER), (R + ORDER, S), (R, S + ORDER), (0, 0), (1, 1), (S, R)],
    ids=["r=0", "s=0", "r=n", "s=n", "r+n", "s+n", "both 0", "both 1", "swapped"],
)
def test_signatures_out_of_range_are_refused(r: int, s: int) -> None:
    forged = base64.b64encode(encode_dss_signature(r, s)).decode()
    assert VERIFIER.refusal(forged, str(TIME), BODY) == "signature"


@pytest.mark.parametrize(
    "signature",
    ["", "AA==", "MAA=", "%%%", "é", "A" * 4000, sign() + "A", " " + sign()],
    ids=["empty", "zero", "empty DER", "no base64", "not ASCII", "huge", "longer", "space before"],
)
def test_broken_signatures_are_refused(signature: str) -> None:
    assert VERIFIER.refusal(signature, str(TIME), BODY) in ("signature", "unsigned")


@pytest.mark.parametrize("timestamp", ["", "-1", "1e9", "１８", str(TIME + 1), f" {TIME}", f"0{TIME}", "9" * 40])
def test_other_timestamps_are_refused(timestamp: str) -> None:
    assert VERIFIER.refusal(sign(), timestamp, BODY) is not None


@given(st.integers(0, len(BODY) - 1), st.binary(max_size=3))
def test_no_changed_body_passes(at: int, noise: bytes) -> None:
    forged = BODY[:at] + noise + BODY[at + 1 :]
    assert forged == BODY or VERIFIER.refusal(sign(), str(TIME), forged) == "signature"


def test_without_a_key_nothing_passes() -> None:
    assert Verifier([]).refusal(sign(), str(TIME), BODY) == "no_key"


@pytest.mark.parametrize("text", ["", "no base64", base64.b64encode(b"x").decode()])
def test_a_key_that_is_none_is_named(text: str) -> None:
    with pytest.raises(PermanentError, match="key 1"):
        Verifier([text])


def test_a_key_of_another_curve_is_refused() -> None:
    with pytest.raises(PermanentError):
        Verifier([public(ec.generate_private_key(ec.SECP384R1()))])
