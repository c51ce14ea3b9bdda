"""A plan draws versions and who waits, and what is decided reaches those who wait."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from rapport.campaigns.folder.model import Campaign
from rapport.campaigns.outcome import variants
from rapport.campaigns.outcome.winner import decide_winners
from rapport.campaigns.planning.plan import plan
from rapport.clock import FixedClock
from rapport.db import connect
from rapport.experiments import sequential

PEOPLE = 60
BLOCK = """
experiment:
  name: words
  variants:
    a: {share: 50}
    b: {share: 50, subject: "{{ favourite_category }}, for you"}
"""
WINNER = "  winner: {by: clicks, test_percent: 50, after: 2h}\n"


@pytest.fixture
def experiment(make_campaign: Callable[..., Campaign]) -> Callable[[str], Campaign]:
    def make(block: str) -> Campaign:
        return make_campaign("tried", ("campaign.yml", "\nsubject:", f"\n{block.strip()}\nsubject:"))

    return make


def sends(shop: Any) -> list[dict[str, Any]]:
    with connect(settings=shop.settings) as conn:
        return conn.execute(
            "select send.*, template.variant as mail from ops.send inner join ops.template using (template_version)"
            " where send.campaign_id = 'tried'"
        ).fetchall()


def fill(shop: Any) -> None:
    for number in range(PEOPLE):
        shop.person(f"c{number}", f"c{number}@example.com")
    with connect("transformer", settings=shop.settings) as conn:
        conn.execute("update activation.campaign_audience set favourite_category = 'Mugs' where customer_id <> 'c7'")


def test_everybody_gets_the_version_that_the_lot_gives(shop: Any, experiment: Callable[[str], Campaign]) -> None:
    fill(shop)
    campaign = experiment(BLOCK)
    plan(campaign, shop.settings, shop.clock)
    planned = sends(shop)
    assert all(row["variant"] == row["mail"] for row in planned)
    assert {row["recipient_key"]: row["variant"] for row in planned} == {
        row["recipient_key"]: variants.assign(shop.settings, campaign, row["recipient_key"]) for row in planned
    }
    assert min(Counter(row["variant"] for row in planned).values()) > PEOPLE / 5
    assert not any(row["awaits_winner"] for row in planned)


def test_who_lacks_a_field_of_one_version_takes_part_in_none(shop: Any, experiment: Callable[[str], Campaign]) -> None:
    fill(shop)
    plan(experiment(BLOCK), shop.settings, shop.clock)
    with connect(settings=shop.settings) as conn:
        refused = conn.execute("select customer_id from ops.decision where outcome = 'missing_field'").fetchall()
    assert [row["customer_id"] for row in refused] == ["c7"]
    assert len(sends(shop)) == PEOPLE - 1


def test_the_rest_waits_and_gets_what_won(
    shop: Any, experiment: Callable[[str], Campaign], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(shop)
    campaign = experiment(BLOCK + WINNER)
    plan(campaign, shop.settings, shop.clock)
    planned = sends(shop)
    waiting = [row for row in planned if row["awaits_winner"]]
    assert 0.25 * PEOPLE < len(waiting) < 0.75 * PEOPLE
    assert {row["variant"] for row in waiting} == {"a"}
    with connect(settings=shop.settings) as conn:
        (occurrence,) = conn.execute("select * from ops.occurrence where campaign_id = 'tried'").fetchall()
        assert occurrence["lot"]["experiment"]["name"] == "words"
        assert all(row["due_at"] >= occurrence["decide_at"] + variants.DECISION_MARGIN for row in waiting)
        conn.execute(
            "insert into ops.webhook_inbox (event_id, event, send_id, raw, occurred_at, received_at)"
            " select send_id::text, 'click', send_id, '{}', now(), now() from ops.send"
            " where campaign_id = 'tried' and variant = 'b' offset 2"
        )
    before = FixedClock(occurrence["decide_at"] - timedelta(seconds=1))
    assert decide_winners(shop.settings, before) == []
    (decided,) = decide_winners(shop.settings, FixedClock(occurrence["decide_at"]))
    # Fewer than fifty clicks say nothing, however one-sided they are.
    assert (decided.choice.winner, decided.choice.clear) == ("a", False)
    with connect(settings=shop.settings) as conn:
        conn.execute("delete from ops.experiment_decision")
    monkeypatch.setattr(sequential, "LEAST_EVENTS", 5)
    (decided,) = decide_winners(shop.settings, FixedClock(occurrence["decide_at"]))
    assert (decided.choice.winner, decided.switched) == ("b", len(waiting))
    assert {row["mail"] for row in sends(shop) if row["awaits_winner"]} == {"b"}
