import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.errors import DataError
from rapport.keys import canonical_address, recipient_key, sign_token, verify_token
from rapport.settings import Settings


def test_spellings_of_one_mailbox_are_one_recipient(settings: Settings) -> None:
    assert recipient_key(settings, " Zoë@Bücher.Example ") == recipient_key(settings, "zoe\u0308@bücher.example")


def test_a_recipient_is_the_hmac_of_the_address(settings: Settings) -> None:
    """By the standard library: every suppression and consent on record hangs on this form."""
    for address in ("joe@example.com", "ann@example.com", "joe@example.com"):
        expected = hmac.digest(settings.secret_key.encode(), f"recipient:{address}".encode(), "sha256").hex()
        assert recipient_key(settings, address) == expected


@pytest.mark.parametrize("text", ["", "nobody", "@example.com", "a@", "a b@example.com", "a@b\r\nBcc: c@d"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(DataError):
        canonical_address(text)


def test_a_token_serves_its_own_purpose_only(settings: Settings) -> None:
    token = sign_token(settings, "unsubscribe", "42")
    assert verify_token(settings, "unsubscribe", token) == "42"
    assert verify_token(settings, "survey", token) is None


def test_the_previous_key_still_opens_old_links(settings: Settings) -> None:
    token = sign_token(settings, "unsubscribe", "42")
    rotated = settings.model_copy(update={"link_key": "new", "link_key_previous": settings.secret_key})
    assert verify_token(rotated, "unsubscribe", token) == "42"
    assert sign_token(rotated, "unsubscribe", "42") != token
    assert recipient_key(rotated, "a@b.example") == recipient_key(settings, "a@b.example")


def test_a_key_that_is_withdrawn_opens_nothing(settings: Settings) -> None:
    token = sign_token(settings, "unsubscribe", "42")
    assert verify_token(settings.model_copy(update={"link_key": "new"}), "unsubscribe", token) is None


@given(st.text(max_size=60), st.integers(0, 59))
def test_no_changed_token_is_accepted(noise: str, at: int) -> None:
    settings = Settings(secret_key="k", installation_id="i")
    token = sign_token(settings, "unsubscribe", "42")
    forged = token[:at] + noise + token[at + 1 :]
    assert forged == token or verify_token(settings, "unsubscribe", forged) is None
