"""Who goes first where a cap leaves room for one: pure, and tried on many made-up calendars."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from rapport.campaigns.planning.pressure import Cap, Mail, fits, settle

AT = datetime(2026, 7, 10, 8, tzinfo=UTC)
WEEKLY = Cap(1, 7)


def mail(name: str, hours: float, worth: float = 0, *, expires: float = 36, movable: bool = True) -> Mail:
    at = AT + timedelta(hours=hours)
    return Mail(name, "marketing", at, (worth, 50), at + timedelta(hours=expires), movable=movable, key=name)


def test_the_more_valuable_goes_and_the_other_is_let_go() -> None:
    cheap = mail("newsletter", 0, 1)
    found = settle(mail("cart", 2, 5), [cheap], [WEEKLY])
    assert (found.at, found.moves) == (AT + timedelta(hours=2), {"newsletter": None})


def test_the_other_is_moved_when_it_is_still_useful() -> None:
    cheap = mail("newsletter", 0, 1, expires=24 * 9)
    found = settle(mail("cart", 2, 5), [cheap], [WEEKLY])
    assert found.moves == {"newsletter": AT + timedelta(hours=2, days=7)}


def test_a_late_moment_lies_in_the_open_hours() -> None:
    opens = AT + timedelta(days=8)
    cheap = mail("newsletter", 0, 1, expires=24 * 12)
    night = [(AT, AT + timedelta(hours=9)), (opens, opens + timedelta(hours=9))]
    cheap = Mail(**{**vars(cheap), "hours": tuple(night)})
    found = settle(mail("cart", 2, 5), [cheap], [WEEKLY])
    assert found.moves == {"newsletter": opens}


def test_what_a_sender_holds_makes_no_room() -> None:
    sent = mail("newsletter", 0, 1, movable=False)
    found = settle(mail("cart", 2, 5), [sent], [WEEKLY])
    assert (found.outcome, found.moves) == ("capped", {})


@pytest.mark.parametrize(("worth", "outcome"), [(1.0, "displaced"), (5.0, "capped")], ids=["less", "equal"])
def test_the_less_valuable_gives_way_and_of_equals_the_first_stays(worth: float, outcome: str) -> None:
    found = settle(mail("newsletter", 2, worth), [mail("cart", 0, 5)], [WEEKLY])
    assert (found.at, found.outcome) == (None, outcome)
    assert ("cart" in found.reason) == (outcome == "displaced")


def test_the_newcomer_waits_when_it_may() -> None:
    found = settle(mail("newsletter", 2, 1, expires=24 * 9), [mail("cart", 0, 5)], [WEEKLY])
    assert (found.at, found.outcome) == (AT + timedelta(days=7), None)


def test_every_stretch_of_days_is_counted() -> None:
    others = [mail("a", -6 * 24), mail("b", 6 * 24)]
    assert fits(AT, "marketing", others, [Cap(2, 7)]) is None, "no seven days hold three"
    assert fits(AT, "marketing", [*others, mail("c", 24)], [Cap(2, 7)]) == Cap(2, 7)


def test_a_cap_of_another_topic_is_not_asked() -> None:
    assert settle(mail("newsletter", 0), [mail("cart", 0)], [Cap(1, 7, "service")]).outcome is None


@pytest.mark.parametrize("seed", range(5))
def test_no_calendar_ends_with_more_than_a_cap_allows(seed: int) -> None:
    """Messages come one after the other, as plans do; what is let go is gone and what is moved stays moved."""
    random = Random(seed)
    for _ in range(300):
        caps = [Cap(random.randint(1, 3), random.randint(1, 9)) for _ in range(random.randint(1, 2))]
        standing: dict[str, Mail] = {}
        for number in range(8):
            each = mail(f"m{number}", random.uniform(0, 300), random.randint(0, 3), expires=random.uniform(1, 300))
            each = Mail(**{**vars(each), "movable": random.random() < 0.8})
            found = settle(each, list(standing.values()), caps)
            for key, at in found.moves.items():
                former = standing.pop(key)
                assert former.movable
                assert former.worth < each.worth
                if at:
                    assert at < former.expires_at
                    standing[key] = Mail(**{**vars(former), "at": at})
            if found.at:
                standing[each.key] = Mail(**{**vars(each), "at": found.at})
        moments = [one.at for one in standing.values()]
        for cap in caps:
            for start in moments:
                within = sum(start <= moment < start + timedelta(days=cap.days) for moment in moments)
                assert within <= cap.max
