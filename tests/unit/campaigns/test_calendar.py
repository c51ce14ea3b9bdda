"""Occurrences are named by the campaign's own calendar, across clock changes too."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rapport.campaigns.folder.definition import load_campaign
from rapport.campaigns.folder.model import Campaign
from rapport.campaigns.planning.calendar import next_occurrence, occurrence_at
from rapport.settings import Settings

Edit = Callable[..., Path]


@pytest.fixture
def recurring(spring: Edit, shop: Settings) -> Callable[..., Campaign]:
    def make(cron: str, zone: str = "Europe/London", expires: str = "36h") -> Campaign:
        spring("36h", expires)
        return load_campaign(spring('cron: "0 6 * * *"', f'cron: "{cron}"\n  time_zone: {zone}'), shop)

    return make


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_latest_slot_that_has_begun_counts(recurring: Callable[..., Campaign]) -> None:
    campaign = recurring("0 6 * * *")
    found = occurrence_at(campaign, at("2026-07-10T12:00"))
    assert found
    assert (found.key, found.at) == ("2026-07-10T06:00", at("2026-07-10T05:00"))
    assert str(found.local_date) == "2026-07-10"
    before = occurrence_at(campaign, at("2026-07-10T04:59"))
    assert before
    assert before.key == "2026-07-09T06:00"
    upcoming = next_occurrence(campaign, at("2026-07-10T05:00"))
    assert upcoming
    assert upcoming.key == "2026-07-11T06:00"


def test_an_expired_slot_is_not_caught_up(recurring: Callable[..., Campaign]) -> None:
    campaign = recurring("0 6 * * 1", expires="2h")
    assert occurrence_at(campaign, at("2026-07-06T06:59"))
    assert occurrence_at(campaign, at("2026-07-06T07:00")) is None


def test_the_key_does_not_depend_on_when_it_is_asked(recurring: Callable[..., Campaign]) -> None:
    campaign = recurring("0 6 * * *")
    start = at("2026-07-10T05:00")
    keys = {occurrence_at(campaign, start + timedelta(minutes=minutes)) for minutes in range(0, 1440, 7)}
    assert len(keys) == 1


@pytest.mark.parametrize(
    ("day", "utc"),
    [
        ("2026-03-28", "2026-03-28T01:30"),
        ("2026-03-29", "2026-03-29T01:30"),
        ("2026-10-24", "2026-10-24T00:30"),
        ("2026-10-25", "2026-10-25T00:30"),
        ("2026-10-26", "2026-10-26T01:30"),
    ],
)
def test_each_day_has_its_slot_once_when_clocks_change(recurring: Callable[..., Campaign], day: str, utc: str) -> None:
    # London skips 01:30 on 29 March 2026 and has it twice on 25 October.
    campaign = recurring("30 1 * * *")
    found = occurrence_at(campaign, at(utc))
    assert found
    assert (found.key, found.at) == (f"{day}T01:30", at(utc))
    earlier = occurrence_at(campaign, at(utc) - timedelta(seconds=1))
    assert earlier
    assert earlier.key < found.key


def test_no_slot_is_lost_or_doubled_over_a_year(recurring: Callable[..., Campaign]) -> None:
    campaign = recurring("30 2 * * *", zone="America/New_York")
    now, keys = at("2026-01-01T00:00"), []
    while len(keys) < 365:
        upcoming = next_occurrence(campaign, now)
        assert upcoming
        assert upcoming.at > now
        keys.append(upcoming.key)
        now = upcoming.at
    assert keys == sorted(set(keys))
    assert keys[-1].startswith("2026-12-31")


def test_a_broadcast_happens_once(spring: Edit, shop: Settings) -> None:
    spring("kind: recurring", "kind: broadcast")
    campaign = load_campaign(spring('cron: "0 6 * * *"', "at: 2026-07-10T09:00"), shop)
    assert occurrence_at(campaign, at("2026-07-10T07:59")) is None
    found = occurrence_at(campaign, at("2026-07-10T08:00"))
    assert found
    assert found.key == "2026-07-10T09:00"
    assert next_occurrence(campaign, at("2026-07-10T08:00")) is None
    assert occurrence_at(campaign, at("2026-07-12T08:00")) is None
