"""How much mail one person gets: when a cap is reached, who goes first, who waits and who is let go. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from rapport.campaigns.planning.timing import Interval

# Expected worth of one message, then the campaign's priority: what is not stated counts as nothing.
Worth = tuple[float, int]


@dataclass(frozen=True)
class Cap:
    """At most `max` messages in any `days` days; `topic` None: over all topics."""

    max: int
    days: int
    topic: str | None = None

    def covers(self, topic: str) -> bool:
        return self.topic in (None, topic)

    def __str__(self) -> str:
        return f"{self.max} in {self.days} days" + (f" on {self.topic}" if self.topic else "")


@dataclass(frozen=True)
class Mail:
    """One message to a person. `movable`: nobody has claimed it. `hours` are its open hours; none: any."""

    name: str
    topic: str
    at: datetime
    worth: Worth
    expires_at: datetime
    hours: tuple[Interval, ...] = ()
    movable: bool = False
    key: str = ""


@dataclass(frozen=True)
class Settled:
    """What becomes of a message, and of those that make room for it: their keys, each with a later moment or None."""

    at: datetime | None
    outcome: str | None = None
    reason: str = ""
    moves: dict[str, datetime | None] = field(default_factory=dict)


def fits(at: datetime, topic: str, others: Iterable[Mail], caps: Sequence[Cap]) -> Cap | None:
    """The cap that a message at this moment would break, counted in every stretch of its days; None when it may go."""
    for cap in caps:
        if not cap.covers(topic):
            continue
        span = timedelta(days=cap.days)
        moments = [other.at for other in others if cap.covers(other.topic)]
        starts = [at, *(moment for moment in moments if at - span < moment <= at)]
        if any(sum(start <= moment < start + span for moment in moments) >= cap.max for start in starts):
            return cap
    return None


def settle(mail: Mail, others: Sequence[Mail], caps: Sequence[Cap]) -> Settled:
    """The most valuable goes first; the rest waits for its next moment, or is let go when there is none."""
    broken = fits(mail.at, mail.topic, others, caps)
    if broken is None:
        return Settled(mail.at)
    kept, gone = list(others), []
    for other in sorted(others, key=lambda one: (one.worth, one.at)):
        if not (other.movable and other.worth < mail.worth and _near(mail, other, caps)):
            continue
        kept.remove(other)
        gone.append(other)
        if fits(mail.at, mail.topic, kept, caps) is None:
            return Settled(mail.at, moves=_moved(mail, gone, kept, caps))
    later = _next_moment(mail, others, caps)
    if later is not None:
        return Settled(later, reason=f"moved to {_told(later)}: the cap of {broken} was reached before")
    winners = sorted(
        {one.name for one in others if one.movable and one.worth > mail.worth and broken.covers(one.topic)}
    )
    if winners:
        return Settled(None, "displaced", f"{', '.join(winners)} is worth more, and the cap is {broken}")
    return Settled(None, "capped", f"had or will have as many messages as the cap allows: {broken}")


def _moved(mail: Mail, gone: list[Mail], kept: list[Mail], caps: Sequence[Cap]) -> dict[str, datetime | None]:
    """Those that make room find a later moment in turn, the most valuable first."""
    standing, moves = [*kept, mail], {}
    for other in sorted(gone, key=lambda one: one.worth, reverse=True):
        later = other.at if fits(other.at, other.topic, standing, caps) is None else None
        later = later or _next_moment(other, standing, caps)
        if later != other.at:
            moves[other.key] = later
        if later is not None:
            standing.append(replace(other, at=later))
    return moves


def _next_moment(mail: Mail, others: Sequence[Mail], caps: Sequence[Cap]) -> datetime | None:
    """The first moment after its own that every cap, its open hours and its expiry allow."""
    ends = {
        other.at + timedelta(days=cap.days)
        for cap in caps
        if cap.covers(mail.topic)
        for other in others
        if cap.covers(other.topic)
    }
    for end in sorted(end for end in ends if mail.at < end < mail.expires_at):
        at = _opens(end, mail.hours)
        if at is not None and at < mail.expires_at and fits(at, mail.topic, others, caps) is None:
            return at
    return None


def _opens(at: datetime, hours: tuple[Interval, ...]) -> datetime | None:
    if not hours:
        return at
    return next((max(start, at) for start, end in sorted(hours) if at < end), None)


def _near(mail: Mail, other: Mail, caps: Sequence[Cap]) -> bool:
    return any(
        cap.covers(mail.topic) and cap.covers(other.topic) and abs(mail.at - other.at) < timedelta(days=cap.days)
        for cap in caps
    )


def _told(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
