from datetime import UTC, datetime, timedelta
from pathlib import Path

from rapport.clock import DemoClock

START = datetime(2026, 3, 1, 6, tzinfo=UTC)


def test_two_processes_read_one_demo_clock(tmp_path: Path) -> None:
    DemoClock(tmp_path / "clock.json").set(START, pace=0)
    assert DemoClock(tmp_path / "clock.json").now() == START


def test_a_changed_pace_does_not_move_the_time(tmp_path: Path) -> None:
    clock = DemoClock(tmp_path / "clock.json")
    clock.set(START, pace=0)
    clock.set_pace(3600)
    clock.set_pace(0)
    assert START <= clock.now() < START + timedelta(days=1)
