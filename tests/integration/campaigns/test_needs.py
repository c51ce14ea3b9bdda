"""Whether the mail can be printed: once for all alike, one by one where a template looks at values; and versions."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from rapport.campaigns.approving import approval
from rapport.campaigns.folder.model import Campaign
from rapport.campaigns.outcome import variants
from rapport.campaigns.planning.plan import plan
from rapport.db import connect
from rapport.keys import recipient_key

NOW = datetime(2026, 7, 10, 5, 5, tzinfo=UTC)


def rows(shop: Any, query: str) -> list[dict[str, Any]]:
    with connect("engine", settings=shop.settings) as conn:
        return conn.execute(query).fetchall()  # type: ignore[arg-type]


def test_a_name_that_would_forge_a_header_stops_that_message_only(shop: Any, monkeypatch: Any) -> None:
    # The rehearsal before approval has its own opinion of such names; here the planner is asked.
    monkeypatch.setattr(approval, "require_samples", lambda *_: None)
    shop.person("c1", "joe@example.com")
    shop.person("c2", "forger@example.com", first_name="Joe\nBcc: x@example.com")
    shop.person("c3", "endless@example.com", first_name="x" * 10_001)
    plan(shop.campaign, shop.settings, shop.clock)
    assert shop.outcomes() == {"c1": "planned", "c2": "missing_field", "c3": "missing_field"}


def test_where_a_template_looks_at_values_each_of_a_failing_sort_is_rendered(
    shop: Any, make_campaign: Callable[..., Campaign], monkeypatch: Any
) -> None:
    monkeypatch.setattr(approval, "require_samples", lambda *_: None)
    words = "{% if country_code == 'GB' %}{{ last_name }}{% endif %}{{ first_name or 'there' }}"
    campaign = make_campaign("picky", ("body.txt", "{{ first_name or 'there' }}", words))
    shop.person("c1", "british@example.com")
    shop.person("c2", "french@example.com")
    with connect("transformer", settings=shop.settings) as conn:
        conn.execute(
            "update activation.campaign_audience set country_code = case customer_id when 'c1' then 'GB' else 'FR' end"
        )
    plan(campaign, shop.settings, shop.clock)
    assert shop.outcomes() == {"c1": "missing_field", "c2": "planned"}


def test_versions_are_planned_as_the_lot_says_and_the_rest_waits(
    shop: Any, make_campaign: Callable[..., Campaign]
) -> None:
    block = """
experiment:
  name: shorter
  variants:
    a: { share: 50 }
    b: { share: 50, subject: "Shorter, {{ first_name or 'friend' }}" }
  winner: { by: clicks, test_percent: 40, after: 4h }
"""
    campaign = make_campaign("tried", ("campaign.yml", "repeat_after_days: 30", "repeat_after_days: 30" + block))
    for number in range(40):
        shop.person(f"c{number:02}", f"p{number}@example.com", time_zone="UTC")
    plan(campaign, shop.settings, shop.clock)
    sends = rows(
        shop, "select send.*, template.variant as words from ops.send join ops.template using (template_version)"
    )
    assert len(sends) == 40
    counts: Counter[str] = Counter()
    for send in sends:
        key = recipient_key(shop.settings, f"p{int(send['customer_id'][1:])}@example.com")
        waits = variants.awaits_winner(shop.settings, campaign, key)
        wanted = "a" if waits else variants.assign(shop.settings, campaign, key)
        assert (send["awaits_winner"], send["variant"], send["words"]) == (waits, wanted, wanted)
        assert not waits or send["due_at"] >= datetime(2026, 7, 10, 9, tzinfo=UTC), "slot at 05:00 UTC, decided 4 h on"
        counts[f"{wanted}{'?' * waits}"] += 1
    assert set(counts) == {"a", "b", "a?"}
    (occurrence,) = rows(shop, "select lot, decide_at from ops.occurrence")
    assert occurrence["decide_at"] == datetime(2026, 7, 10, 9, tzinfo=UTC)
    assert set(occurrence["lot"]["templates"]) == {"a", "b"}


def test_a_small_list_is_held_out_by_its_exact_share(shop: Any, make_campaign: Callable[..., Campaign]) -> None:
    campaign = make_campaign("held", ("campaign.yml", "topic: marketing", "topic: marketing\nholdout_percent: 5"))
    for number in range(30):
        shop.person(f"c{number:02}", f"p{number}@example.com")
    assert plan(campaign, shop.settings, shop.clock).waterfall["holdout"] == 2
