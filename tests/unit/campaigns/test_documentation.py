"""The marketer's page names every field, filter, outcome and variable that there is."""

from pathlib import Path

import pytest

from rapport.campaigns.folder.model import Campaign, Confirmation
from rapport.campaigns.mail.fields import ALLOWED_FIELDS, CONFIRMATION_FIELDS
from rapport.campaigns.mail.markup import KNOWN
from rapport.campaigns.planning.decide import OUTCOMES

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "campaigns.md").read_text(encoding="utf-8")


FIELDS = {*Campaign.model_fields, *Confirmation.model_fields} - {"folder"}


@pytest.mark.parametrize("word", sorted(FIELDS | set(OUTCOMES) | ALLOWED_FIELDS | CONFIRMATION_FIELDS))
def test_the_page_names_it(word: str) -> None:
    assert f"`{word}`" in PAGE


def test_the_page_names_only_elements_that_exist() -> None:
    named = {part.split("`")[0] for part in PAGE.split("`")[1::2] if part.startswith("mj-") and " " not in part}
    assert named - {"mj-include"} <= KNOWN
