"""Versions of a flow's step: what the block may say, whom the lot gives what, and what each version's mail is."""

from collections import Counter
from pathlib import Path

import pytest

from rapport.campaigns.folder.definition import CampaignError, Flow, json_schema, load_campaign
from rapport.campaigns.folder.scaffold import new
from rapport.campaigns.lifecycle.flow import by_step
from rapport.campaigns.mail import content
from rapport.campaigns.mail.page_check import check_pages
from rapport.campaigns.mail.preview import preview
from rapport.campaigns.outcome import variants
from rapport.errors import PermanentError
from rapport.settings import CHECKOUT, Settings

MARK = "  - name: second\n"
BLOCK = """    experiment:
      name: short
      variants:
        a: { share: 50 }
        b: { share: 50, subject: { en: "Still here", de: "Noch da", ar: "ما زالت هنا", uk: "Ще тут" } }
"""
KEYS = [f"{number:064x}" for number in range(4_000)]


def written(tmp_path: Path, first: str = BLOCK, second: str = "") -> Path:
    (tmp_path / "examples").symlink_to(CHECKOUT / "campaigns" / "examples")
    folder = new("ours", tmp_path, "abandoned_cart")
    file = folder / "campaign.yml"
    text = file.read_text(encoding="utf-8")
    assert MARK in text
    text = text.replace(MARK, first + MARK).replace("\nutm:", f"{second}\nutm:")
    file.write_text(text, encoding="utf-8")
    return folder


def flow_of(folder: Path, settings: Settings) -> Flow:
    flow = load_campaign(folder, settings)
    assert isinstance(flow, Flow)
    return flow


def test_each_version_of_a_step_is_compiled_in_every_language(tmp_path: Path, settings: Settings) -> None:
    folder = written(tmp_path, BLOCK.replace("subject:", "body: body_second, subject:"))
    plain = content.compile_versions(flow_of(new("plain", tmp_path, "abandoned_cart"), settings))
    made = content.compile_versions(flow_of(folder, settings))
    assert list(made) == ["first", "first/b", "second"]
    assert {template.language for template in made["first/b"]} == {"en", "de", "ar", "uk"}
    assert {template.variant for template in made["first"]} == {"a"}
    assert {template.variant for template in made["first/b"]} == {"b"}
    assert [each.html for each in made["first"]] == [each.html.replace("=plain", "=ours") for each in plain["first"]]
    assert made["first/b"][0].body_text == made["second"][0].body_text != made["first"][0].body_text
    assert made["first/b"][0].template_version != made["second"][0].template_version
    steps = by_step(flow_of(folder, settings), made)
    assert [template.variant for template in steps["first"]] == ["a"] * 4 + ["b"] * 4


def test_the_lot_of_a_step_keeps_to_its_people(tmp_path: Path, settings: Settings) -> None:
    settings = settings.model_copy(update={"secret_key": "a-key-for-tests-only"})
    other = BLOCK.replace("short", "other")
    flow = flow_of(written(tmp_path, second=BLOCK), settings)
    first, second = (flow.planned_as(step) for step in flow.steps)
    drawn = [variants.assign(settings, first, key) for key in KEYS]
    assert Counter(drawn)["b"] / len(KEYS) == pytest.approx(0.5, abs=0.04)
    assert drawn == [variants.assign(settings, second, key) for key in KEYS], "one name, one version in both steps"
    file = flow.folder / "campaign.yml"
    text = file.read_text(encoding="utf-8").replace(BLOCK, "", 1).replace(BLOCK, other)
    file.write_text(text, encoding="utf-8")
    flow = flow_of(flow.folder, settings)
    assert variants.assign(settings, flow.planned_as(flow.steps[0]), KEYS[0]) == "a"
    renamed = [variants.assign(settings, flow.planned_as(flow.steps[1]), key) for key in KEYS]
    same = sum(one == another for one, another in zip(drawn, renamed, strict=True))
    assert same / len(KEYS) == pytest.approx(0.5, abs=0.04)


def test_a_version_of_a_step_can_be_looked_at(tmp_path: Path, settings: Settings) -> None:
    flow = flow_of(written(tmp_path, BLOCK.replace("subject:", 'preheader: "Here", subject:')), settings)
    assert preview(flow, settings, step="first", variant="b").subject == "Still here"
    assert preview(flow, settings, step="first", variant="b", language="uk").subject == "Ще тут"
    assert preview(flow, settings, step="first").subject != "Still here"
    with pytest.raises(PermanentError, match="no step 'second/b'; there are: first, first/b, second"):
        preview(flow, settings, step="second", variant="b")
    hints = check_pages(flow, settings).hints
    assert any(hint.startswith("ours first/b in uk: there is no preheader") for hint in hints)


@pytest.mark.parametrize(
    ("old", "text", "line", "told"),
    [
        pytest.param(
            "      variants:",
            "      winner: { by: clicks, test_percent: 20, after: 4h }\n      variants:",
            "winner:",
            "steps.0.experiment.winner: is not for a flow: people come to a step one by one",
            id="winner",
        ),
        pytest.param("b: { share: 50", "b: { share: 40", "experiment:", "sum to 90, not to 100", id="shares"),
        pytest.param("subject:", "subjct:", "        b: {", "variants.b.subjct: is no field. Did you", id="typo"),
        pytest.param("subject:", "offer: ten_off, subject:", "        b: {", "b.offer: there is no coupon", id="offer"),
        pytest.param(
            "subject:", "window: { from: '22:00', to: '23:00' }, subject:", "        b: {", "lies wholly", id="window"
        ),
        pytest.param("Still here", "{{ frist_name }}", "        b: {", "no field 'frist_name'. Did you", id="field"),
        pytest.param(', de: "Noch da"', "", "        b: {", "b.subject: has no text in 'de'", id="language"),
        pytest.param("subject:", "body: body_b, subject:", None, "ours/body_b.ar.mjml: missing", id="body"),
    ],
)
def test_a_mistake_in_the_block_has_its_line_and_its_remedy(
    tmp_path: Path, settings: Settings, old: str, text: str, line: str | None, told: str
) -> None:
    assert old in BLOCK
    folder = written(tmp_path, BLOCK.replace(old, text, 1))
    with pytest.raises(CampaignError) as caught:
        load_campaign(folder, settings)
    assert told in str(caught.value)
    if line:
        lines = (folder / "campaign.yml").read_text(encoding="utf-8").splitlines()
        number = next(number for number, each in enumerate(lines, 1) if line in each)
        assert f"ours/campaign.yml:{number}: steps.0" in str(caught.value)


def test_editors_are_told_of_the_block() -> None:
    assert "StepExperiment" in str(json_schema())
