"""Every reason is kept: for any person one query answers why they did or did not get a mail."""

from typing import Any

import pytest

from rapport.campaigns.planning.plan import plan
from rapport.campaigns.planning.why import waterfall, why
from rapport.db import connect
from rapport.errors import PermanentError


def test_each_occurrence_tells_its_outcome_and_what_became_of_the_mail(shop: Any) -> None:
    shop.person("c1", "Joe@Example.com")
    shop.person("c2", "ann@example.com", consent=None)
    plan(shop.campaign, shop.settings, shop.clock)
    (planned,) = why(" joe@example.com ", shop.settings)
    assert (planned.campaign_id, planned.occurrence_key, planned.outcome) == (
        "spring",
        "2026-07-10T06:00",
        "planned",
    )
    assert planned.reason.startswith("due in zone Europe/London")
    assert planned.became.startswith("pending, version a; due 2026-07-10")
    assert why("c1", shop.settings) == [planned]
    (refused,) = why("c2", shop.settings)
    assert str(refused).endswith("no_consent: consent to marketing was never given, and unknown means no")
    with connect("engine", settings=shop.settings) as conn:
        conn.execute("update ops.send set state = 'suppressed', reason = 'suppressed: unsubscribe'")
    (then,) = why("c1", shop.settings)
    assert then.became == "suppressed, version a; suppressed: unsubscribe"


def test_whoever_was_in_no_segment_has_no_reason(shop: Any) -> None:
    shop.person("c1", "joe@example.com", segments=("lapsed",))
    plan(shop.campaign, shop.settings, shop.clock)
    assert why("c1", shop.settings) == why("joe@example.com", shop.settings) == []


def test_the_waterfall_of_an_occurrence_and_the_states_of_its_sends(shop: Any) -> None:
    with pytest.raises(PermanentError, match="nothing was planned for 'spring'"):
        waterfall("spring", shop.settings)
    shop.person("c1", "joe@example.com")
    shop.person("c2", "ann@example.com", consent=None)
    plan(shop.campaign, shop.settings, shop.clock)
    key, counts = waterfall("spring", shop.settings)
    assert key == "2026-07-10T06:00"
    assert {name: count for name, count in counts.items() if count} == {
        "segment": 2,
        "no_consent": 1,
        "planned": 1,
        "now pending": 1,
    }
