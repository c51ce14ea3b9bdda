"""Who is in which segment since when: the history that outlives each rebuild of the segments."""

from dataclasses import dataclass
from datetime import datetime

from rapport.db import connect, load_queries
from rapport.settings import Settings

SQL = load_queries("rapport.transform", "membership.sql")


@dataclass(frozen=True)
class MembershipReport:
    """Memberships that began and ended now, and how many customers each segment holds."""

    entered: int
    left: int
    segments: dict[str, int]


def record_membership(settings: Settings, as_of: datetime) -> MembershipReport:
    """Brings the history up to segments.current_members, in one transaction. Doing it twice changes nothing."""
    with connect("transformer", settings=settings) as conn:
        conn.execute(SQL["lock_history"])
        left = conn.execute(SQL["leave"], {"as_of": as_of}).rowcount
        entered = conn.execute(SQL["enter"], {"as_of": as_of}).rowcount
        counts = conn.execute(SQL["count_segments"]).fetchall()
    return MembershipReport(entered, left, {row["segment"]: row["customers"] for row in counts})
