"""A campaign's own calendar. An occurrence is named by local date and slot, whoever asks and however often."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter

from rapport.campaigns.folder.model import Campaign
from rapport.campaigns.planning.timing import to_utc

# More than any clock change, so that a slot is never overlooked around one.
_MARGIN = timedelta(hours=26)


@dataclass(frozen=True)
class Occurrence:
    """One sending of a campaign. `at` and `expires_at` are UTC; `slot` is the local time, HH:MM."""

    key: str
    local_date: date
    slot: str
    at: datetime
    expires_at: datetime


def occurrence_at(campaign: Campaign, now: datetime) -> Occurrence | None:
    """The latest occurrence that has begun and has not expired at `now`; None when there is none."""
    for local in _backwards(campaign, now):
        occurrence = _occurrence(campaign, local)
        if occurrence.at <= now:
            return occurrence if now < occurrence.expires_at else None
    return None


def next_occurrence(campaign: Campaign, now: datetime) -> Occurrence | None:
    """The first occurrence that begins after `now`; None for a broadcast that has begun."""
    zone = _zone(campaign)
    if campaign.schedule.at is not None:
        occurrence = _occurrence(campaign, campaign.schedule.at)
        return occurrence if occurrence.at > now else None
    # Counted in wall time: the hour that a clock change repeats or skips neither doubles nor drops a slot.
    slots = croniter(campaign.schedule.cron, now.astimezone(zone).replace(tzinfo=None) - _MARGIN)
    while True:
        occurrence = _occurrence(campaign, slots.get_next(datetime))
        if occurrence.at > now:
            return occurrence


def _backwards(campaign: Campaign, now: datetime) -> list[datetime]:
    """Local slots, latest first, down to the first that has begun."""
    if campaign.schedule.at is not None:
        return [campaign.schedule.at]
    zone = _zone(campaign)
    slots = croniter(campaign.schedule.cron, now.astimezone(zone).replace(tzinfo=None) + _MARGIN)
    found: list[datetime] = []
    while not found or to_utc(found[-1], zone) > now:
        found.append(slots.get_prev(datetime))
    return found


def _occurrence(campaign: Campaign, local: datetime) -> Occurrence:
    at = to_utc(local, _zone(campaign))
    slot = f"{local:%H:%M}"
    key = f"{local:%Y-%m-%d}T{slot}"
    return Occurrence(key, local.date(), slot, at.astimezone(UTC), at + campaign.expires_after)


def _zone(campaign: Campaign) -> ZoneInfo:
    return ZoneInfo(campaign.schedule.time_zone or "UTC")
