"""Plays one campaign's slots as the planner would have decided them, beside the mail of all others."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import md5
from math import floor
from typing import Any

from rapport.campaigns.folder.model import Campaign
from rapport.campaigns.planning import calendar, timing
from rapport.campaigns.planning.arbitrate import caps_of
from rapport.campaigns.planning.decide import OUTCOMES
from rapport.campaigns.planning.plan import EXACT_HOLDOUT
from rapport.campaigns.planning.pressure import Mail
from rapport.campaigns.policy import Policy
from rapport.campaigns.rehearsal.as_of import Filter
from rapport.campaigns.rehearsal.letters import Letter, Letters
from rapport.keys import keyed_fraction
from rapport.settings import Settings

# What stands against the person, whoever else shares the address.
_OWN_REFUSALS = ("no_address", "excluded", "suppressed", "no_consent")


@dataclass
class Candidate:
    """An address of a person at one slot. `outcome` None: as yet planned."""

    customer_id: str
    place: int
    key: str
    outcome: str | None
    mail: Mail
    moves: dict[str, datetime | None] = field(default_factory=dict)


@dataclass
class Player:
    """One campaign in a rehearsal; `waterfalls` are people by outcome, by occurrence."""

    campaign: Campaign
    filter: Filter
    settings: Settings
    policy: Policy
    letters: Letters
    waterfalls: dict[str, Counter[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.caps = caps_of(self.campaign, self.policy)
        self.worth = (float(self.campaign.value or 0), self.campaign.priority)

    def play(self, slot: calendar.Occurrence, rows: Iterable[dict[str, Any]]) -> list[Letter]:
        """Decides a slot over the rows of `judge`; answers the letters of other campaigns that give way."""
        people = self._one_a_person(self._with_one_owner([self._candidate(row, slot) for row in rows]))
        standing = [one for one in people if one.outcome is None]
        self._settle(standing, slot)
        self._hold_out(standing)
        self._limit(standing, slot)
        gone = [letter for one in standing if one.outcome is None for letter in self._write(one, slot)]
        self.waterfalls[slot.key] = Counter(one.outcome or "planned" for one in people)
        return gone

    def let_go(self, occurrence: str) -> None:
        """Another campaign took the place of one of its letters."""
        self.waterfalls[occurrence].update({"planned": -1, "displaced": 1})

    def _candidate(self, row: dict[str, Any], slot: calendar.Occurrence) -> Candidate:
        name, key = self.campaign.name, row["recipient_key"] or ""
        opening = self._opening(row["time_zone"], slot)
        at = opening.at(self._fraction("spread", name, slot.key, key))
        mail = Mail(
            name,
            self.campaign.topic,
            at or slot.at,
            self.worth,
            slot.expires_at,
            opening.held_to,
            movable=True,
            key=f"{name} {slot.key} {key}",
        )
        one = Candidate(row["customer_id"], row["place"] or 0, key, row["outcome"], mail)
        if one.outcome not in ("no_address", "excluded") and self._is_out_of_sample(key):
            one.outcome = "excluded"
        elif one.outcome is None and at is None:
            one.outcome = "no_window"
        elif one.outcome is None and self._had_it(key, slot):
            one.outcome = "capped"
        return one

    def _is_out_of_sample(self, key: str) -> bool:
        share = self.campaign.sample_percent
        return share is not None and self._fraction("sample", self.campaign.name, key) * 100 >= share

    def _had_it(self, key: str, slot: calendar.Occurrence) -> bool:
        days = self.campaign.repeat_after_days
        return days is not None and self.letters.had(key, self.campaign.name, slot.at - timedelta(days=days))

    def _opening(self, zone: str | None, slot: calendar.Occurrence) -> timing.Opening:
        return timing.opening(
            timing.zone_or(zone, self.settings.shop_time_zone),
            self.campaign.window,
            self.campaign.quiet_hours,
            slot.at,
            slot.expires_at,
            self.policy.quiet_hours,
        )

    def _with_one_owner(self, people: list[Candidate]) -> list[Candidate]:
        """An address belongs to the first person who could be written to there."""
        owners: dict[str, Candidate] = {}
        for one in people:
            if one.outcome is None:
                owners.setdefault(one.key, one)
        for one in people:
            if owners.get(one.key, one) is not one and one.outcome not in _OWN_REFUSALS:
                one.outcome = "duplicate_address"
        return people

    def _one_a_person(self, people: list[Candidate]) -> list[Candidate]:
        """Of several addresses the first that can be written to; else the refusal that came furthest says most."""
        chosen: dict[str, Candidate] = {}
        for one in people:
            before = chosen.get(one.customer_id)
            if before is None or _rank(one) > _rank(before):
                chosen[one.customer_id] = one
        return list(chosen.values())

    def _settle(self, standing: list[Candidate], slot: calendar.Occurrence) -> None:
        for one in standing:
            found = self.letters.settle(one.key, one.mail, self.campaign, self.caps, slot.at)
            one.outcome, one.moves = found.outcome, found.moves
            if found.at is not None:
                one.mail = replace(one.mail, at=found.at)

    def _hold_out(self, standing: list[Candidate]) -> None:
        """By the same lots as planning."""
        if self.campaign.policy == "at_most_once" and self.policy.holdout_percent:
            for one in _left(standing):
                if self._fraction("global_holdout", one.key) * 100 < self.policy.holdout_percent:
                    one.outcome = "global_holdout"
        if not self.campaign.holdout_percent:
            return
        drawn = sorted((self._fraction("holdout", self.campaign.name, one.key), one.place) for one in _left(standing))
        share, (least, most) = self.campaign.holdout_percent / 100, EXACT_HOLDOUT
        mark = share
        if least <= len(drawn) <= most:
            mark = drawn[max(1, floor(len(drawn) * share + 0.5))][0]
        for one in list(_left(standing)):
            if self._fraction("holdout", self.campaign.name, one.key) < mark:
                one.outcome = "holdout"

    def _limit(self, standing: list[Candidate], slot: calendar.Occurrence) -> None:
        if self.campaign.limit is None:
            return
        named = f":limit:{self.campaign.name}:{slot.key}"
        drawn = sorted(_left(standing), key=lambda one: _lot(one.key + named))
        for one in drawn[self.campaign.limit :]:
            one.outcome = "over_limit"

    def _write(self, one: Candidate, slot: calendar.Occurrence) -> list[Letter]:
        gone = self.letters.move(one.key, one.moves) if one.moves else []
        self.letters.add(one.key, Letter(one.mail, self.campaign.policy, slot.key, one.customer_id))
        return gone

    def _fraction(self, *parts: str) -> float:
        return keyed_fraction(self.settings, *parts)


def _lot(text: str) -> str:
    """As the planner draws it in Postgres."""
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def _left(people: list[Candidate]) -> Iterator[Candidate]:
    return (one for one in people if one.outcome is None)


def _rank(one: Candidate) -> tuple[bool, int, int]:
    return one.outcome is None, OUTCOMES.index(one.outcome or "planned"), -one.place
