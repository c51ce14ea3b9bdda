"""Versions of a flow's step: everybody gets what the lot gives, and who lacks a field of one version gets none."""

from collections import Counter
from datetime import timedelta

from rapport.campaigns.outcome import variants
from rapport.keys import keyed_fraction, recipient_key

from .test_flows import Flows, shop

__all__ = ["shop"]

PEOPLE = 40
FIRST = '{ name: first, wait: 4h, subject: "Your cart" }'
TRIED = """name: first
    wait: 4h
    subject: "Your cart"
    experiment:
      name: words
      variants:
        a: { share: 50 }
        b: { share: 50, subject: "{{ favourite_category }}, still here" }"""


def fill(shop: Flows) -> None:
    for number in range(PEOPLE):
        shop.person(f"c{number}", f"c{number}@example.com")
        shop.trigger(f"c{number}")
    shop.change("update activation.campaign_audience set favourite_category = 'Mugs' where customer_id <> 'c7'")


def test_everybody_gets_the_version_that_the_lot_gives(shop: Flows) -> None:
    fill(shop)
    shop.edit((FIRST, TRIED))
    assert shop.tick() == {"entered": PEOPLE, "planned": PEOPLE - 1, "missing_field": 1}
    sent = shop.rows(
        "select recipient_key, send.variant, template.variant as mail, template.subject"
        " from ops.send inner join ops.template using (template_version)"
    )
    drawn = variants.assign
    campaign = shop.flow.planned_as(shop.flow.steps[0])
    assert all(variant == mail == drawn(shop.settings, campaign, key) for key, variant, mail, _ in sent)
    assert {(variant, subject) for _, variant, _, subject in sent} == {
        ("a", "Your cart"),
        ("b", "{{ favourite_category }}, still here"),
    }
    assert min(Counter(variant for _, variant, *_ in sent).values()) > PEOPLE / 5
    assert shop.rows("select lot -> 'experiment' ->> 'name' from ops.occurrence") == [("words",)]
    assert shop.rows("select distinct awaits_winner from ops.send") == [(False,)]


def test_who_is_held_out_is_held_out_of_every_step(shop: Flows) -> None:
    fill(shop)
    shop.edit(("reenter_after: 7d", "reenter_after: 7d\nholdout_percent: 30"))
    # Ten of them come a day later: how many come at once must not matter.
    shop.change(
        "update activation.campaign_triggers set occurred_at = occurred_at + interval '1 day'"
        " where customer_id like 'c1_'"
    )
    for day in range(4):
        shop.tick(timedelta(days=day, hours=1))
    drawn = {f"c{number}": held_out(shop, f"c{number}@example.com") for number in range(PEOPLE)}
    steps = shop.rows("select customer_id, split_part(occurrence_key, '@', 1), outcome from ops.decision")
    assert {(who, step): outcome for who, step, outcome in steps} == {
        (who, step): "holdout" if out else "planned" for who, out in drawn.items() for step in ("first", "second")
    }
    assert PEOPLE / 10 < sum(drawn.values()) < PEOPLE / 2


def held_out(shop: Flows, email: str) -> bool:
    return keyed_fraction(shop.settings, "holdout", "carts", recipient_key(shop.settings, email)) < 0.3


def test_who_comes_back_gets_the_same_version(shop: Flows) -> None:
    fill(shop)
    shop.edit((FIRST, TRIED), ("reenter_after: 7d", "reenter_after: 1d"))
    shop.tick()
    for number in range(PEOPLE):
        shop.trigger(f"c{number}", "c2", shop.clock.now() + timedelta(days=4))
    assert shop.tick(timedelta(days=4, hours=5))["planned"] == PEOPLE - 1
    several = "select customer_id from ops.send where occurrence_key like 'first@%' group by 1"
    assert shop.rows(f"{several} having count(*) <> 2 or count(distinct variant) <> 1") == []
    assert len(shop.rows(several)) == PEOPLE - 1
