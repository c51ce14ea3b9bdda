"""A campaigns folder beside a dbt project with two segments."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rapport.campaigns.folder.scaffold import new
from rapport.settings import Settings

Edit = Callable[..., Path]


@pytest.fixture
def shop(tmp_path: Path) -> Settings:
    segments = tmp_path / "dbt_project" / "models" / "segments"
    segments.mkdir(parents=True)
    for name in ("loyal", "lapsed", "customer_segments"):
        (segments / f"{name}.sql").write_text("select 1")
    return Settings(
        project_dir=tmp_path,
        environment="test",
        installation_id="test",
        secret_key="a-key-for-tests-only",
        shop_name="Müller & Sons Ltd",
        shop_postal_address="1 Test Street, Testville",
    )


@pytest.fixture
def spring(shop: Settings) -> Edit:
    """Makes campaigns/spring from the scaffold, with one replacement in one file."""

    def make(old: str = "", text: str = "", file: str = "campaign.yml") -> Path:
        folder = shop.campaigns_dir / "spring"
        if not folder.exists():
            new("spring", shop.campaigns_dir)
        path = folder / file
        content = path.read_text(encoding="utf-8")
        assert old in content
        path.write_text(content.replace(old, text, 1) if old else content, encoding="utf-8")
        return folder

    return make
