"""Everybody an occurrence may go to, read once and written to a temporary table with all that needs the installation's
key or a time zone's clock. The rest of planning is a few statements over that table."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString, NamedTuple

from psycopg import sql
from psycopg.rows import args_row

from rapport.campaigns.folder.model import Campaign
from rapport.campaigns.mail import content
from rapport.campaigns.outcome import variants
from rapport.campaigns.planning import timing
from rapport.campaigns.planning.calendar import Occurrence
from rapport.campaigns.policy import Policy
from rapport.db import Connection, load_queries
from rapport.errors import DataError
from rapport.keys import keyed_fraction, recipient_key
from rapport.settings import Settings

BATCH = 5000
SQL = load_queries("rapport.campaigns.planning", "audience.sql")
_NO_ADDRESS = ("no_address", "there is no usable e-mail address")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class _Person(NamedTuple):
    """One row of the queries that read people: `audience` and `given`."""

    customer_id: str
    email: str | None
    language: str | None
    time_zone_source: str | None
    time_zone: str | None
    best_send_hour: int | None
    excluded: str | None
    extra: str | None
    earliest: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True)
class _Clock:
    """What people have in common who share a zone, an expiry and hours. `told`: where the zone comes from; `timings`:
    their rows of the table `timing`, by how the moment was found."""

    opening: timing.Opening
    told: str
    timings: dict[str, int] = field(default_factory=dict)


@dataclass
class Stage:
    """Fills the table `candidate` for one occurrence. One instance a plan: it remembers zones and their open hours."""

    conn: Connection
    campaign: Campaign
    occurrence: Occurrence
    templates: list[content.Template]
    settings: Settings
    now: datetime
    policy: Policy
    _timings: list[tuple[str | None, datetime, str]] = field(default_factory=list)
    _clocks: dict[Any, _Clock] = field(default_factory=dict)
    _languages: dict[tuple[str | None, str], int] = field(default_factory=dict)

    def fill(self, query: sql.Composed, values: dict[str, Any]) -> None:
        """Reads people by `query` and stages them, a batch at a time, so memory does not grow with the audience."""
        families = {row["domain"]: row["family"] for row in self.conn.execute(SQL["mailbox_families"])}
        place = 0
        for people in self._batches(query, values):
            with self.conn.cursor() as cursor, cursor.copy(SQL["copy_candidates"]) as copy:
                for person in people:
                    place += 1
                    copy.write_row(self._staged(place, person, families))
        with self.conn.cursor() as cursor, cursor.copy(SQL["copy_timings"]) as copy:
            for number, line in enumerate(self._timings):
                copy.write_row((number, *line))
        self.conn.execute(SQL["analyze_candidates"])
        self.conn.execute(SQL["analyze_timings"])

    def _batches(self, query: sql.Composed, values: dict[str, Any]) -> Iterator[list[_Person]]:
        with self.conn.cursor(name="audience", row_factory=args_row(_Person)) as cursor:
            cursor.execute(query, values)
            while people := cursor.fetchmany(BATCH):
                yield people

    def _staged(self, place: int, person: _Person, families: dict[str, str]) -> tuple[Any, ...]:
        """One row of `candidate`. All that is the same for many stands in `timing`: this runs for every person."""
        address = (person.email or "").strip()
        try:
            key = recipient_key(self.settings, address)
        except DataError:
            return (place, person.customer_id, person.email, *(None,) * 9, *_NO_ADDRESS, person.extra)
        variant = variants.assign(self.settings, self.campaign, key)
        awaits = variants.awaits_winner(self.settings, self.campaign, key)
        if awaits:
            variant = variants.CONTROL
        clock = self._clock(person, variant, awaits)
        due_at, how = self._due(clock.opening, key, person.best_send_hour)
        number = clock.timings.get(how)
        if number is None:
            number = clock.timings[how] = self._add_timing(clock, how)
        address = address.lower()
        return (
            place,
            person.customer_id,
            person.email,
            key,
            address,
            families.get(address.rpartition("@")[2], "rest"),
            self._template(person.language, variant),
            variant,
            awaits,
            number,
            None if due_at is None else (due_at - _EPOCH) // _MICROSECOND,
            self._holdout_place(key),
            *self._refused(key, person.excluded),
            person.extra,
        )

    def _add_timing(self, clock: _Clock, how: str) -> int:
        held_to, expires_at = clock.opening.held_to, clock.opening.expires_at
        self._timings.append((multirange(held_to) if held_to else None, expires_at, clock.told + how))
        return len(self._timings) - 1

    def _refused(self, key: str, segment: str | None) -> tuple[str | None, str | None]:
        share = self.campaign.sample_percent
        if segment is not None:
            return "excluded", f"is in segment {segment}, which this campaign leaves out"
        if share is not None and self._fraction("sample", self.campaign.name, key) * 100 >= share:
            return "excluded", f"not among the {share:g} % of readers that this campaign goes to"
        return None, None

    def _due(self, opening: timing.Opening, key: str, best_hour: int | None) -> tuple[datetime | None, str]:
        """The moment, and how it was found."""
        place = self._fraction("spread", self.campaign.name, self.occurrence.key, key)
        how = self.campaign.send_time
        if how.by == "score":
            if self._fraction("explore", self.campaign.name, self.occurrence.key, key) * 100 < how.exploring_percent:
                return opening.at(place), "; at any hour, to learn from it"
            at = None if best_hour is None else opening.within(best_hour, place)
            if at is not None:
                return at, f"; at {best_hour:02}h by their score"
        return opening.at(place), ""

    def _holdout_place(self, key: str) -> float | None:
        """Below zero: held out of everything; else the place in this campaign's own lot."""
        if self.policy.holdout_percent and self._fraction("global_holdout", key) * 100 < self.policy.holdout_percent:
            return -1.0
        return self._fraction("holdout", self.campaign.name, key) if self.campaign.holdout_percent else None

    def _clock(self, person: _Person, variant: str, awaits: bool) -> _Clock:
        """The reader's open hours, remembered by all that they depend on, and where the zone comes from."""
        named = (person.time_zone, person.time_zone_source, variant, awaits, person.earliest, person.expires_at)
        found = self._clocks.get(named)
        if found is None:
            if len(self._clocks) > 50_000:
                self._clocks.clear()
            opening = self._open(person, variant, awaits)
            source = person.time_zone_source if person.time_zone else "the shop's"
            told = f"due in zone {opening.zone.key}" + (f" ({source})" if source else "")
            found = self._clocks[named] = _Clock(opening, told)
        return found

    def _open(self, person: _Person, variant: str, awaits: bool) -> timing.Opening:
        earliest = max(person.earliest or self.occurrence.at, self.now)
        leaves = variants.rest_leaves_at(self.campaign, self.occurrence.at)
        if awaits and leaves:
            earliest = max(earliest, leaves)
        return timing.opening(
            timing.zone_or(person.time_zone, self.settings.shop_time_zone),
            variants.window(self.campaign, variant),
            self.campaign.quiet_hours,
            earliest,
            person.expires_at or self.occurrence.expires_at,
            self.policy.quiet_hours,
        )

    def _template(self, language: str | None, variant: str) -> int:
        """The place of a reader's template in the list."""
        number = self._languages.get((language, variant))
        if number is None:
            own = variant if any(template.variant == variant for template in self.templates) else None
            chosen = content.choose(self.templates, language, own or self.templates[0].variant)
            number = self._languages[language, variant] = self.templates.index(chosen)
        return number

    def _fraction(self, *parts: str) -> float:
        return keyed_fraction(self.settings, *parts)


def multirange(intervals: Iterable[timing.Interval]) -> str:
    """Half-open intervals as the text of a Postgres multirange."""
    return "{" + ",".join(f"[{start.isoformat()},{end.isoformat()})" for start, end in intervals) + "}"


def people_query(name: str, columns: dict[str, str], condition: sql.Composable | None = None) -> sql.Composed:
    """The query that reads people: `audience` or `given`. `columns` are those that the audience has by now."""
    text: LiteralString = SQL[name]
    optional: dict[str, sql.Composable] = {
        column: sql.Identifier("audience", column) if column in columns else sql.NULL
        for column in ("time_zone_source", "best_send_hour")
    }
    return sql.SQL(text).format(filter=condition or sql.SQL("true"), **optional)
