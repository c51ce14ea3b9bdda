"""Many senders at once and many campaigns for the same people: no cap is ever exceeded, whatever was planned."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from rapport.delivery import Limits, run_dispatcher

PEOPLE, WORKERS = 60, 8
PATIENT = Limits(read_seconds=70, deadline_seconds=90, lease_seconds=120)


def crowd(shop: Any, *, policy: str = "at_most_once") -> None:
    """The same people in five campaigns, all due now, as no planner would leave it."""
    shop.plan(PEOPLE, policy=policy)
    for number in range(4):
        values = {"name": f"other_{number}"}
        shop.conn.execute(
            "insert into ops.campaign (campaign_id, kind, topic, policy, definition, version, updated_at)"
            " select %(name)s, kind, topic, policy, definition, version, updated_at from ops.campaign"
            " where campaign_id = 'hello'",
            values,
        )
        shop.conn.execute(
            "insert into ops.occurrence (campaign_id, occurrence_key, planned_at, waterfall)"
            " select %(name)s, occurrence_key, planned_at, waterfall from ops.occurrence where campaign_id = 'hello'",
            values,
        )
        shop.conn.execute(
            "insert into ops.send (send_id, campaign_id, occurrence_key, recipient_key, customer_id, topic, policy,"
            " state, due_at, expires_at, template_version, context, planned_at)"
            " select gen_random_uuid(), %(name)s, occurrence_key, recipient_key, customer_id, topic, policy, state,"
            " due_at, expires_at, template_version, context, planned_at from ops.send where campaign_id = 'hello'",
            values,
        )


def cap(shop: Any, *caps: dict[str, Any]) -> None:
    shop.conn.execute("insert into ops.control (name, value) values ('caps', %s)", (Jsonb(list(caps)),))


def send_all(shop: Any, provider: Any) -> Counter[str]:
    """How many mails each address got from all senders together."""

    def work(_: int) -> None:
        run_dispatcher(shop.settings, shop.clock, until_idle=True, limits=PATIENT)

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(work, range(WORKERS)))
    return Counter(one["to"][0]["email"] for body in provider.bodies for one in body["personalizations"])


@pytest.mark.parametrize("topic", [None, "marketing"], ids=["over-all", "of-the-topic"])
def test_senders_at_once_never_exceed_the_shops_cap(shop: Any, provider: Any, topic: str | None) -> None:
    crowd(shop)
    cap(shop, {"max": 2, "days": 7, "topic": topic})
    assert set(send_all(shop, provider).values()) == {2}
    assert shop.states() == {"accepted": 2 * PEOPLE, "suppressed": 3 * PEOPLE}


def test_what_must_be_delivered_and_other_topics_are_not_held_back(shop: Any, provider: Any) -> None:
    crowd(shop, policy="at_least_once")
    cap(shop, {"max": 1, "days": 7, "topic": None}, {"max": 1, "days": 7, "topic": "service"})
    assert set(send_all(shop, provider).values()) == {5}
