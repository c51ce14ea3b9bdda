"""Clock changes of a few zones; `make eval-zones` tries all of them."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

from rapport.campaigns.planning import timing
from tests.eval import zones

# Half an hour, two hours, twice a year around Ramadan, at midnight, and an ordinary one.
NAMES = ["Australia/Lord_Howe", "Antarctica/Troll", "Africa/Casablanca", "Asia/Beirut", "America/New_York"]


def test_nobody_is_woken_and_each_occurrence_is_once() -> None:
    found = zones.run(NAMES)
    assert found.faults == []
    assert found.changes > 30
    assert found.mails > 2000


def test_a_clock_that_knows_no_second_hour_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def naive(local: datetime, zone: ZoneInfo, pick: object) -> datetime:
        return timing.to_utc(local, zone)

    monkeypatch.setattr(timing, "_bound", naive)
    timing.open_intervals.cache_clear()
    timing.openings.cache_clear()
    timing._within_hour.cache_clear()
    try:
        assert zones.run(["America/New_York"]).faults
    finally:
        timing.open_intervals.cache_clear()
        timing.openings.cache_clear()
        timing._within_hour.cache_clear()


def test_the_best_hour_is_met_in_the_readers_own_day_and_left_when_it_is_closed() -> None:
    zone = ZoneInfo("Asia/Tokyo")
    start = datetime.fromisoformat("2026-07-10T05:00:00+00:00")
    window = timing.Span(from_=time(9), to=time(20))
    opening = timing.opening(zone, window, None, start, start + 36 * zones._HOUR)
    found = opening.within(18, 0.5)
    assert found
    assert f"{found.astimezone(zone):%H:%M}" == "18:30"
    assert opening.within(22, 0.5) is None
