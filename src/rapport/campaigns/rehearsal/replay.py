"""A rehearsal: who would have got a campaign, had it run in the past. Sends and writes nothing."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from rapport.campaigns.folder.model import Campaign
from rapport.campaigns.planning import calendar
from rapport.campaigns.planning.arbitrate import caps_of
from rapport.campaigns.policy import load_policy
from rapport.clock import Clock
from rapport.db import Connection, connect, load_queries
from rapport.errors import DataError, PermanentError
from rapport.experiments.differences import wilson
from rapport.experiments.samples import share
from rapport.keys import keyed_fraction, recipient_key
from rapport.settings import Settings

OUTCOMES = ("no_address", "suppressed", "no_consent", "capped", "holdout", "duplicate_address", "planned")
MEASURES = ("delivered", "clicked", "unsubscribed", "complained")
MOST_DAYS = 730


@dataclass(frozen=True)
class Day:
    """One occurrence of the past. `waterfall`: people by outcome; they sum to `segment`."""

    occurrence_key: str
    segment: int
    waterfall: dict[str, int]


@dataclass(frozen=True)
class Expected:
    """What so many messages would bring: `low` and `high` bound the mean (95 %), from `people` former messages."""

    measure: str
    low: float
    high: float
    people: int
    source: str


@dataclass(frozen=True)
class Rehearsal:
    """What a replay found. `got` are customers by occurrence, `overlaps` people by other campaign within a week,
    `pressure` person-weeks by mails in the week. `begins`: segments are known from then on; what lies before is left
    out."""

    campaign: str
    days: list[Day]
    got: list[tuple[str, str]] = field(repr=False)
    overlaps: dict[str, int]
    pressure: dict[int, int]
    expected: list[Expected]
    begins: datetime | None
    left_out: int

    @property
    def messages(self) -> int:
        return sum(day.waterfall["planned"] for day in self.days)

    @property
    def people(self) -> int:
        return len({customer for _, customer in self.got})


def replay(campaign: Campaign, settings: Settings, clock: Clock, days: int) -> Rehearsal:
    """Plays the campaign's calendar over the last `days` days; a broadcast is played once a day, at its own hour.

    Segments, consent, suppressions and sends are those of each moment; addresses, the content and the definition are
    today's. Raises PermanentError for a length that makes no sense, and when nothing was ever built.
    """
    if not 1 <= days <= MOST_DAYS:
        raise PermanentError(f"--days: from 1 to {MOST_DAYS}, not {days}")
    now = clock.now()
    slots = list(_slots(campaign, now - timedelta(days=days), now))
    with connect("engine", settings=settings) as conn, conn.transaction(force_rollback=True):
        return _Replay(conn, campaign, settings, slots, now).run()


def _slots(campaign: Campaign, since: datetime, until: datetime) -> Iterator[calendar.Occurrence]:
    at = campaign.schedule.at
    if at is not None:
        schedule = campaign.schedule.model_copy(update={"at": None, "cron": f"{at.minute} {at.hour} * * *"})
        campaign = campaign.model_copy(update={"schedule": schedule})
    occurrence = calendar.next_occurrence(campaign, since)
    while occurrence is not None and occurrence.at <= until:
        yield occurrence
        occurrence = calendar.next_occurrence(campaign, occurrence.at)


@dataclass
class _Replay:
    conn: Connection
    campaign: Campaign
    settings: Settings
    slots: list[calendar.Occurrence]
    now: datetime

    def __post_init__(self) -> None:
        campaign = self.campaign
        policy = load_policy(self.settings)
        caps = caps_of(campaign, policy)
        self._held_out_of_all = policy.holdout_percent if campaign.policy == "at_most_once" else 0
        self.queries = load_queries(__package__, "replay_setup.sql", "replay.sql", "replay_found.sql")
        self.values: dict[str, Any] = {
            "campaign_id": campaign.name,
            "segment": campaign.segment,
            "exclude_segments": campaign.exclude_segments,
            "topic": campaign.topic,
            "caps": Jsonb([vars(cap) for cap in caps]),
            "repeat_days": campaign.repeat_after_days or 0,
            "most_days": max([campaign.repeat_after_days or 0, *(cap.days for cap in caps)]),
            "holdout_percent": campaign.holdout_percent,
            "since": self.slots[0].at if self.slots else self.now,
            "until": self.now,
        }

    def run(self) -> Rehearsal:
        begins = self._one("history_begins")["begins"]
        known = [slot for slot in self.slots if begins is not None and slot.at >= begins]
        if known:
            self.values["since"] = known[0].at
        self.conn.execute(self.queries["create_tables"])
        self._load_addresses()
        # From here on the database itself sees to it that nothing but the tables of this replay changes.
        self.conn.execute(self.queries["read_only"])
        days = [self._day(slot) for slot in known]
        got = [(row["occurrence_key"], row["customer_id"]) for row in self._rows("got")]
        return Rehearsal(
            self.campaign.name,
            days,
            got,
            {row["campaign_id"]: row["people"] for row in self._rows("overlaps")},
            {row["mails"]: row["person_weeks"] for row in self._rows("pressure")},
            self._expected(len(got)),
            begins,
            len(self.slots) - len(known),
        )

    def _load_addresses(self) -> None:
        columns = "(place, customer_id, recipient_key, holdout_place)"
        rows = self.conn.execute(self.queries["addresses"], self.values).fetchall()
        with self.conn.cursor().copy(f"copy replay_address {columns} from stdin") as copy:
            for place, row in enumerate(rows):
                try:
                    key = recipient_key(self.settings, row["email"].strip())
                except DataError:
                    continue
                copy.write_row((place, row["customer_id"], key, self._holdout_place(key)))

    def _holdout_place(self, key: str) -> float:
        """By the same lots as planning; -1 for who is held out of everything, and so of this too."""
        if keyed_fraction(self.settings, "global_holdout", key) * 100 < self._held_out_of_all:
            return -1.0
        return keyed_fraction(self.settings, "holdout", self.campaign.name, key)

    def _day(self, slot: calendar.Occurrence) -> Day:
        counts: Counter[str] = Counter()
        for row in self._rows("decide", slot_at=slot.at, occurrence_key=slot.key):
            counts[row["outcome"]] += row["people"]
        return Day(slot.key, counts.total(), {outcome: counts[outcome] for outcome in OUTCOMES})

    def _expected(self, messages: int) -> list[Expected]:
        """From the campaign's own results, else from those of its topic; nothing where there are none."""
        if not messages or not self._one("has_results")["there"]:
            return []
        for own, source in ((True, "this campaign"), (False, f"other campaigns on {self.campaign.topic}")):
            former = self._one("former_results", own=own)
            if former["people"]:
                bounds = {
                    name: wilson(share(former["people"], min(former[name], former["people"]))) for name in MEASURES
                }
                return [
                    Expected(name, low * messages, high * messages, former["people"], source)
                    for name, (low, high) in bounds.items()
                ]
        return []

    def _rows(self, query: str, **more: Any) -> list[dict[str, Any]]:
        return self.conn.execute(self.queries[query], {**self.values, **more}).fetchall()

    def _one(self, query: str, **more: Any) -> dict[str, Any]:
        return self._rows(query, **more)[0]
