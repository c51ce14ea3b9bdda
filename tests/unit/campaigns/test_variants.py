"""Several versions of one mail: what the block may say, whom the lot gives what, and what each version's mail is."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rapport.campaigns.folder.definition import load_campaign
from rapport.campaigns.folder.model import Campaign
from rapport.campaigns.folder.problems import CampaignError
from rapport.campaigns.mail import content
from rapport.campaigns.mail.preview import preview
from rapport.campaigns.outcome import variants
from rapport.errors import PermanentError
from rapport.settings import Settings

Edit = Callable[..., Path]
TWO = """
experiment:
  name: short_subject
  variants:
    a: {share: 50}
    b: {share: 50, subject: "Only for you"}
"""
KEYS = [f"{number:064x}" for number in range(20_000)]


def with_experiment(spring: Edit, text: str = TWO) -> Path:
    folder = spring()
    file = folder / "campaign.yml"
    file.write_text(file.read_text() + text, encoding="utf-8")
    return folder


def campaign(folder: Path, shop: Settings) -> Campaign:
    loaded = load_campaign(folder, shop)
    assert isinstance(loaded, Campaign)
    return loaded


def faults(folder: Path, shop: Settings) -> str:
    with pytest.raises(CampaignError) as caught:
        load_campaign(folder, shop)
    return str(caught.value)


def line_of(folder: Path, text: str) -> int:
    lines = (folder / "campaign.yml").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        pytest.param("b: {share: 50", "b: {share: 40", "experiment:", "sum to 90, not to 100", id="shares"),
        pytest.param("    a: {", "    c: {", "experiment:", "needs a variant 'a'", id="no-control"),
        pytest.param(
            "subject:", "subjct:", "    b: {", "variants.b.subjct: is no field. Did you mean subject?", id="typo"
        ),
        pytest.param("subject:", "offer: ten_off, subject:", "    b: {", "offer: there is no coupon", id="offer"),
        pytest.param("    b:", "    holdout:", "    holdout: {", "means those who are held out", id="arm"),
        pytest.param("    b:", "    B:", "    B: {", "does not fit the pattern", id="name"),
        pytest.param("for you", "for {{ frist_name }}", "    b: {", "no field 'frist_name'. Did you mean", id="field"),
        pytest.param("subject:", "body: body_b, subject:", None, "spring/body_b.txt: missing", id="body"),
        pytest.param(
            "subject:", "window: {from: '09:00', to: '09:00'}, subject:", "    b: {", "are the same time", id="window"
        ),
    ],
)
def test_a_mistake_in_the_block_has_its_line_and_its_remedy(
    spring: Edit, shop: Settings, old: str, new: str, line: str | None, told: str
) -> None:
    folder = with_experiment(spring, TWO.replace(old, new, 1))
    found = faults(folder, shop)
    assert told in found
    if line:
        assert f"spring/campaign.yml:{line_of(folder, line)}: experiment" in found


@pytest.mark.parametrize(
    ("winner", "told"),
    [
        pytest.param(
            "{by: opens, test_percent: 20, after: 4h}", "must be 'revenue' or 'clicks', not 'opens'", id="opens"
        ),
        pytest.param("{by: clicks, test_percent: 20, after: 36h}", "before expires_after", id="too-late"),
        pytest.param("{by: clicks, test_percent: 95, after: 4h}", "less than or equal to 90", id="no-rest"),
    ],
)
def test_a_winner_that_could_decide_nothing_is_refused(spring: Edit, shop: Settings, winner: str, told: str) -> None:
    folder = with_experiment(spring, f"{TWO}  winner: {winner}\n")
    found = faults(folder, shop)
    assert told in found
    assert f":{line_of(folder, 'winner:')}: experiment.winner." in found


def test_a_window_within_quiet_hours_is_refused_for_each_version(spring: Edit, shop: Settings) -> None:
    quiet = 'quiet_hours: {from: "21:00", to: "08:00"}\n'
    text = TWO.replace("share: 50}", "share: 50, window: {from: '22:00', to: '23:00'}}", 1)
    folder = with_experiment(spring, quiet + text)
    assert f"campaign.yml:{line_of(folder, '    a: {')}: experiment.variants.a.window: lies wholly" in faults(
        folder, shop
    )


def test_each_version_is_compiled_with_its_own_words(spring: Edit, shop: Settings) -> None:
    plain = content.compile_campaign(campaign(spring(), shop))
    folder = with_experiment(spring, TWO.replace("subject:", "body: body_b, subject:"))
    for end in ("mjml", "txt"):
        text = (folder / f"body.{end}").read_text(encoding="utf-8")
        (folder / f"body_b.{end}").write_text(text.replace("Write here", "Say here"), encoding="utf-8")
    control, other = content.compile_campaign(campaign(folder, shop))
    assert (control.variant, other.variant) == ("a", "b")
    assert control == plain[0], "an experiment changes nothing for the control"
    assert other.subject == "Only for you"
    assert "Say here" in other.html
    assert "Say here" in other.body_text
    assert control.template_version != other.template_version


def test_versions_with_the_same_words_stay_two_versions(spring: Edit, shop: Settings) -> None:
    folder = with_experiment(spring, TWO.replace(', subject: "Only for you"', ""))
    control, other = content.compile_campaign(campaign(folder, shop))
    assert control.html == other.html
    assert control.template_version != other.template_version


def test_every_version_speaks_every_language(spring: Edit, shop: Settings) -> None:
    folder = with_experiment(spring, TWO.replace("subject:", "body: body_b, subject:"))
    for end in ("mjml", "txt"):
        text = (folder / f"body.{end}").read_text(encoding="utf-8")
        (folder / f"body_b.{end}").write_text(text, encoding="utf-8")
        (folder / f"body_b.ar.{end}").write_text(text, encoding="utf-8")
    found = faults(folder, shop)
    assert "spring/body.ar.mjml: missing: every variant needs the languages ar, en" in found
    assert "subject: has no text in 'ar'" in found


def test_a_body_that_belongs_to_no_version_is_no_silent_leftover(spring: Edit, shop: Settings) -> None:
    folder = with_experiment(spring)
    (folder / "body_c.txt").write_text("left over", encoding="utf-8")
    assert "spring/body_c.txt: no variant or step has this body" in faults(folder, shop)


def test_readers_get_the_version_in_their_language(spring: Edit, shop: Settings) -> None:
    templates = content.compile_campaign(campaign(with_experiment(spring), shop))
    assert content.choose(templates, "fr-CA", "b").subject == "Only for you"
    assert content.choose(templates, None).variant == "a"


def test_a_version_can_be_looked_at(spring: Edit, shop: Settings) -> None:
    loaded = campaign(with_experiment(spring), shop)
    assert preview(loaded, shop, variant="b").subject == "Only for you"
    with pytest.raises(PermanentError, match="no variant 'c'; there are: a, b"):
        preview(loaded, shop, variant="c")


def test_the_lot_keeps_the_shares(spring: Edit, shop: Settings) -> None:
    text = TWO.replace("a: {share: 50}", "a: {share: 70}\n    c: {share: 10}").replace("b: {share: 50", "b: {share: 20")
    loaded = campaign(with_experiment(spring, text), shop)
    drawn = Counter(variants.assign(shop, loaded, key) for key in KEYS)
    # Five standard errors of a share among twenty thousand are at most 1.7 points.
    assert {name: drawn[name] / len(KEYS) for name in "abc"} == pytest.approx({"a": 0.7, "b": 0.2, "c": 0.1}, abs=0.017)


def test_people_keep_their_version_until_the_experiment_has_another_name(spring: Edit, shop: Settings) -> None:
    folder = with_experiment(spring)
    before = campaign(folder, shop)
    file = folder / "campaign.yml"
    text = file.read_text()
    swapped = text.replace("    a: {share: 50}\n", "").rstrip() + "\n    a: {share: 50}\n"
    file.write_text(swapped.replace("Only for you", "For you only"), encoding="utf-8")
    after = campaign(folder, shop)
    assert all(variants.assign(shop, before, key) == variants.assign(shop, after, key) for key in KEYS[:2000])
    file.write_text(text.replace("short_subject", "shorter_subject"), encoding="utf-8")
    renamed = campaign(folder, shop)
    same = sum(variants.assign(shop, before, key) == variants.assign(shop, renamed, key) for key in KEYS)
    assert same / len(KEYS) == pytest.approx(0.5, abs=0.02)


def test_the_test_is_drawn_apart_from_versions_and_holdout(spring: Edit, shop: Settings) -> None:
    text = f"{TWO}  winner: {{by: clicks, test_percent: 20, after: 4h}}\n"
    loaded = campaign(with_experiment(spring, text), shop)
    waiting = [key for key in KEYS if variants.awaits_winner(shop, loaded, key)]
    assert len(waiting) / len(KEYS) == pytest.approx(0.8, abs=0.015)
    shares = Counter(variants.assign(shop, loaded, key) for key in waiting)
    assert shares["a"] / len(waiting) == pytest.approx(0.5, abs=0.02)
    slot = datetime(2027, 3, 1, 6, tzinfo=UTC)
    assert variants.decision_at(loaded, slot) == slot + timedelta(hours=4)
    assert variants.rest_leaves_at(loaded, slot) == slot + timedelta(hours=4, minutes=15)


def test_without_an_experiment_everybody_gets_the_control_at_once(spring: Edit, shop: Settings) -> None:
    loaded = campaign(spring(), shop)
    assert variants.assign(shop, loaded, KEYS[0]) == "a"
    assert not variants.awaits_winner(shop, loaded, KEYS[0])
    assert variants.decision_at(loaded, datetime(2027, 3, 1, 6, tzinfo=UTC)) is None
    assert variants.window(loaded, "a") == loaded.window
