"""Every clock change of every time zone: nothing in quiet hours, and each occurrence once."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from rapport.campaigns.folder.model import Campaign, Schedule, Span
from rapport.campaigns.planning import calendar, timing

YEARS = (2025, 2029)
_HOUR, _SECOND = timedelta(hours=1), timedelta(seconds=1)
# Whatever a clock change can meet: quiet hours that begin, end or lie in the hour that is skipped or comes twice.
CASES: tuple[tuple[Span | None, Span, Span | None], ...] = tuple(
    (
        Span(from_=time.fromisoformat(window[0]), to=time.fromisoformat(window[1])) if window else None,
        Span(from_=time.fromisoformat(quiet[0]), to=time.fromisoformat(quiet[1])),
        Span(from_=time.fromisoformat(shop[0]), to=time.fromisoformat(shop[1])) if shop else None,
    )
    for window, quiet, shop in (
        (("09:00", "20:00"), ("21:00", "08:00"), None),
        (None, ("22:00", "02:30"), ("01:15", "05:00")),
        (("01:30", "23:30"), ("02:15", "03:15"), None),
        (("23:00", "04:00"), ("00:30", "01:45"), ("03:30", "03:45")),
    )
)
FRACTIONS = (0.0, 0.13, 0.37, 0.5, 0.77, 0.999999)


@dataclass
class Found:
    """What was tried and what was wrong; nothing may be."""

    zones: int = 0
    changes: int = 0
    mails: int = 0
    occurrences: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.zones} zones, {self.changes:,} clock changes in {YEARS[0]} to {YEARS[1] - 1}: "
            f"{self.mails:,} mails, {self.occurrences:,} occurrences, {len(self.faults)} wrong"
        )


def run(zones: list[str] | None = None) -> Found:
    """Tries the zones named, or all that there are."""
    found = Found()
    for name in zones or sorted(available_timezones()):
        zone = ZoneInfo(name)
        found.zones += 1
        for change in changes(zone):
            found.changes += 1
            _mails(zone, change, found)
        _occurrences(zone, found)
    return found


def changes(zone: ZoneInfo) -> Iterator[datetime]:
    """Moments, to the minute, from which on the zone has another offset."""
    day, end = datetime(YEARS[0], 1, 1, tzinfo=UTC), datetime(YEARS[1], 1, 1, tzinfo=UTC)
    while day < end:
        low, high = day, day + timedelta(days=1)
        if low.astimezone(zone).utcoffset() != high.astimezone(zone).utcoffset():
            while high - low > timedelta(minutes=1):
                middle = low + (high - low) / 2
                same = middle.astimezone(zone).utcoffset() == low.astimezone(zone).utcoffset()
                low, high = (middle, high) if same else (low, middle)
            yield high
        day += timedelta(days=1)


def _mails(zone: ZoneInfo, change: datetime, found: Found) -> None:
    for window, quiet, shop in CASES:
        for start in (change - 26 * _HOUR, change - 2 * _HOUR, change + _HOUR / 2):
            opening = timing.opening(zone, window, quiet, start, start + 48 * _HOUR, shop)
            moments = [at for fraction in FRACTIONS if (at := opening.at(fraction))]
            moments += [at for hour in (1, 2, 3, 12) if (at := opening.within(hour, 0.5))]
            edges = [edge for opens, closes in opening.held_to for edge in (opens, closes - _SECOND)]
            found.mails += len(moments)
            if len(moments) < len(FRACTIONS):
                found.faults.append(f"{zone.key} {start}: nobody had a moment")
            for at in (*moments, *edges):
                local = at.astimezone(zone).time()
                woken = _lies_in(local, quiet) or (shop is not None and _lies_in(local, shop))
                if woken or (window is not None and not _lies_in(local, window)):
                    found.faults.append(f"{zone.key} {at}: at {local} with {window}, {quiet}, {shop}")


def _lies_in(at: time, span: Span) -> bool:
    if span.from_ < span.to:
        return span.from_ <= at < span.to
    return at >= span.from_ or at < span.to


def _occurrences(zone: ZoneInfo, found: Found) -> None:
    """A daily slot in the hour that clocks skip or repeat: one occurrence a local date, whoever looks and when."""
    for change in changes(zone):
        campaign = Campaign.model_construct(
            schedule=Schedule(cron="30 2 * * *", time_zone=zone.key), expires_after=timedelta(hours=24)
        )
        keys: dict[date, set[str]] = {}
        began = change - 50 * _HOUR
        for hours in range(0, 101, 4):
            occurrence = calendar.occurrence_at(campaign, began + hours * _HOUR)
            if occurrence:
                keys.setdefault(occurrence.local_date, set()).add(f"{occurrence.key} {occurrence.at}")
        found.occurrences += len(keys)
        days = sorted(keys)
        if any(len(each) > 1 for each in keys.values()):
            found.faults.append(f"{zone.key} {change}: one date had two occurrences")
        if any((later - earlier).days > 1 for earlier, later in pairwise(days)):
            found.faults.append(f"{zone.key} {change}: a date had no occurrence")


def main(_: list[str] | None = None) -> int:
    """Prints what was found over all zones; 0 when nothing is wrong."""
    found = run()
    print(found)
    print("\n".join(found.faults[:20]))
    return 1 if found.faults else 0
