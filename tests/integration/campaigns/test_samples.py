"""The gate before a person is asked: the mail rendered for real readers and for nasty profiles."""

from collections.abc import Callable

import pytest

from rapport.campaigns.folder.model import Campaign
from rapport.campaigns.mail import nasty, samples
from rapport.campaigns.mail.preview import preview, profile
from rapport.campaigns.mail.samples import SampleReport, render_samples
from rapport.db import connect
from rapport.errors import PermanentError

BODY = "Write here what you have to say."


@pytest.fixture
def report(shop, make_campaign: Callable[..., Campaign]) -> Callable[..., SampleReport]:  # type: ignore[no-untyped-def]
    shop.person("c01", "joe@example.com")
    shop.person("c02", "ann@example.com", language="fr", first_name=None)
    shop.person("c03", "else@example.com", segments=("lapsed",))

    def run(*edits: tuple[str, str, str]) -> SampleReport:
        campaign = make_campaign("samples", *edits)
        with connect("engine", settings=shop.settings) as conn:
            return render_samples(campaign, conn, shop.settings)

    return run


def test_there_are_fifty_nasty_profiles() -> None:
    assert len(nasty.profiles()) == 50


def test_the_scaffold_holds_for_everybody(report: Callable[..., SampleReport]) -> None:
    found = report()
    assert found.ok, str(found)
    assert (found.real, found.nasty) == (2, 50)
    # Both real readers, and all but those who would have forged a header.
    assert 40 <= found.rendered < 52


def test_a_reader_without_a_field_is_counted_by_the_field_and_is_no_fault(report: Callable[..., SampleReport]) -> None:
    found = report(("body.txt", BODY, "{{ first_name }}"))
    assert found.missing == {"first_name": 1}
    assert found.ok


def test_a_mail_that_nobody_would_get_is_held_up(report: Callable[..., SampleReport]) -> None:
    found = report(("body.txt", BODY, "{{ favourite_brand }}"))
    assert found.missing == {"favourite_brand": 2}
    assert not found.ok
    assert "nobody of the segment" in str(found)


def test_a_mail_that_lets_markup_through_is_a_fault(
    report: Callable[..., SampleReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rapport.campaigns.mail.templating.ESCAPED", ".none")
    found = report(("body.mjml", BODY, "{{ last_product_title or 'x' }}"))
    assert not found.ok
    assert any("became markup" in fault for fault in found.faults)


def test_a_mail_that_grows_too_long_for_gmail_is_a_fault(report: Callable[..., SampleReport]) -> None:
    found = report(("body.mjml", BODY, "{% for i in range(900) %}" + "x" * 150 + "{% endfor %}"))
    assert any("Gmail cuts it" in fault for fault in found.faults)


def test_a_report_tells_no_text_of_a_reader(report: Callable[..., SampleReport]) -> None:
    found = report(("body.mjml", BODY, "{{ first_name }}"))
    assert "Joe" not in str(found)
    assert "joe@" not in str(found)


def test_the_sample_is_bounded(report: Callable[..., SampleReport], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "REAL_PROFILES", 1)
    assert report().real == 1


def test_a_preview_for_a_customer_makes_nothing_up(shop, make_campaign: Callable[..., Campaign]) -> None:  # type: ignore[no-untyped-def]
    shop.person("c01", "joe@example.com", first_name="Joseph")
    shop.person("c02", "ann@example.com", first_name=None)
    campaign = make_campaign("samples")
    assert "Joseph" in preview(campaign, shop.settings, profile("c01", shop.settings)).text
    assert "Amélie" not in preview(campaign, shop.settings, profile("c02", shop.settings)).text
    with pytest.raises(PermanentError, match="not in the audience"):
        profile("nobody", shop.settings)
