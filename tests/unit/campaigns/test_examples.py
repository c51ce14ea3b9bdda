"""The examples that ship: each is right as it stands, in each of its languages, and is a folder to start from."""

from html import unescape
from pathlib import Path

import pytest

from rapport.campaigns.folder.definition import load_all, load_campaign
from rapport.campaigns.folder.problems import CampaignError
from rapport.campaigns.folder.scaffold import new
from rapport.campaigns.lifecycle.flow import EVENTS, Flow, Step
from rapport.campaigns.lifecycle.triggers import SAMPLES
from rapport.campaigns.mail.preview import preview
from rapport.settings import CHECKOUT, Settings

FOLDER = CHECKOUT / "campaigns" / "examples"
NAMES = sorted(file.parent.name for file in FOLDER.glob("*/campaign.yml"))
LANGUAGES = ("ar", "de", "en", "uk")


def test_every_kind_that_the_manual_names_is_there() -> None:
    manual = (CHECKOUT / "docs" / "flows.md").read_text(encoding="utf-8")
    assert len(NAMES) >= 16
    assert all(f"`{name}`" in manual for name in NAMES)


def test_the_manual_names_every_field_event_and_trigger() -> None:
    manual = (CHECKOUT / "docs" / "flows.md").read_text(encoding="utf-8")
    words = {*Flow.model_fields, *Step.model_fields, *SAMPLES, *EVENTS} - {"folder", "kind"}
    assert [word for word in sorted(words) if f"`{word}`" not in manual] == []


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_right_and_reads_well_in_every_language(settings: Settings, name: str) -> None:
    flow = load_campaign(FOLDER / name, settings)
    assert isinstance(flow, Flow)
    subjects = set()
    for step in flow.steps:
        for language in LANGUAGES:
            mail = preview(flow, settings, {"locale": language}, language=language, step=step.name)
            subjects.add(mail.subject)
            assert ('dir="rtl"' in mail.html) == (language == "ar")
            assert "unsubscribe" not in mail.text.lower() or language == "en"
            assert "{" not in mail.subject + mail.text
    assert len(subjects) == len(LANGUAGES) * len(flow.steps)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_bears_a_reader_of_whom_little_is_known(settings: Settings, name: str) -> None:
    flow = load_campaign(FOLDER / name, settings)
    assert isinstance(flow, Flow)
    sample = {key: _without_links(value) for key, value in SAMPLES[flow.trigger].items()}
    mail = preview(flow, settings, {"first_name": None, "trigger": sample})
    assert "None" not in mail.text + unescape(mail.html)
    assert "Hello there" in mail.text


def _without_links(value: object) -> object:
    if isinstance(value, dict):
        empty = ("url", "image_url", "price", "balance")
        return {key: None if key in empty else _without_links(each) for key, each in value.items()}
    return [_without_links(each) for each in value] if isinstance(value, list) else value


def test_examples_are_switched_off_until_somebody_copies_one(settings: Settings, tmp_path: Path) -> None:
    assert not {"abandoned_cart", "welcome"} & {each.name for each in load_all(CHECKOUT / "campaigns", settings)}
    (tmp_path / "campaigns").mkdir()
    (tmp_path / "campaigns" / "examples").symlink_to(FOLDER)
    made = new("our_carts", tmp_path / "campaigns", "abandoned_cart")
    assert [each.name for each in load_all(tmp_path / "campaigns", settings)] == ["our_carts"]
    assert (made / "body_second.uk.mjml").is_file()
    with pytest.raises(CampaignError, match="Did you mean abandoned_cart"):
        new("other", tmp_path / "campaigns", "abandoned_carts")
