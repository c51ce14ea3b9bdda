"""The loyalty programme's file goes through the inbox and its own mapping, and holds the members that there are."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from rapport.clock import FixedClock
from rapport.db import connect
from rapport.landing.inbox import import_inbox
from rapport.sandbox import loyalty, world
from rapport.sandbox.store import open_world
from rapport.settings import Settings

NOW = datetime(2026, 11, 4, 8, 0, tzinfo=UTC)


def test_what_lands_is_who_is_in_the_programme(database: Settings, tmp_path: Path) -> None:
    world.generate(tmp_path, seed=3, customers=600, origin=NOW, months=18)
    con = open_world(tmp_path)
    inbox = database.home / "inbox"
    path = loyalty.export_loyalty(con, inbox, NOW)
    assert path is not None
    (report,) = import_inbox(database, FixedClock(NOW))
    assert "quarantined 0" in report
    with connect("engine", settings=database) as conn:
        rows = conn.execute("select * from raw_files.loyalty").fetchall()
    assert {row["id"] for row in rows} == set(loyalty.members(con))
    assert len(rows) > 50
    assert {row["tier"] for row in rows} == {"Bronze", "Silver", "Gold"}
    assert all(row["points"] >= (row["points_expiring"] or 0) >= 0 for row in rows)
    assert all((row["expire_on"] is None) == (row["points_expiring"] is None) for row in rows)
    assert any(row["expire_on"] for row in rows)


def test_a_week_has_one_file_and_the_next_week_replaces_its_figures(database: Settings, tmp_path: Path) -> None:
    world.generate(tmp_path, seed=3, customers=100, origin=NOW, months=6)
    con = open_world(tmp_path)
    inbox = database.home / "inbox"
    assert loyalty.export_loyalty(con, inbox, NOW) is not None
    assert loyalty.export_loyalty(con, inbox, NOW + timedelta(days=1)) is None
    assert loyalty.export_loyalty(con, inbox, NOW + timedelta(days=7)) is not None
    assert sorted(path.suffix for path in (inbox / loyalty.FOLDER).iterdir()) == [".csv", ".csv", ".yml"]
    import_inbox(database, FixedClock(NOW))
    with connect("engine", settings=database) as conn:
        newest = conn.execute("select count(*) as n, min(updated_at) as at from raw_files.loyalty").fetchone()
    assert newest == {"n": len(loyalty.members(con)), "at": NOW + timedelta(days=7)}
