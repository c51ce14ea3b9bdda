"""Flows over a real ledger: who comes in, who leaves, one mail a step, and nothing twice."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from rapport import pipeline
from rapport.campaigns.approving.approval import ApprovalNeeded
from rapport.campaigns.folder.definition import Flow, load_campaign
from rapport.campaigns.lifecycle import flows
from rapport.campaigns.lifecycle.flows import run_flow, standing
from rapport.clock import FixedClock
from rapport.db import connect
from rapport.errors import GateFailed
from rapport.settings import Settings

from .conftest import AUDIENCE, NOW, Shop

TRIGGERS = """
create table activation.campaign_triggers (
    trigger text, trigger_id text, customer_id text, occurred_at timestamptz, expires_at timestamptz, context jsonb,
    as_of timestamptz
)
"""
ADOPT = (
    "insert into ops.adoption (adoption_id, adopted_by, adopted_at, forced, details)"
    " values (gen_random_uuid(), 'test', %s, false, '{}')"
)
LEFT = NOW - timedelta(hours=5)
CART = {
    "cart": {"currency_code": "GBP", "url": None, "items": [{"title": "Mug", "quantity": 1, "price": 9}]},
    "note": "what no mail prints",
}
WORDS = (
    "{{ first_name or 'there' }}: {{ trigger.cart['items'][0].title }} {{ shop_name }} {{ shop_postal_address }}"
    " {{ unsubscribe_url }}"
)
ANSWER = " {{ survey_url }}?answer=9"
DEFINITION = """
name: carts
title: Carts
owner: marketing
topic: marketing
kind: flow
trigger: cart_abandoned
exit_if: [ordered]
reenter_after: 7d
approval: automatic
steps:
  - { name: first, wait: 4h, subject: "Your cart" }
  - { name: second, wait: 2d, body: body_second, subject: "Your cart, once more" }
