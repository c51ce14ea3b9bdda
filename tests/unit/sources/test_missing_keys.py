"""A key that is missing: the error names its variable and where the remedy stands, before any request is made."""

from pathlib import Path

import pytest

from rapport.clock import SystemClock
from rapport.errors import PermanentError
from rapport.landing.pipeline import find_source
from rapport.settings import Settings
from rapport.sources.records import Intake
from rapport.sources.testing import FakeVendor

README = Path(__file__).resolve().parents[3] / "README.md"
KEYS = [
    ("shopify", "shopify_token"),
    ("zendesk", "zendesk_email"),
    ("zendesk", "zendesk_token"),
    ("bluesky", "bluesky_handle"),
    ("bluesky", "bluesky_app_password"),
]


@pytest.mark.parametrize(("source", "key"), KEYS)
def test_a_missing_key_is_named_before_any_request(
    at_vendor: Settings, vendor: FakeVendor, source: str, key: str
) -> None:
    settings = at_vendor.model_copy(update={key: None})
    with pytest.raises(PermanentError) as raised:
        find_source(source).feeds(settings, SystemClock(), Intake(sink=lambda _, __: None), lambda _: None)
    assert f"RAPPORT_{key.upper()} is not set" in str(raised.value)
    assert f"Airflow connection '{source}'" in str(raised.value)
    section = str(raised.value).split("README, '")[1].split("'")[0]
    assert f"## {section}" in README.read_text(encoding="utf-8")
    assert vendor.requests == []


def test_a_setting_of_the_shop_itself_has_no_connection(settings: Settings) -> None:
    with pytest.raises(PermanentError, match=r"RAPPORT_SHOP_POSTAL_ADDRESS is not set\. Put it into .* or \.env \("):
        settings.model_copy(update={"shop_postal_address": ""}).require("shop_postal_address")
