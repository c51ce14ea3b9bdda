"""The mail of everybody in a rehearsal: what was really sent, and what campaigns that are played would have."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from rapport.campaigns.folder.model import Campaign
from rapport.campaigns.planning.pressure import Cap, Mail, Settled, settle

WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Letter:
    """One mail. `occurrence` and `customer_id` are None for what was really sent."""

    mail: Mail
    policy: str
    occurrence: str | None = None
    customer_id: str | None = None


@dataclass
class Letters:
    """All letters by recipient key."""

    by_key: dict[str, list[Letter]] = field(default_factory=lambda: defaultdict(list))

    def add(self, key: str, letter: Letter) -> None:
        self.by_key[key].append(letter)

    def had(self, key: str, campaign: str, since: datetime) -> bool:
        """Whether somebody had, or is to get, a mail of a campaign after a moment."""
        return any(one.mail.name == campaign and one.mail.at > since for one in self.by_key.get(key, ()))

    def settle(self, key: str, mail: Mail, campaign: Campaign, caps: Sequence[Cap], now: datetime) -> Settled:
        """What the planner would have made of a mail beside all others of the person. `now`: what is due by then has
        left, and moves no more."""
        if not caps:
            return Settled(mail.at)
        reach = timedelta(days=max(cap.days for cap in caps))
        others = [
            replace(one.mail, movable=one.occurrence is not None and one.mail.at > now)
            for one in self.by_key.get(key, ())
            if mail.at - reach < one.mail.at < mail.expires_at + reach
            and (one.policy == "at_most_once" or one.mail.topic == campaign.topic)
        ]
        return settle(mail, others, caps)

    def move(self, key: str, moves: dict[str, datetime | None]) -> list[Letter]:
        """Gives letters their new moments; answers those that are let go."""
        gone = []
        for place, one in enumerate(self.by_key[key]):
            if one.mail.key not in moves or one.occurrence is None:
                continue
            at = moves[one.mail.key]
            if at is None:
                gone.append(one)
            else:
                self.by_key[key][place] = replace(one, mail=replace(one.mail, at=at))
        self.by_key[key] = [one for one in self.by_key[key] if one not in gone]
        return gone

    def got(self, campaign: str) -> Iterator[tuple[str, Letter]]:
        """(recipient key, letter) of all that a campaign would have sent."""
        for key, letters in self.by_key.items():
            yield from ((key, one) for one in letters if one.mail.name == campaign and one.occurrence is not None)

    def overlaps(self, campaign: str) -> dict[str, int]:
        """People who would have got another campaign within a week of this one, by that campaign, most first."""
        met: dict[str, set[str]] = defaultdict(set)
        for key, own in self.got(campaign):
            for other in self.by_key[key]:
                if other.mail.name != campaign and abs(other.mail.at - own.mail.at) <= WEEK:
                    met[other.mail.name].add(key)
        return dict(sorted(((name, len(people)) for name, people in met.items()), key=lambda one: (-one[1], one[0])))

    def pressure(self, campaign: str, since: datetime) -> dict[int, int]:
        """Person-weeks by mails in the week, of those who would have got the campaign; weeks begin with `since`."""
        weeks: dict[int, int] = defaultdict(int)
        for key in {key for key, _ in self.got(campaign)}:
            counts: dict[int, int] = defaultdict(int)
            for one in self.by_key[key]:
                if one.mail.at >= since:
                    counts[(one.mail.at - since) // WEEK] += 1
            for mails in counts.values():
                weeks[mails] += 1
        return dict(sorted(weeks.items()))
