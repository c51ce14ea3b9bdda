"""A person's word on who is who: questions that likeness leaves open, and changes that were wrong.

Every word is kept as a decision on pairs of profiles; the next run works it in, and every run after it obeys.
"""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import product

from rapport.db import Connection, connect, load_queries
from rapport.errors import PermanentError
from rapport.settings import Settings

SQL = load_queries("rapport.identity", "reviews.sql")


@dataclass(frozen=True)
class Review:
    """A pair of profiles that may be one person. `evidence` says which fields agree, without their values."""

    review_id: int
    profile_key_a: str
    profile_key_b: str
    probability: float
    evidence: str
    opened_at: datetime


@dataclass(frozen=True)
class Story:
    """Who a customer is made of and how it came about: lines for a person to read."""

    customer_id: str
    older_ids: list[str] = field(default_factory=list)
    profiles: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)


def open_reviews(settings: Settings) -> list[Review]:
    """What waits for a person, the likeliest first."""
    with connect("transformer", settings=settings) as conn:
        return [Review(**row) for row in conn.execute(SQL["open_reviews"])]


def decide(settings: Settings, review_id: int, *, is_same: bool, by: str, at: datetime) -> None:
    """Settle a review; deciding again replaces what was said before. Raises PermanentError for an unknown one."""
    with connect("transformer", settings=settings) as conn:
        review = conn.execute(SQL["find_review"], {"review_id": review_id}).fetchone()
        if review is None:
            raise PermanentError(f"there is no review {review_id}; `rapport identity review` lists those that are open")
        status = "accepted" if is_same else "rejected"
        values = {"review_id": review_id, "status": status, "decided_by": by, "decided_at": at}
        conn.execute(SQL["settle_review"], values)
        pairs = [(review["profile_key_a"], review["profile_key_b"])]
        _decide(conn, pairs, is_same=is_same, reason=f"review {review_id}", by=by, at=at)


def undo(settings: Settings, change_id: int, *, by: str, at: datetime) -> int:
    """Take a merge, a join or a split back; returns the number of pairs decided on.

    Who was brought together is kept apart from now on, and who was split belongs together. The next run gives the ids;
    older ids still resolve. Raises PermanentError for a change that there is not, or that cannot be undone.
    """
    with connect("transformer", settings=settings) as conn:
        change = conn.execute(SQL["find_change"], {"change_id": change_id}).fetchone()
        if change is None:
            raise PermanentError(f"there is no change {change_id}; `rapport identity show CUSTOMER_ID` lists changes")
        moved, kept = change["evidence"].get("moved", []), change["evidence"].get("kept", [])
        if not moved or not kept:
            raise PermanentError(
                f"change {change_id} is a {change['kind']} that brought nobody together and split nobody; only a "
                "merge, a join or a split can be undone"
            )
        # One pair is enough to bring two together, but each of one side is kept from each of the other.
        is_same = change["kind"] == "split"
        pairs = [(moved[0], kept[0])] if is_same else list(product(moved, kept))
        _decide(conn, pairs, is_same=is_same, reason=f"undo of change {change_id}", by=by, at=at)
    return len(pairs)


def show(settings: Settings, customer_id: str) -> Story:
    """A customer by today's id or any older one. Raises PermanentError for an id that was never given."""
    with connect("transformer", settings=settings) as conn:
        current = conn.execute(SQL["current_id"], {"customer_id": customer_id}).fetchone()
        if current is None:
            raise PermanentError(f"no customer ever had the id {customer_id}")
        values = {"customer_id": current["customer_id"]}
        return Story(
            customer_id=current["customer_id"],
            older_ids=[row["customer_id"] for row in conn.execute(SQL["older_ids"], values)],
            profiles=[
                f"{row['profile_key']}  {row['confidence']}, since {row['since_at']:%Y-%m-%d}"
                for row in conn.execute(SQL["profiles_of"], values)
            ],
            links=[
                f"{row['profile_key_a']} - {row['profile_key_b']}  {row['rule']}"
                + (f" {row['probability']:.3f} ({row['evidence']})" if row["evidence"] else "")
                for row in conn.execute(SQL["edges_of"], values)
            ],
            changes=[
                f"{row['change_id']}  {row['changed_at']:%Y-%m-%d %H:%M}  {row['kind']}"
                + "".join(f"  {row[name]}" for name in ("other_customer_id", "profile_key", "rule") if row[name])
                for row in conn.execute(SQL["changes_of"], values)
            ],
        )


def _decide(
    conn: Connection, pairs: list[tuple[str, str]], *, is_same: bool, reason: str, by: str, at: datetime
) -> None:
    with conn.cursor() as cursor:
        cursor.executemany(
            SQL["decide"],
            [
                {"a": a, "b": b, "is_same": is_same, "reason": reason, "decided_by": by, "decided_at": at}
                for a, b in pairs
            ],
        )
