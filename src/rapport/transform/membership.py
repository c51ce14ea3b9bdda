"""Who is in which segment since when: the history that outlives each rebuild of the segments."""

from datetime import datetime

from rapport.db import Connection, load_queries

SQL = load_queries("rapport.transform", "membership.sql")


def record_membership(conn: Connection, as_of: datetime) -> tuple[int, int, dict[str, int]]:
    """Brings the history up to segments.current_members within the caller's transaction; `conn` acts as transformer.
    Memberships that began, that ended, and customers by segment. Doing it twice changes nothing."""
    conn.execute(SQL["lock_history"])
    left = conn.execute(SQL["leave"], {"as_of": as_of}).rowcount
    entered = conn.execute(SQL["enter"], {"as_of": as_of}).rowcount
    counts = conn.execute(SQL["count_segments"]).fetchall()
    return entered, left, {row["segment"]: row["customers"] for row in counts}
