"""A fake vendor and settings that point at it, with a fresh migrated database."""

from collections.abc import Iterator

import pytest

from rapport.settings import Settings
from rapport.sources.testing import FakeVendor


@pytest.fixture
def vendor() -> Iterator[FakeVendor]:
    with FakeVendor() as made:
        yield made


@pytest.fixture
def shop(database: Settings, vendor: FakeVendor) -> Settings:
    return database.model_copy(update=vendor.settings())
