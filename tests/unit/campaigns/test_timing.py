"""Due times lie in the recipient's window, outside quiet hours, before expiry, whatever the clocks do."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.campaigns.folder.model import Span
from rapport.campaigns.planning.timing import due, has_opening, to_utc

WINDOW = Span(from_=time(9), to=time(20))
QUIET = Span(from_=time(21), to=time(8))
ZONES = ["Europe/London", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Auckland", "UTC"]
SLOT = datetime(2026, 7, 10, 5, tzinfo=UTC)
EXPIRY = timedelta(hours=36)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@given(
    fraction=st.floats(0, 1, exclude_max=True),
    zone=st.sampled_from(ZONES),
    slot=st.integers(0, 365 * 24 * 60).map(lambda minutes: at("2026-01-01T00:00") + timedelta(minutes=minutes)),
    window=st.sampled_from([WINDOW, Span(from_=time(18), to=time(2)), None]),
)
def test_every_due_time_is_open_and_before_expiry(
    fraction: float, zone: str, slot: datetime, window: Span | None
) -> None:
    found = due(fraction, ZoneInfo(zone), window, QUIET, slot, slot + EXPIRY)
    assert found is not None
    assert slot <= found.at < found.expires_at == slot + EXPIRY
    local = found.at.astimezone(ZoneInfo(zone)).time()
    assert time(8) <= local <= time(21)
    if window == WINDOW:
        assert time(9) <= local <= time(20)


def test_the_same_recipient_keeps_its_place_and_others_spread() -> None:
    zone = ZoneInfo("Europe/London")
    times = [due(n / 100, zone, WINDOW, QUIET, SLOT, SLOT + EXPIRY) for n in range(100)]
    assert times == [due(n / 100, zone, WINDOW, QUIET, SLOT, SLOT + EXPIRY) for n in range(100)]
    moments = [found.at for found in times if found]
    assert moments[0] == at("2026-07-10T08:00")
    assert moments[-1] > at("2026-07-10T18:45")


def test_a_window_that_is_past_waits_for_the_next_day() -> None:
    # 05:00 UTC is 17:00 in Auckland and 14:00 in Tokyo; at 12:00 UTC both windows are over.
    found = due(0.0, ZoneInfo("Asia/Tokyo"), WINDOW, QUIET, at("2026-07-10T12:00"), SLOT + EXPIRY)
    assert found
    assert found.at == at("2026-07-11T00:00")


def test_what_cannot_fit_before_expiry_has_no_window() -> None:
    late = at("2026-07-10T12:00")
    assert due(0.5, ZoneInfo("Asia/Tokyo"), WINDOW, QUIET, late, late + timedelta(hours=6)) is None


def test_quiet_hours_hold_rather_than_drop() -> None:
    night = at("2026-07-10T22:00")
    found = due(0.0, ZoneInfo("UTC"), None, QUIET, night, night + EXPIRY)
    assert found
    assert found.at == at("2026-07-11T08:00")


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2026-03-08T02:30", "2026-03-08T07:30"),
        ("2026-11-01T01:30", "2026-11-01T05:30"),
        ("2026-11-01T02:30", "2026-11-01T07:30"),
    ],
)
def test_skipped_times_use_the_offset_before_and_doubled_ones_the_first(local: str, utc: str) -> None:
    assert to_utc(datetime.fromisoformat(local), ZoneInfo("America/New_York")) == at(utc)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-08", 23), ("2026-11-01", 25), ("2026-11-02", 24)])
def test_a_day_of_a_clock_change_is_as_long_as_it_is(day: str, hours: int) -> None:
    zone = ZoneInfo("America/New_York")
    start = to_utc(datetime.fromisoformat(f"{day}T00:00"), zone)
    last = due(0.999999999, zone, None, None, start, start + timedelta(hours=48))
    assert last
    assert timedelta(hours=hours) - (last.at - start) <= timedelta(seconds=1)


def test_a_window_swallowed_by_a_gap_moves_on() -> None:
    zone = ZoneInfo("America/New_York")
    window = Span(from_=time(2, 5), to=time(2, 55))
    start = at("2026-03-08T05:00")
    found = due(0.0, zone, window, None, start, start + timedelta(hours=36))
    assert found
    assert found.at >= start


def test_a_window_within_quiet_hours_never_opens() -> None:
    assert not has_opening(Span(from_=time(22), to=time(23)), QUIET)
    assert has_opening(WINDOW, QUIET)
