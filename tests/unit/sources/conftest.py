"""A vendor on a real port whose answers a test scripts, and settings that point at it."""

from collections.abc import Iterator

import pytest

from rapport.settings import Settings
from rapport.sources.testing import FakeVendor


@pytest.fixture
def vendor() -> Iterator[FakeVendor]:
    with FakeVendor() as made:
        yield made


@pytest.fixture
def at_vendor(settings: Settings, vendor: FakeVendor) -> Settings:
    return settings.model_copy(update=vendor.settings())
