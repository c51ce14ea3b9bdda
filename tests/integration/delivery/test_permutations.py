"""Events in any order, as often as you like, with the reconciler cut off anywhere: the tables end the same."""

import random
from typing import Any

import psycopg
import pytest

from rapport.delivery import inbox, reconcile_once
from rapport.errors import TransientError

TALES = (
    ("processed", {}),
    ("deferred", {}),
    ("delivered", {}),
    ("open", {"sg_machine_open": False}),
    ("bounce", {"type": "bounce", "status": "4.2.2"}),
    ("bounce", {"type": "blocked", "status": "5.2.2"}),
    ("bounce", {"type": "bounce", "status": "5.1.1"}),
    ("bounce", {"type": "blocked", "status": "5.7.1"}),
    ("dropped", {"reason": "Bounced Address"}),
    ("group_unsubscribe", {}),
    ("spamreport", {}),
)
TOLD = {
    "send": "select send_id, state, reason, engagement, accepted_at, attempt_no from ops.send order by send_id",
    "suppression": "select recipient_key, topic, reason, evidence_id, occurred_at from ops.suppression"
    " order by recipient_key, topic, reason, evidence_id",
    "feedback": "select event_id, send_id, kind, occurred_at from ops.feedback order by event_id",
}


def planned_again(shop: Any, occurrences: int) -> list[Any]:
    """Five people, each with a mail in every occurrence, so that soft bounces add up."""
    ids = []
    for number in range(occurrences):
        shop.conn.execute(
            "insert into ops.occurrence values ('hello', %s, %s, '{}')", (f"slot {number}", shop.clock.at)
        )
        made = shop.plan(5)
        shop.conn.execute("update ops.send set occurrence_key = %s where send_id = any(%s)", (f"slot {number}", made))
        ids += made
    shop.conn.execute("update ops.send set state = 'unknown', attempt_no = 1, unknown_since = clock_timestamp()")
    return ids


def start_again(shop: Any) -> None:
    shop.conn.execute(
        "truncate ops.webhook_inbox, ops.suppression, ops.feedback, ops.breaker_trip;"
        " update ops.send set (state, reason, engagement, accepted_at, unknown_since) ="
        " (select state, reason, engagement, accepted_at, unknown_since from public.before"
        " where before.send_id = send.send_id);"
        " update ops.campaign set paused = false, paused_because = null;"
        " update ops.control set value = 'false' where name = 'marketing_stop';"
        " delete from ops.control where name = 'breaker'"
    )


# When it trips depends on what had come in by then, so this is the same only for the same order.
TRIPS = "select scope, measure, level, reason from ops.breaker_trip order by scope, measure, level"


def outcome(shop: Any) -> dict[str, Any]:
    return {name: shop.conn.execute(query).fetchall() for name, query in TOLD.items()}


@pytest.fixture
def story(shop: Any) -> list[tuple[Any, ...]]:
    """Sixty events of all kinds about twenty sends in doubt, which `start_again` brings back."""
    draw = random.Random(11)
    events = [
        (send_id, *tale, draw.randrange(0, 30 * 1440))
        for send_id in planned_again(shop, 4)
        for tale in draw.sample(TALES, 3)
    ]
    shop.conn.execute("create table public.before as select * from ops.send")
    return events


def tell(shop: Any, event: tuple[Any, ...]) -> None:
    send_id, name, raw, minutes = event
    shop.event(send_id, name, minutes=minutes, **raw)


@pytest.mark.parametrize("seed", [1, 2])
def test_any_permutation_gives_the_same_sends_and_suppressions(
    shop: Any, story: list[Any], monkeypatch: Any, seed: int
) -> None:
    outcomes = []
    for turn in range(5):
        told = story * 2
        random.Random(10 * seed + turn).shuffle(told)
        monkeypatch.setattr(inbox, "EVENTS_PER_ROUND", 1 + 5 * turn)
        start_again(shop)
        for at, event in enumerate(told):
            tell(shop, event)
            if at % (9 + turn) == 0:
                reconcile_once(shop.settings, shop.clock)
        reconcile_once(shop.settings, shop.clock)
        outcomes.append(outcome(shop))
    assert {row["reason"] for row in outcomes[0]["suppression"]} >= {"soft_bounce", "hard_bounce", "complaint"}
    assert all(one == outcomes[0] for one in outcomes)


def test_cut_off_at_any_statement_the_next_pass_ends_the_same(shop: Any, story: list[Any], monkeypatch: Any) -> None:
    monkeypatch.setattr(inbox, "EVENTS_PER_ROUND", 25)
    execute = psycopg.Connection.execute
    left = [0]

    def cut(conn: Any, *args: Any, **kwargs: Any) -> Any:
        if conn is not shop.conn:
            left[0] -= 1
            if left[0] == 0:
                conn.close()
        return execute(conn, *args, **kwargs)

    def run(statements: int) -> bool:
        """Whether a pass that is cut off at this statement came to its end."""
        start_again(shop)
        for event in story:
            tell(shop, event)
        left[0] = statements
        try:
            reconcile_once(shop.settings, shop.clock)
        except TransientError:
            left[0] = 0
            reconcile_once(shop.settings, shop.clock)
            return False
        return True

    def ended() -> tuple[Any, ...]:
        return outcome(shop), shop.conn.execute(TRIPS).fetchall()

    monkeypatch.setattr(psycopg.Connection, "execute", cut)
    assert run(0)
    expected = ended()
    assert expected[1] != []
    statements = 1
    while not run(statements):
        assert ended() == expected, f"cut off at statement {statements}"
        statements += 1
    assert statements > 20
