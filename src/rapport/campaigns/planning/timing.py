"""Due times in the recipient's own day: windows, quiet hours, and clocks that are put forward and back.

A local time that a clock change skips is read with the offset before the change, one that comes twice is the first.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from itertools import chain
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rapport.campaigns.folder.model import Span

Interval = tuple[datetime, datetime]
# Where an open time begins, and its length in seconds.
_Span = tuple[datetime, float]
_Pick = Callable[[datetime, datetime], datetime]
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Due:
    """When a message may leave: `at` <= leaving < `expires_at`, both UTC, and in one of `open_during` unless that is
    empty: a message that is late must not arrive in the reader's night."""

    at: datetime
    expires_at: datetime
    open_during: tuple[Interval, ...] = ()


def to_utc(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant of a naive local time."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def zone_or(name: str | None, fallback: str) -> ZoneInfo:
    """The named zone; the fallback when it is unknown or empty."""
    try:
        return ZoneInfo(name or fallback)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(fallback)


@lru_cache(maxsize=4096)
def openings(
    zone: ZoneInfo,
    window: Span | None,
    quiet: Span | None,
    earliest: datetime,
    expires_at: datetime,
    shop_quiet: Span | None = None,
) -> tuple[tuple[Interval, ...], ...]:
    """Open times, in UTC, between `earliest` and `expires_at`: one entry a local day that has any."""
    day = earliest.astimezone(zone).date() - _DAY
    last = expires_at.astimezone(zone).date()
    days = []
    while day <= last:
        day_open = open_intervals(day, zone, window, quiet, shop_quiet)
        pieces = tuple((max(start, earliest), min(end, expires_at)) for start, end in day_open)
        pieces = tuple((start, end) for start, end in pieces if start < end)
        if pieces:
            days.append(pieces)
        day += _DAY
    return tuple(days)


def due(
    fraction: float,
    zone: ZoneInfo,
    window: Span | None,
    quiet: Span | None,
    earliest: datetime,
    expires_at: datetime,
) -> Due | None:
    """The recipient's moment, or None when no open time is left before expiry.

    `fraction` in [0, 1) places the recipient within the open time of the first local day that has any between
    `earliest` and `expires_at`, so that the same recipient always gets the same place.
    """
    days = openings(zone, window, quiet, earliest, expires_at)
    if not days:
        return None
    whole_day = window is None and quiet is None
    return Due(_point(_spans(days[0]), fraction), expires_at, () if whole_day else tuple(chain.from_iterable(days)))


@dataclass(frozen=True)
class Opening:
    """The open time of one zone between two moments, ready to place any number of recipients. `held_to` is empty when
    any hour will do."""

    zone: ZoneInfo
    first_day: tuple[Interval, ...]
    held_to: tuple[Interval, ...]
    expires_at: datetime

    def at(self, fraction: float) -> datetime | None:
        """The moment of who is placed at `fraction` in [0, 1); None when no open time is left before expiry."""
        return _point(self._spans, fraction) if self.first_day else None

    def within(self, hour: int, fraction: float) -> datetime | None:
        """As `at`, within this local hour of the first day; None when nothing of it is open."""
        pieces = _within_hour(self.first_day, self.zone, hour)
        return _point(_spans(pieces), fraction) if pieces else None

    @cached_property
    def _spans(self) -> tuple[_Span, ...]:
        return _spans(self.first_day)


@lru_cache(maxsize=16_384)
def _within_hour(pieces: tuple[Interval, ...], zone: ZoneInfo, hour: int) -> tuple[Interval, ...]:
    if not pieces:
        return ()
    day, last, found = pieces[0][0].astimezone(zone).date(), pieces[-1][1].astimezone(zone).date(), []
    while day <= last:
        opens = _bound(datetime.combine(day, time(hour)), zone, max)
        closes = _bound(datetime.combine(day, time(hour)) + timedelta(hours=1), zone, min)
        found += [(max(start, opens), min(end, closes)) for start, end in pieces]
        day += _DAY
    return tuple((start, end) for start, end in found if start < end)


def opening(
    zone: ZoneInfo,
    window: Span | None,
    quiet: Span | None,
    earliest: datetime,
    expires_at: datetime,
    shop_quiet: Span | None = None,
) -> Opening:
    """As `due`, for many recipients of one zone. `shop_quiet` are quiet hours beside the campaign's own."""
    days = openings(zone, window, quiet, earliest, expires_at, shop_quiet)
    whole_day = window is None and quiet is None and shop_quiet is None
    held_to = () if whole_day else tuple(chain.from_iterable(days))
    return Opening(zone, days[0] if days else (), held_to, expires_at)


def has_opening(window: Span | None, quiet: Span | None) -> bool:
    """Whether anything of the window is left outside quiet hours on an ordinary day."""
    return bool(open_intervals(date(2026, 6, 10), ZoneInfo("UTC"), window, quiet))


@lru_cache(maxsize=4096)
def open_intervals(
    day: date, zone: ZoneInfo, window: Span | None, quiet: Span | None, shop_quiet: Span | None = None
) -> tuple[Interval, ...]:
    """Open times, in UTC, of the window that begins on the local day, quiet hours taken out."""
    left = [_interval(day, zone, window, max, min)]
    for span in filter(None, (quiet, shop_quiet)):
        for offset in (-1, 0, 1):
            hush = _interval(day + offset * _DAY, zone, span, min, max)
            left = [piece for interval in left for piece in _without(interval, hush)]
    return tuple((start, end) for start, end in left if start < end)


def _interval(day: date, zone: ZoneInfo, span: Span | None, opens: _Pick, closes: _Pick) -> Interval:
    """Both ends as instants. Where a clock change makes two of one local time, a window takes the later opening and the
    earlier end, quiet hours the other way round: in doubt nobody is woken."""
    if span is None:
        return to_utc(datetime.combine(day, time()), zone), to_utc(datetime.combine(day + _DAY, time()), zone)
    end_day = day + _DAY if span.to < span.from_ else day
    return (
        _bound(datetime.combine(day, span.from_), zone, opens),
        _bound(datetime.combine(end_day, span.to), zone, closes),
    )


def _bound(local: datetime, zone: ZoneInfo, pick: _Pick) -> datetime:
    return pick(*(local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)))


def _without(interval: Interval, hole: Interval) -> Iterator[Interval]:
    start, end = interval
    if hole[1] <= start or hole[0] >= end or hole[0] >= hole[1]:
        yield interval
        return
    if start < hole[0]:
        yield start, hole[0]
    if hole[1] < end:
        yield hole[1], end


def _spans(pieces: Sequence[Interval]) -> tuple[_Span, ...]:
    return tuple((start, (end - start).total_seconds()) for start, end in pieces)


def _point(spans: Sequence[_Span], fraction: float) -> datetime:
    left = sum(seconds for _, seconds in spans) * fraction
    for start, seconds in spans:
        if left < seconds:
            # Whole seconds, never past the end: the fraction is below one.
            return start + timedelta(seconds=int(left))
        left -= seconds
    return spans[-1][0]
