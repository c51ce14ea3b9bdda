"""Bad campaign files: each fault is named with its file, line, field and remedy, and all of them at once."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rapport.campaigns.folder.definition import CampaignError, Confirmation, json_schema, load_all, load_campaign
from rapport.campaigns.folder.scaffold import new
from rapport.campaigns.mail.content import compile_campaign
from rapport.settings import Settings

Edit = Callable[..., Path]
CHECKOUT = Path(__file__).resolve().parents[3]


def line_of(folder: Path, text: str, file: str = "campaign.yml") -> int:
    lines = (folder / file).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_the_scaffold_is_a_valid_campaign(spring: Edit, shop: Settings) -> None:
    campaign = load_campaign(spring(), shop)
    assert campaign.name == "spring"
    assert campaign.schedule.time_zone == "Europe/London"
    assert [c.name for c in load_all(shop.campaigns_dir, shop, now=datetime(2026, 11, 1, tzinfo=UTC))] == ["spring"]


def test_the_shipped_campaign_is_valid_in_all_its_languages(shop: Settings) -> None:
    campaign = load_campaign(CHECKOUT / "campaigns" / "win_back", shop)
    assert campaign.segment == "lapsed"
    assert set(campaign.subject) == {"en", "ar", "uk"}


@pytest.mark.parametrize(
    ("old", "text", "marker", "field", "message"),
    [
        ("owner:", "ownr:", "ownr:", "ownr", "is no field. Did you mean owner?"),
        ("segment: loyal", "segment: loyl", "segment:", "segment", "no segment 'loyl'. Did you mean loyal?"),
        ("segment: loyal", "segment: customer_segments", "segment:", "segment", "Segments: lapsed, loyal"),
        ('"0 6 * * *"', '"0 25 * * *"', "cron:", "schedule.cron", "no cron expression"),
        ("  cron:", "  time_zone: Europe/Lundon\n  cron:", "time_zone:", "schedule.time_zone", "no time zone"),
        ('from: "09:00"', 'from: "nine"', "window:", "window.from", "write it as 09:00"),
        ('{ from: "09:00", to: "20:00" }', '{ from: "22:00", to: "23:00" }', "window:", "window", "within quiet_hours"),
        ('to: "20:00" }', 'to: "20:00", till: 3 }', "window:", "window.till", "is no field. Known are: from, to."),
        (
            "kind: recurring",
            "kind: daily",
            "kind:",
            "kind",
            "'flow' or 'confirmation', not 'daily'",
        ),
        ("36h", "tomorrow", "expires_after:", "expires_after", "90m, 36h or 2d"),
        ("max: 2", "max: 0", "frequency_cap:", "frequency_cap.max", "greater than or equal to 1"),
        ("name: spring", "name: autumn", "name:", "name", "folder's name 'spring'"),
        ("owner:", "topic: news\nowner:", "topic: marketing", "topic", "stands twice"),
        ("a note", "{{ frist_name }}", "subject:", "subject (en)", "Did you mean first_name?"),
        ('"{{ first_name', '"two\\nlines {{ first_name', "subject:", "subject", "one line"),
    ],
)
def test_a_fault_is_named_with_its_line(
    spring: Edit, shop: Settings, old: str, text: str, marker: str, field: str, message: str
) -> None:
    folder = spring(old, text)
    with pytest.raises(CampaignError) as caught:
        load_campaign(folder, shop)
    fault = next(problem for problem in caught.value.problems if problem.field == field)
    assert fault.file == "spring/campaign.yml"
    assert fault.line == line_of(folder, marker)
    assert message in fault.message
    assert f"spring/campaign.yml:{fault.line}: {field}: " in str(caught.value)


def test_a_missing_field_is_named(spring: Edit, shop: Settings) -> None:
    with pytest.raises(CampaignError, match=r"owner: is missing; add it"):
        load_campaign(spring("owner: marketing\n"), shop)


def test_all_problems_come_at_once(spring: Edit, shop: Settings) -> None:
    spring("owner:", "ownr:")
    spring("segment: loyal", "segment: loyl")
    folder = spring("0 6 * * *", "0 6 * *")
    with pytest.raises(CampaignError) as caught:
        load_campaign(folder, shop)
    assert {problem.field for problem in caught.value.problems} == {"ownr", "owner", "segment", "schedule.cron"}


@pytest.mark.parametrize(
    ("file", "old", "text", "message"),
    [
        ("body.mjml", "{{ first_name or", "{{ fist_name or", "no field 'fist_name'. Did you mean first_name?"),
        ("body.txt", "{{ first_name or 'there' }}", "{{ first_name or }}", "syntax error"),
        ("body.mjml", "<mj-button", "<mj-buton", "<mj-buton> is not supported"),
        ("body.txt", "Write here", "{{ 'a' * 100000000 }}", "multiplied without end"),
    ],
)
def test_a_fault_in_a_body_is_named_with_its_line(
    spring: Edit, shop: Settings, file: str, old: str, text: str, message: str
) -> None:
    folder = spring(old, text, file)
    with pytest.raises(CampaignError) as caught:
        load_campaign(folder, shop)
    fault = next(problem for problem in caught.value.problems if message in problem.message)
    assert (fault.file, fault.line) == (f"spring/{file}", line_of(folder, text, file))


@pytest.mark.parametrize("file", ["body.mjml", "body.txt", "campaign.yml"])
def test_a_missing_file_is_named(spring: Edit, shop: Settings, file: str) -> None:
    folder = spring()
    (folder / file).unlink()
    with pytest.raises(CampaignError) as caught:
        load_campaign(folder, shop)
    assert any(problem.file == f"spring/{file}" for problem in caught.value.problems)


@pytest.mark.parametrize("line", ["{{ unsubscribe_url }}", "{{ shop_postal_address }}"])
def test_a_body_without_its_legal_footer_is_refused(spring: Edit, shop: Settings, line: str) -> None:
    folder = spring(line, "", "body.txt")
    with pytest.raises(CampaignError, match="the text body lacks"):
        load_campaign(folder, shop)


def test_an_unknown_filter_is_refused(spring: Edit, shop: Settings) -> None:
    with pytest.raises(CampaignError, match="there is no filter"):
        load_campaign(spring("{{ first_name or 'there' }}", "{{ first_name|shout }}", "body.txt"), shop)


def test_broken_yaml_is_named_with_its_line(spring: Edit, shop: Settings) -> None:
    folder = spring("owner: marketing", "owner: [marketing")
    with pytest.raises(CampaignError, match=r"spring/campaign.yml:\d+: not valid YAML"):
        load_campaign(folder, shop)


def test_a_broadcast_in_the_past_is_refused_by_the_check(spring: Edit, shop: Settings) -> None:
    spring("kind: recurring", "kind: broadcast")
    folder = spring('cron: "0 6 * * *"', "at: 2026-03-01T09:00")
    load_campaign(folder, shop)
    with pytest.raises(CampaignError, match=r"schedule.at: 2026-03-01T09:00 is past; set a later date"):
        load_campaign(folder, shop, now=datetime(2026, 11, 1, tzinfo=UTC))
    load_campaign(folder, shop, now=datetime(2026, 2, 1, tzinfo=UTC))


def test_a_second_language_needs_its_subject(spring: Edit, shop: Settings) -> None:
    folder = spring()
    for end in ("mjml", "txt"):
        (folder / f"body.de.{end}").write_text((folder / f"body.{end}").read_text())
    with pytest.raises(CampaignError, match=r"subject: has no text in 'de'"):
        load_campaign(folder, shop)


def test_the_whole_folder_is_judged_at_once(spring: Edit, shop: Settings) -> None:
    spring("owner:", "ownr:")
    new("summer", shop.campaigns_dir)
    (shop.campaigns_dir / "summer" / "body.txt").unlink()
    new("archive", shop.campaigns_dir)
    (shop.campaigns_dir / "archive" / "body.txt").unlink()
    with pytest.raises(CampaignError) as caught:
        load_all(shop.campaigns_dir, shop)
    assert {problem.file.split("/")[0] for problem in caught.value.problems} == {"spring", "summer"}


def test_the_schema_knows_every_field_but_the_folder() -> None:
    kinds = json_schema()["$defs"]
    assert "expires_after" in kinds["Campaign"]["properties"]  # type: ignore[index]
    for kind in ("Campaign", "Confirmation", "Flow"):
        assert "folder" not in kinds[kind]["properties"]  # type: ignore[index]
        assert kinds[kind]["additionalProperties"] is False  # type: ignore[index]
    assert not {"segment", "schedule", "holdout_percent"} & set(kinds["Confirmation"]["properties"])  # type: ignore[index]


def confirmation(shop: Settings, old: str = "", text: str = "", file: str = "campaign.yml") -> Path:
    """The shipped confirmation with one replacement in one file."""
    folder = shop.campaigns_dir / "confirm_opt_in"
    shutil.copytree(CHECKOUT / "campaigns" / "confirm_opt_in", folder)
    body = (folder / file).read_text(encoding="utf-8")
    assert old in body
    (folder / file).write_text(body.replace(old, text, 1), encoding="utf-8")
    return folder


def test_the_shipped_confirmation_is_valid_in_all_its_languages(shop: Settings) -> None:
    campaign = load_campaign(confirmation(shop), shop)
    assert isinstance(campaign, Confirmation)
    assert campaign.policy == "at_least_once"
    assert {template.language for template in compile_campaign(campaign)} == {"en", "de", "ar", "uk"}
    assert set(campaign.subject) == set(campaign.preheader or {}) == {"en", "de", "ar", "uk"}


@pytest.mark.parametrize(
    ("old", "text", "field", "message"),
    [
        ("owner:", "segment: loyal\nowner:", "segment", "is no field"),
        ("owner:", "schedule: { cron: '0 6 * * *' }\nowner:", "schedule", "is no field"),
        ("owner:", "holdout_percent: 5\nowner:", "holdout_percent", "is no field"),
        ("owner:", "frequency_cap: { max: 1, days: 1 }\nowner:", "frequency_cap", "is no field"),
        ("policy: at_least_once", "policy: at_most_once", "policy", "must be 'at_least_once'"),
        ("topic: confirmation", "topic: marketing", "topic", "must be 'confirmation'"),
        ("name: confirm_opt_in", "name: second_one", "name", "must be 'confirm_opt_in'"),
        ("{{ topic_title }} from", "{{ first_name }} from", "subject (en)", "no field 'first_name'"),
    ],
    ids=["segment", "schedule", "holdout", "cap", "policy", "topic", "name", "reader's field"],
)
def test_a_confirmation_has_nothing_that_chooses_or_delays(
    shop: Settings, old: str, text: str, field: str, message: str
) -> None:
    with pytest.raises(CampaignError) as caught:
        load_campaign(confirmation(shop, old, text), shop)
    assert any(problem.field == field and message in problem.message for problem in caught.value.problems)


@pytest.mark.parametrize("file", ["body.mjml", "body.de.txt"])
def test_a_confirmation_without_its_link_is_refused(shop: Settings, file: str) -> None:
    with pytest.raises(CampaignError, match="the link to confirm by"):
        load_campaign(confirmation(shop, "{{ confirm_url }}", "{{ shop_url }}", file), shop)


@pytest.mark.parametrize("field", ["confirm_url", "topic_title"])
def test_other_campaigns_know_no_request(spring: Edit, shop: Settings, field: str) -> None:
    with pytest.raises(CampaignError, match=f"no field '{field}'"):
        load_campaign(spring("a note", f"{{{{ {field} }}}}"), shop)


def test_no_other_campaign_takes_the_topic_of_the_confirmation(spring: Edit, shop: Settings) -> None:
    with pytest.raises(CampaignError, match=r"campaign.yml:\d+: topic: belongs to the mail that asks"):
        load_campaign(spring("topic: marketing", "topic: confirmation"), shop)


@pytest.mark.parametrize("name", ["Bad Name", "../up", "1st"])
def test_a_new_campaign_needs_a_plain_name(shop: Settings, name: str) -> None:
    with pytest.raises(CampaignError, match="small letters"):
        new(name, shop.campaigns_dir)