"""


@dataclass
class Flows(Shop):
    flow: Flow = None  # type: ignore[assignment]
    folder: Path = Path()

    def edit(self, *changes: tuple[str, str]) -> None:
        path = self.folder / "campaign.yml"
        text = path.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)
        flow = load_campaign(self.folder, self.settings)
        assert isinstance(flow, Flow)
        self.flow = flow

    def trigger(self, customer: str, name: str = "c1", at: datetime = LEFT, expires_at: datetime | None = None) -> None:
        with connect("transformer", settings=self.settings) as conn:
            conn.execute(
                "insert into activation.campaign_triggers values ('cart_abandoned', %s, %s, %s, %s, %s, %s)",
                (f"{customer}:{name}", customer, at, expires_at, Jsonb(CART), NOW - timedelta(hours=2)),
            )

    def tick(self, after: timedelta = timedelta()) -> dict[str, int]:
        at = NOW + after
        self.gates(at)
        return run_flow(self.flow, self.settings, FixedClock(at))

    def gates(self, at: datetime = NOW) -> None:
        for suite in ("campaign_audience", "campaign_triggers"):
            self.gate(ran_at=at - timedelta(minutes=1), suite=suite)

    def change(self, statement: str) -> None:
        with connect("transformer", settings=self.settings) as conn:
            conn.execute(statement)  # type: ignore[arg-type]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with connect("engine", settings=self.settings) as conn:
            return [tuple(row.values()) for row in conn.execute(query)]  # type: ignore[call-overload]

    def runs(self) -> list[tuple[Any, ...]]:
        return self.rows("select trigger_id, state, reason from ops.flow_run order by 1")

    def steps(self) -> list[tuple[Any, ...]]:
        return self.rows("select trigger_id, step, outcome from ops.flow_step order by 1, settled_at, 2")

    def mails(self) -> list[tuple[Any, ...]]:
        return self.rows("select customer_id, occurrence_key from ops.send order by 1, 2")


@pytest.fixture
def shop(database: Settings, tmp_path: Path) -> Flows:
    with connect("transformer", settings=database) as conn:
        conn.execute(AUDIENCE)
        conn.execute(TRIGGERS)
    folder = tmp_path / "campaigns" / "carts"
    folder.mkdir(parents=True)
    for stem in ("body", "body_second"):
        (folder / f"{stem}.html").write_text(f"<html lang='en' dir='ltr'><body><p>{WORDS}</p></body></html>")
        (folder / f"{stem}.txt").write_text(WORDS)
    (folder / "campaign.yml").write_text(DEFINITION)
    (tmp_path / "campaigns" / "policy.yml").write_text("approval: { automatic: true }\n")
    database = database.model_copy(update={"project_dir": tmp_path})
    made = Flows(database, None, FixedClock(NOW), folder=folder)  # type: ignore[arg-type]
    made.edit()
    return made


def test_a_person_gets_each_step_once_and_is_done(shop: Flows) -> None:
    shop.person("ann", "ann@example.com")
    shop.trigger("ann")
    assert shop.tick() == {"entered": 1, "planned": 1}
    assert shop.mails() == [("ann", "first@2026-07-10")]
    assert shop.tick(timedelta(hours=1)) == {}
    assert standing(shop.flow, shop.settings).waiting == {"second": 1}
    assert shop.tick(timedelta(days=2)) == {"planned": 1, "finished": 1}
    assert shop.mails() == [("ann", "first@2026-07-10"), ("ann", "second@2026-07-12")]
    assert shop.tick(timedelta(days=2, hours=1)) == {}
    assert shop.runs() == [("ann:c1", "finished", None)]
    (row,) = shop.rows("select kind, definition ->> 'trigger' from ops.campaign")
    assert row == ("flow", "cart_abandoned")
    contexts = shop.rows("select context -> 'trigger' -> 'cart' -> 'items' -> 0 ->> 'title' from ops.send")
    assert contexts == [("Mug",), ("Mug",)]
    assert shop.rows("select distinct jsonb_object_keys(context -> 'trigger') as part from ops.send") == [("cart",)]


def test_waits_are_counted_from_what_happened(shop: Flows) -> None:
    shop.person("ann", "ann@example.com")
    shop.trigger("ann", at=NOW - timedelta(hours=3))
    assert shop.tick() == {"entered": 1}
    assert shop.mails() == []
    assert shop.tick(timedelta(hours=1)) == {"planned": 1}


def test_a_flow_that_is_switched_on_writes_to_nobody_about_last_month(shop: Flows) -> None:
    shop.person("ann", "ann@example.com")
    shop.trigger("ann", at=NOW - timedelta(days=20))
    assert (shop.tick(), shop.runs()) == ({}, [])


@pytest.mark.parametrize(
    ("happened", "reason"),
    [
        ("update activation.campaign_audience set last_order_at = now() + interval '9 years'", "ordered"),
        ("delete from activation.campaign_triggers", "what set it off no longer holds"),
        ("update activation.campaign_triggers set expires_at = '2026-07-11'", "the time for it is over"),
        ("delete from activation.campaign_audience", "no longer in the audience"),
    ],
    ids=["ordered", "cart is empty", "expired", "gone"],
)
def test_who_no_longer_needs_it_leaves_before_the_next_step(shop: Flows, happened: str, reason: str) -> None:
    shop.person("ann", "ann@example.com")
    shop.trigger("ann")
    shop.tick()
    shop.change(happened)
    assert shop.tick(timedelta(days=2)) == {"left": 1}
    assert len(shop.mails()) == 1
    assert shop.runs() == [("ann:c1", "left", reason)]
    assert standing(shop.flow, shop.settings).ended == {("left", reason): 1}


def test_a_click_or_an_answer_ends_a_flow_that_says_so(shop: Flows) -> None:
    for path in shop.folder.glob("body*"):
        path.write_text(path.read_text().replace(WORDS, WORDS + ANSWER))
    shop.edit(("exit_if: [ordered]", "exit_if: [clicked, answered]\nsurvey: nps"))
    for customer in ("ann", "bob", "cy"):
        shop.person(customer, f"{customer}@example.com")
        shop.trigger(customer)
    shop.tick()
    with connect("engine", settings=shop.settings) as conn:
        conn.execute("update ops.send set engagement = 'clicked' where customer_id in ('ann', 'cy')")
        # Cy's company has a scanner.
        conn.execute(
            "insert into ops.webhook_inbox (event_id, event, send_id, raw, occurred_at, received_at)"
            " select send_id::text || link, 'click', send_id, jsonb_build_object('url', link), now(), now()"
            " from ops.send, unnest(case customer_id when 'ann' then array['1'] else array['1', '2', '3'] end) as link"
            " where customer_id in ('ann', 'cy')"
        )
        conn.execute(
            "insert into ops.survey_answer (answer_id, send_id, survey, answer, language, answered_at)"
            " select gen_random_uuid(), send_id, 'nps', 9, 'en', now() from ops.send where customer_id = 'bob'"
        )
    assert shop.tick(timedelta(days=2)) == {"left": 2, "planned": 1, "finished": 1}
    assert [(row[0], row[2]) for row in shop.runs()] == [("ann:c1", "clicked"), ("bob:c1", "answered"), ("cy:c1", None)]
    assert shop.rows("select distinct context ->> 'survey' from ops.send") == [("nps",)]


def test_nothing_goes_to_a_person_with_an_open_ticket_until_it_is_solved_or_too_late(shop: Flows) -> None:
    shop.person("ann", "ann@example.com")
    shop.trigger("ann")
    shop.change("update activation.campaign_audience set open_tickets_count = 1")
    assert shop.tick() == {"entered": 1}
    assert shop.tick(timedelta(hours=20)) == {}
    shop.change("update activation.campaign_audience set open_tickets_count = 0")
    assert shop.tick(timedelta(hours=21)) == {"planned": 1}
    shop.change("update activation.campaign_audience set open_tickets_count = 1")
    assert shop.tick(timedelta(days=4)) == {"late": 1, "finished": 1}
    assert shop.steps() == [("ann:c1", "first", "planned"), ("ann:c1", "second", "late")]
    shop.edit(("reenter_after: 7d", "reenter_after: 1h\nhold_while_ticket_open: false"))
    shop.trigger("ann", "c2", NOW + timedelta(days=4))
    assert shop.tick(timedelta(days=4, hours=5)) == {"entered": 1, "planned": 1}


def test_a_person_is_inside_once_and_comes_back_only_after_a_while(shop: Flows) -> None:
    shop.person("ann", "ann@example.com")
    shop.trigger("ann", "old", LEFT - timedelta(hours=1))
    shop.trigger("ann", "new")
    assert shop.tick() == {"entered": 1, "refused": 1, "planned": 1}
    shop.trigger("ann", "soon", NOW + timedelta(days=1))
    assert shop.tick(timedelta(days=1, hours=6)) == {"refused": 1}
    shop.trigger("ann", "late", NOW + timedelta(days=8))
    assert shop.tick(timedelta(days=8, hours=6))["entered"] == 1
    assert {row[0].partition(":")[2]: row[1] for row in shop.runs()} == {
        "old": "refused",
        "new": "finished",
        "soon": "refused",
        "late": "inside",
    }


def test_conditions_say_who_comes_in_who_leaves_and_who_gets_a_step(shop: Flows) -> None:
    shop.edit(
        ("exit_if: [ordered]", 'exit_if: [ordered, "revenue > 500"]\nenter_if: "\'vip\' in segments"'),
        ("wait: 2d,", "wait: 2d, only_if: \"language = 'en'\","),
    )
    shop.person("ann", "ann@example.com", segments=("vip",))
    shop.person("bob", "bob@example.com")
    shop.person("cy", "cy@example.com", segments=("vip",))
    shop.person("dee", "dee@example.com", segments=("vip",), language="fr")
    for customer in ("ann", "bob", "cy", "dee"):
        shop.trigger(customer)
    assert shop.tick() == {"entered": 3, "refused": 1, "planned": 3}
    shop.change("update activation.campaign_audience set revenue = 501 where customer_id = 'cy'")
    assert shop.tick(timedelta(days=2)) == {"left": 1, "skipped": 1, "planned": 1, "finished": 2}
    assert shop.runs() == [
        ("ann:c1", "finished", None),
        ("bob:c1", "refused", "enter_if: 'vip' in segments"),
        ("cy:c1", "left", "exit_if: revenue > 500"),
        ("dee:c1", "finished", None),
    ]


def test_the_planner_decides_and_what_may_pass_is_asked_again_tomorrow(shop: Flows) -> None:
    shop.edit(("reenter_after: 7d", "reenter_after: 7d\nexpires_after: 4d"))
    shop.person("ann", "ann@example.com")
    shop.person("bob", "bob@example.com", consent=None)
    shop.person("cy", "cy@example.com")
    shop.suppress("cy@example.com")
    for customer in ("ann", "bob", "cy"):
        shop.trigger(customer)
    assert shop.tick() == {"entered": 3, "planned": 1, "no_consent": 1, "suppressed": 1, "left": 2}
    assert shop.runs()[1:] == [("bob:c1", "left", "no_consent"), ("cy:c1", "left", "suppressed")]
    with connect("engine", settings=shop.settings) as conn:
        key = ("carts", "second@2026-07-12")
        conn.execute("insert into ops.occurrence values (%s, %s, now(), '{}')", key)
        conn.execute("insert into ops.decision values (%s, %s, 'ann', null, 'capped', 'enough for now', now())", key)
    assert shop.tick(timedelta(days=2)) == {}
    assert shop.tick(timedelta(days=3)) == {"planned": 1, "finished": 1}
    assert [step[2] for step in shop.steps() if step[0] == "ann:c1"] == ["planned", "planned"]


def test_people_take_the_flow_as_it_is_written_now(shop: Flows) -> None:
    shop.person("ann", "ann@example.com")
    shop.trigger("ann")
    shop.tick()
    added = '  - { name: between, wait: 1d, subject: "Still there" }\n  - { name: second,'
    shop.edit(("  - { name: second,", added), ("{ name: first,", "{ name: start,"))
    # The renamed step is a new one, and not too late yet: one mail a day.
    assert shop.tick(timedelta(hours=1)) == {}
    assert shop.tick(timedelta(days=1, hours=1)) == {"planned": 1}
    assert shop.tick(timedelta(days=2, hours=1)) == {"planned": 1}
    assert [key for _, key in shop.mails()] == ["between@2026-07-12", "first@2026-07-10", "start@2026-07-11"]


def test_a_step_that_a_lost_ledger_may_have_sent_is_not_sent_again(shop: Flows) -> None:
    shop.person("ann", "ann@example.com")
    shop.trigger("ann")
    with connect("engine", settings=shop.settings) as conn:
        conn.execute(ADOPT, (NOW - timedelta(minutes=10),))
    assert shop.tick() == {"entered": 1, "lost": 1}
    assert shop.tick(timedelta(days=2)) == {"planned": 1, "finished": 1}
    assert shop.mails() == [("ann", "second@2026-07-12")]


def test_before_the_first_build_a_flow_says_what_to_do(shop: Flows) -> None:
    shop.change("drop table activation.campaign_triggers")
    with pytest.raises(GateFailed, match="rapport run"):
        shop.tick()


def test_a_dry_run_counts_and_writes_nothing(shop: Flows) -> None:
    shop.person("ann", "ann@example.com")
    shop.trigger("ann")
    shop.gates()
    assert run_flow(shop.flow, shop.settings, shop.clock, dry_run=True) == {"entered": 1, "planned": 1}
    assert shop.runs() == shop.mails() == shop.rows("select 1 from ops.campaign") == []


def test_nobody_is_moved_before_a_person_has_approved_the_version(shop: Flows) -> None:
    shop.edit(("approval: automatic", "approval: required"))
    shop.person("ann", "ann@example.com")
    shop.trigger("ann")
    with pytest.raises(ApprovalNeeded, match="rapport campaign approve carts"):
        shop.tick()
    assert shop.runs() == shop.mails() == []
    asked = pipeline.answer("carts", shop.settings, shop.clock, "boss@example.com", "approved")
    assert asked
    assert (asked["state"], asked["covers"]) == ("approved", "version")
    assert shop.tick() == {"entered": 1, "planned": 1}
    shop.edit(("Your cart, once more", "Once more"))
    with pytest.raises(ApprovalNeeded):
        shop.tick(timedelta(days=2))


def _tick(flow: Flow, settings: Settings, kill_at: str | None = None) -> None:
    if kill_at:
        setattr(flows, kill_at, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
    run_flow(flow, settings, FixedClock(NOW))


def _spawn(target: Callable[..., None], *arguments: Any) -> multiprocessing.process.BaseProcess:
    process = multiprocessing.get_context("fork").Process(target=target, args=arguments)
    process.start()
    return process


def test_two_processes_at_once_move_nobody_twice(shop: Flows) -> None:
    for number in range(40):
        shop.person(f"p{number}", f"p{number}@example.com")
        shop.trigger(f"p{number}")
    shop.gates()
    workers = [_spawn(_tick, shop.flow, shop.settings) for _ in range(4)]
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert len(shop.mails()) == len(shop.steps()) == len(shop.runs()) == 40


@pytest.mark.parametrize("kill_at", ["record", "moves", "plan_given", "after_planning"])
def test_after_a_kill_at_any_moment_a_tick_does_what_was_left_to_do(shop: Flows, kill_at: str) -> None:
    shop.person("ann", "ann@example.com")
    shop.trigger("ann")
    shop.gates()
    killed = _spawn(_tick, shop.flow, shop.settings, kill_at)
    killed.join(120)
    assert killed.exitcode == -signal.SIGKILL
    assert shop.runs() == shop.mails() == []
    assert shop.tick() == {"entered": 1, "planned": 1}
    assert shop.tick() == {}
    assert len(shop.mails()) == 1


@pytest.mark.parametrize("suite", ["campaign_audience", "campaign_triggers"])
def test_a_gate_that_failed_moves_nobody(shop: Flows, suite: str) -> None:
    shop.person("ann", "ann@example.com")
    shop.trigger("ann")
    shop.gates()
    shop.gate(passed=False, ran_at=NOW, suite=suite)
    with pytest.raises(GateFailed, match=f"activation.{suite} failed its check .* email is not unique in {suite}"):
        run_flow(shop.flow, shop.settings, shop.clock)
    assert shop.runs() == []


def test_triggers_that_were_never_checked_or_were_built_anew_since_move_nobody(shop: Flows) -> None:
    shop.person("ann", "ann@example.com")
    shop.trigger("ann")
    shop.gate()
    with pytest.raises(GateFailed, match="campaign_triggers was never checked"):
        run_flow(shop.flow, shop.settings, shop.clock)
    shop.gates()
    shop.change("update activation.campaign_triggers set as_of = as_of + interval '2 hours'")
    with pytest.raises(GateFailed, match="campaign_triggers was rebuilt after its last check"):
        run_flow(shop.flow, shop.settings, shop.clock)
    assert shop.runs() == []
