"""A rehearsal: who would have got a campaign, had it run in the past beside the others. Sends and writes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from rapport.campaigns.folder.definition import load_all
from rapport.campaigns.folder.model import Campaign
from rapport.campaigns.planning import calendar
from rapport.campaigns.planning.decide import OUTCOMES as ALL_OUTCOMES
from rapport.campaigns.planning.pressure import Mail
from rapport.campaigns.policy import load_policy
from rapport.campaigns.rehearsal.as_of import filter_of
from rapport.campaigns.rehearsal.letters import Letter, Letters
from rapport.campaigns.rehearsal.player import Player
from rapport.clock import Clock
from rapport.db import Connection, connect, load_queries
from rapport.errors import DataError, PermanentError
from rapport.experiments.differences import wilson
from rapport.experiments.samples import share
from rapport.keys import recipient_key
from rapport.settings import Settings

OUTCOMES = tuple(outcome for outcome in ALL_OUTCOMES if outcome not in ("missing_field", "exited"))
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
    out. `beside` are the campaigns that were played too, `not_judged` what of filters no past day can answer, by
    campaign."""

    campaign: str
    days: list[Day]
    got: list[tuple[str, str]] = field(repr=False)
    overlaps: dict[str, int]
    pressure: dict[int, int]
    expected: list[Expected]
    begins: datetime | None
    left_out: int
    beside: list[str]
    not_judged: dict[str, list[str]]

    @property
    def messages(self) -> int:
        return sum(day.waterfall["planned"] for day in self.days)

    @property
    def people(self) -> int:
        return len({customer for _, customer in self.got})


def replay(campaign: Campaign, settings: Settings, clock: Clock, days: int) -> Rehearsal:
    """Plays the calendars of all campaigns of the folder over the last `days` days, in the order of their slots; the
    one asked for, if it is a broadcast, once a day at its own hour.

    Segments, what was bought, consent, suppressions and what else was sent are those of each moment; addresses, the
    content and the definitions are today's. Caps and arbitration are the planner's own. Raises PermanentError for a
    length that makes no sense and CampaignError for a folder that is not in order.
    """
    if not 1 <= days <= MOST_DAYS:
        raise PermanentError(f"--days: from 1 to {MOST_DAYS}, not {days}")
    now = clock.now()
    others = [
        one
        for one in load_all(settings.campaigns_dir, settings)
        if isinstance(one, Campaign) and one.name != campaign.name
    ]
    with connect("engine", settings=settings) as conn, conn.transaction(force_rollback=True):
        return _Replay(conn, campaign, others, settings, now - timedelta(days=days), now).run()


def _daily(campaign: Campaign) -> Campaign:
    at = campaign.schedule.at
    if at is None:
        return campaign
    schedule = campaign.schedule.model_copy(update={"at": None, "cron": f"{at.minute} {at.hour} * * *"})
    return campaign.model_copy(update={"schedule": schedule})


def _slots(campaign: Campaign, since: datetime, until: datetime) -> Iterator[calendar.Occurrence]:
    occurrence = calendar.next_occurrence(campaign, since)
    while occurrence is not None and occurrence.at <= until:
        yield occurrence
        occurrence = calendar.next_occurrence(campaign, occurrence.at)


@dataclass
class _Replay:
    conn: Connection
    campaign: Campaign
    others: list[Campaign]
    settings: Settings
    since: datetime
    now: datetime

    def __post_init__(self) -> None:
        self.queries = load_queries(__package__, "replay_setup.sql", "replay.sql", "replay_found.sql")
        self.letters = Letters()

    def run(self) -> Rehearsal:
        begins = self._one("history_begins")["begins"]
        own = list(_slots(_daily(self.campaign), self.since, self.now))
        known = [slot for slot in own if begins is not None and slot.at >= begins]
        # Weeks and what was really sent are counted from the first day that is played.
        since = known[0].at if known else self.now
        players = self._players()
        self.conn.execute(self.queries["create_tables"])
        self._load(players, since)
        # From here on the database itself sees to it that nothing changes.
        self.conn.execute(self.queries["read_only"])
        slots = [(slot, self.campaign.name) for slot in known]
        for other in players.values():
            if other.campaign is not self.campaign:
                first = since - timedelta(microseconds=1)
                slots += [(slot, other.campaign.name) for slot in _slots(other.campaign, first, self.now)]
        self._play(players, slots)
        return self._found(players, known, begins, len(own) - len(known), since)

    def _players(self) -> dict[str, Player]:
        paused = {row["campaign_id"] for row in self._rows("paused")}
        has_orders = self._one("has_orders")["there"]
        policy = load_policy(self.settings)
        played = [self.campaign, *(other for other in self.others if other.name not in paused)]
        return {
            one.name: Player(one, filter_of(one, has_orders), self.settings, policy, self.letters) for one in played
        }

    def _load(self, players: dict[str, Player], since: datetime) -> None:
        spans = [cap.days for one in players.values() for cap in one.caps]
        values = {
            "segments": sorted({one.campaign.segment for one in players.values()}),
            "played": sorted(players),
            "since": since,
            "until": self.now,
            "most_days": max([0, *spans, *(one.campaign.repeat_after_days or 0 for one in players.values())]),
        }
        people = self._rows("addresses", **values)
        with self.conn.cursor().copy(
            "copy replay_address (place, customer_id, recipient_key, time_zone) from stdin"
        ) as copy:
            for place, row in enumerate(people):
                copy.write_row((place, row["customer_id"], self._key(row["email"]), row["time_zone"]))
        self.conn.execute(self.queries["index_addresses"])
        for row in self._rows("really_sent", **values):
            mail = Mail(row["campaign_id"], row["topic"], row["due_at"], (0.0, 0), row["expires_at"])
            self.letters.add(row["recipient_key"], Letter(mail, row["policy"]))

    def _key(self, email: str | None) -> str | None:
        try:
            return recipient_key(self.settings, (email or "").strip())
        except DataError:
            return None

    def _play(self, players: dict[str, Player], slots: list[tuple[calendar.Occurrence, str]]) -> None:
        """In the order of time; of one moment the less valuable first, as if each had waited for the other."""
        for slot, name in sorted(slots, key=lambda one: (one[0].at, players[one[1]].worth, one[1])):
            player = players[name]
            values = {
                "segment": player.campaign.segment,
                "exclude_segments": player.campaign.exclude_segments,
                "topic": player.campaign.topic,
                "slot_at": slot.at,
                **player.filter.values(slot.at),
            }
            rows = self.conn.execute(player.filter.query(self.queries), values)
            for letter in player.play(slot, rows):
                players[letter.mail.name].let_go(letter.occurrence or "")

    def _found(
        self,
        players: dict[str, Player],
        known: list[calendar.Occurrence],
        begins: datetime | None,
        left_out: int,
        since: datetime,
    ) -> Rehearsal:
        name = self.campaign.name
        counts = players[name].waterfalls
        letters = sorted((one.occurrence or "", one.customer_id or "") for _, one in self.letters.got(name))
        return Rehearsal(
            name,
            [
                Day(slot.key, counts[slot.key].total(), {outcome: counts[slot.key][outcome] for outcome in OUTCOMES})
                for slot in known
            ],
            letters,
            self.letters.overlaps(name),
            self.letters.pressure(name, since),
            self._expected(len(letters)),
            begins,
            left_out,
            [other for other in players if other != name],
            {other: player.filter.left_out for other, player in players.items() if player.filter.left_out},
        )

    def _expected(self, messages: int) -> list[Expected]:
        """From the campaign's own results, else from those of its topic; nothing where there are none."""
        if not messages or not self._one("has_results")["there"]:
            return []
        asked = {"campaign_id": self.campaign.name, "topic": self.campaign.topic}
        for own, source in ((True, "this campaign"), (False, f"other campaigns on {self.campaign.topic}")):
            former = self._one("former_results", own=own, **asked)
            if former["people"]:
                bounds = {
                    name: wilson(share(former["people"], min(former[name], former["people"]))) for name in MEASURES
                }
                return [
                    Expected(name, low * messages, high * messages, former["people"], source)
                    for name, (low, high) in bounds.items()
                ]
        return []

    def _rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        return self.conn.execute(self.queries[query], values).fetchall()

    def _one(self, query: str, **values: Any) -> dict[str, Any]:
        return self._rows(query, **values)[0]
