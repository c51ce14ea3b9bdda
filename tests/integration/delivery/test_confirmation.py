"""Double opt-in from the shop's form to the first ordinary mail: the request, its mail, the button, the consent."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb
from starlette.testclient import TestClient

from rapport import pipeline
from rapport.clock import FixedClock
from rapport.delivery import Limits, run_dispatcher
from rapport.gateway import create_app, erase_addresses
from rapport.keys import recipient_key, sign_token, uuid7

NOW = datetime.fromisoformat("2027-03-01T09:00:00+00:00")
FORM_KEY = "a-form-key-for-tests"
ADDRESS = "neu@post.example"
QUICK = Limits(connect_seconds=0.5, read_seconds=1, deadline_seconds=2, lease_seconds=3, window_seconds=4)
LINK = re.compile(r"http://127\.0\.0\.1:8090(/[cu]/[\w.-]+)")


@dataclass
class Door:
    """The shop with its gateway, on one clock."""

    shop: Any
    client: TestClient

    def ask(self, address: str = ADDRESS, *, language: str = "en") -> int:
        form = {"key": FORM_KEY, "address": address, "topic": "marketing"}
        return self.client.post(f"/opt-in?lang={language}", data=form).status_code

    def plan(self) -> dict[str, int]:
        return pipeline.plan("confirm_opt_in", self.shop.settings, self.shop.clock)

    def dispatch(self) -> Any:
        return run_dispatcher(self.shop.settings, self.shop.clock, until_idle=True, limits=QUICK)

    def later(self, **more: float) -> None:
        self.shop.clock = FixedClock(self.shop.clock.now() + timedelta(**more))

    def ordinary(self, occurrence: str, address: str = ADDRESS) -> UUID:
        """A mail of the campaign `hello` to the address, due now."""
        send_id, now = uuid7(), self.shop.clock.now()
        key = recipient_key(self.shop.settings, address)
        run = self.shop.conn.execute
        run("insert into ops.recipient values (%s, %s, %s) on conflict do nothing", (key, address, now))
        run("insert into ops.occurrence values ('hello', %s, %s, '{}') on conflict do nothing", (occurrence, now))
        run(
            "insert into ops.send (send_id, campaign_id, occurrence_key, recipient_key, customer_id, topic, policy,"
            " due_at, expires_at, template_version, context, planned_at)"
            " values (%s, 'hello', %s, %s, 'c1', 'marketing', 'at_most_once', %s, %s, 'v1', %s, %s)",
            (send_id, occurrence, key, now, now + timedelta(hours=6), Jsonb({"first_name": "Neu"}), now),
        )
        return send_id

    def suppress(self, reason: str, topic: str, address: str = ADDRESS) -> None:
        self.shop.conn.execute(
            "insert into ops.suppression (recipient_key, topic, reason, source, evidence_id, occurred_at)"
            " values (%s, %s, %s, 'x', 'x', %s)",
            (recipient_key(self.shop.settings, address), topic, reason, NOW - timedelta(days=9)),
        )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self.shop.conn.execute(query)]

    def sends(self) -> list[tuple[Any, ...]]:
        return self.rows("select state, reason from ops.send where campaign_id = 'confirm_opt_in' order by planned_at")

    def everything(self) -> list[tuple[Any, ...]]:
        tables = ("opt_in", "occurrence", "send", "decision", "recipient", "campaign", "template", "consent_fact")
        return [(name, *self.rows(f"select count(*), max(xmin::text::bigint) from ops.{name}")) for name in tables]


@pytest.fixture
def door(shop: Any) -> Iterator[Door]:
    settings = shop.settings.model_copy(update={"opt_in_form_keys": (FORM_KEY,)})

    class Moving:
        def now(self) -> datetime:
            return shop.clock.now()  # type: ignore[no-any-return]

    with TestClient(create_app(settings, Moving())) as client:
        yield Door(shop, client)


def link(body: dict[str, Any], place: str) -> str:
    """The path of the mail's one link to a page of the gateway, the same in both of its parts."""
    text, html = (part["value"] for part in body["content"])
    (path,) = {found for found in LINK.findall(text) if found.startswith(f"/{place}/")}
    assert path in html.replace("&#x2f;", "/")
    return path


def test_from_the_form_to_the_first_ordinary_mail(door: Door, provider: Any) -> None:
    first = door.ordinary("before")
    assert door.ask(language="de") == 200
    assert door.plan() == {"requests": 1, "planned": 1}
    planned = door.everything()
    assert door.plan() == {"requests": 0}
    assert door.everything() == planned

    report = door.dispatch()
    assert (report.accepted, report.suppressed) == (1, 1)
    assert door.shop.row(first)["reason"] == "no consent: never given, and unknown means no"
    (body,) = provider.bodies
    (person,) = body["personalizations"]
    assert person["to"] == [{"email": ADDRESS}]
    assert body["subject"] == "Bitte bestätigen: Neuigkeiten und Angebote von Test Shop Ltd"
    assert person["headers"]["List-Unsubscribe"].endswith(link(body, "u") + ">")
    path = link(body, "c")
    assert "neu" not in path
    assert "neu" not in str(door.rows("select context from ops.send where campaign_id = 'confirm_opt_in'"))
    assert door.dispatch().accepted == 0

    for _ in range(2):
        page = door.client.get(path)
        assert (page.status_code, "<form" in page.text) == (200, True)
    second = door.ordinary("asked, but not confirmed")
    assert door.dispatch().suppressed == 1
    assert door.shop.row(second)["state"] == "suppressed"

    for _ in range(2):
        assert door.client.post(path, data={"confirm": "yes"}).status_code == 200
    (fact,) = door.rows("select topic, granted, how, wording from ops.consent_fact")
    assert fact[:3] == ("marketing", True, "double_opt_in")
    third = door.ordinary("confirmed")
    assert door.dispatch().accepted == 1
    assert door.shop.row(third)["state"] == "accepted"
    assert door.plan() == {"requests": 0}
    assert len(provider.bodies) == 2


def test_the_ledger_says_why(door: Door) -> None:
    door.ask()
    door.plan()
    ((opt_in_id,),) = door.rows("select opt_in_id from ops.opt_in")
    decisions = door.rows("select campaign_id, occurrence_key, customer_id, outcome, reason from ops.decision")
    assert decisions == [
        ("confirm_opt_in", str(opt_in_id), f"opt_in:{opt_in_id}", "planned", "asked for marketing"),
    ]
    ((waterfall, sends),) = door.rows(
        "select waterfall, (select count(*) from ops.send) from ops.occurrence where campaign_id = 'confirm_opt_in'"
    )
    assert (waterfall["segment"], waterfall["planned"], sum(waterfall.values()), sends) == (1, 1, 2, 1)


def test_planners_at_once_plan_each_request_once(door: Door) -> None:
    for number in range(10):
        door.ask(f"neu{number}@post.example")
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda _: door.plan()["requests"], range(4)))
    assert sorted(counts) == [0, 0, 0, 10]
    assert len(door.sends()) == 10


def test_a_dry_run_writes_nothing(door: Door) -> None:
    door.ask()
    before = door.everything()
    counted = pipeline.plan("confirm_opt_in", door.shop.settings, door.shop.clock, dry_run=True)
    assert counted == {"requests": 1, "planned": 1}
    assert door.everything() == before


def test_the_measure_of_an_address_is_the_measure_of_its_mails(door: Door, provider: Any) -> None:
    assert {door.ask() for _ in range(8)} == {200}
    door.plan()
    assert door.dispatch().accepted == len(provider.bodies) == 5


LIFTED = [("soft_bounce", "*"), ("unsubscribe", "marketing"), ("sunset", "marketing")]
FINAL = [
    ("erasure", "*"),
    ("manual", "*"),
    ("manual", "marketing"),
    ("unsubscribe", "*"),
    ("complaint", "*"),
    ("hard_bounce", "*"),
    ("provider_list", "*"),
    ("unsubscribe", "confirmation"),
    ("manual", "confirmation"),
]
NAMES = [f"{reason} of {topic.replace('*', 'everything')}" for reason, topic in LIFTED + FINAL]


@pytest.mark.parametrize(("reason", "topic"), LIFTED, ids=NAMES[: len(LIFTED)])
def test_what_only_a_double_opt_in_lifts_lets_its_mail_pass_and_no_other(
    door: Door, provider: Any, reason: str, topic: str
) -> None:
    door.suppress(reason, topic)
    door.shop.plan(1)  # somebody else, for the consent below
    agreed = door.ordinary("agreed once")
    door.shop.conn.execute(
        "insert into ops.consent_fact (recipient_key, topic, granted, occurred_at, source, how, source_record_id)"
        " values (%s, 'marketing', true, %s, 'shopify', 'checkout', 'x')",
        (recipient_key(door.shop.settings, ADDRESS), NOW - timedelta(days=30)),
    )
    door.ask()
    door.plan()
    assert door.dispatch().suppressed == 1
    assert door.shop.row(agreed)["reason"] == f"suppressed: {reason}"
    assert [state for state, _ in door.sends()] == ["accepted"]
    (mail,) = [body for body in provider.bodies if body["categories"] == ["confirm_opt_in", "confirmation"]]
    door.client.post(link(mail, "c"), data={"confirm": "yes"})
    lifted = door.ordinary("confirmed")
    assert door.dispatch().accepted == 1
    assert door.shop.row(lifted)["state"] == "accepted"


@pytest.mark.parametrize(("reason", "topic"), FINAL, ids=NAMES[len(LIFTED) :])
def test_what_is_final_holds_its_mail_back(door: Door, provider: Any, reason: str, topic: str) -> None:
    door.suppress(reason, topic)
    door.suppress("soft_bounce", "*")
    assert door.ask() == 200
    door.plan()
    door.dispatch()
    assert door.sends() == [("suppressed", f"suppressed: {reason}")]
    assert provider.bodies == []


def test_an_ordinary_campaign_gains_nothing_by_a_request(door: Door, provider: Any) -> None:
    door.ask()
    ((opt_in_id,),) = door.rows("select opt_in_id from ops.opt_in")
    send_id = door.ordinary(str(opt_in_id))
    assert door.dispatch().suppressed == 1
    assert door.shop.row(send_id)["reason"].startswith("no consent")
    assert provider.bodies == []


@pytest.mark.parametrize(
    "change",
    ["set occurrence_key = 'another'", "set recipient_key = (select recipient_key from ops.recipient limit 1)"],
    ids=["another occurrence", "another address"],
)
def test_a_confirmation_that_answers_no_request_needs_consent(door: Door, provider: Any, change: str) -> None:
    door.ordinary("later", "bob@post.example")
    door.shop.conn.execute("delete from ops.send")
    door.ask()
    door.plan()
    door.shop.conn.execute("insert into ops.occurrence values ('confirm_opt_in', 'another', %s, '{}')", (NOW,))
    door.shop.conn.execute(f"update ops.send {change}")
    door.dispatch()
    ((state, reason),) = door.sends()
    assert (state, reason) == ("suppressed", "no consent: never given, and unknown means no")
    assert provider.bodies == []


def test_a_request_that_is_over_gets_no_mail(door: Door, provider: Any) -> None:
    door.ask()
    door.later(days=7)
    assert door.plan() == {"requests": 0}
    door.ask()
    door.plan()
    door.later(days=7)
    assert door.dispatch().expired == 1
    assert provider.bodies == []


def test_who_ticks_a_topic_on_the_preference_page_is_asked_at_the_known_address(door: Door, provider: Any) -> None:
    (send_id,) = door.shop.plan(1)
    door.dispatch()
    preferences = f"/p/{sign_token(door.shop.settings, 'preferences', str(send_id))}"
    shown = {"action": "save", "shown": "marketing"}
    answer = door.client.post(preferences, data=shown)
    assert answer.status_code == 200
    door.later(minutes=1)
    door.client.post(preferences, data=shown | {"keep": "marketing"})
    assert door.rows("select address, source from ops.opt_in") == [(None, "preference_page")]
    door.plan()
    door.dispatch()
    assert provider.bodies[1]["personalizations"][0]["to"] == [{"email": "ada0@post.example"}]
    assert "confirmation" not in door.client.get(preferences).text
    assert door.shop.row(send_id)["state"] == "accepted"


def test_its_unsubscribe_link_ends_the_asking_and_nothing_else(door: Door, provider: Any) -> None:
    door.ask()
    door.plan()
    door.dispatch()
    (body,) = provider.bodies
    way_out = LINK.findall(body["personalizations"][0]["headers"]["List-Unsubscribe"])[0]
    assert door.client.post(way_out, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert door.rows("select topic, reason from ops.suppression") == [("confirmation", "unsubscribe")]
    door.later(days=2)
    door.ask()
    door.plan()
    door.dispatch()
    assert [state for state, _ in door.sends()] == ["accepted", "suppressed"]


def test_who_never_confirms_is_forgotten_and_may_come_back(door: Door, provider: Any) -> None:
    (known,) = door.shop.plan(1)
    for address in (ADDRESS, "agrees@post.example", "ada0@post.example"):
        door.ask(address)
    door.plan()
    door.dispatch()
    agrees = next(b for b in provider.bodies if b["personalizations"][0]["to"] == [{"email": "agrees@post.example"}])
    door.client.post(link(agrees, "c"), data={"confirm": "yes"})
    everybody = {ADDRESS, "agrees@post.example", "ada0@post.example"}
    addresses = "select address from ops.recipient where address is not null"
    door.later(days=6)
    erase_addresses(door.shop.settings, door.shop.clock)
    assert {address for (address,) in door.rows(addresses)} == everybody
    door.later(days=1)
    erase_addresses(door.shop.settings, door.shop.clock)
    assert {address for (address,) in door.rows(addresses)} == everybody - {ADDRESS}
    assert door.shop.row(known)["state"] == "accepted"

    door.ask()
    door.plan()
    assert door.dispatch().accepted == 1
    assert {address for (address,) in door.rows(addresses)} == everybody


def test_who_was_erased_is_not_written_down_again(door: Door, provider: Any) -> None:
    door.ordinary("long ago")
    door.shop.conn.execute("update ops.recipient set address = null")
    door.suppress("erasure", "*")
    door.ask()
    door.plan()
    door.dispatch()
    assert door.sends() == [("suppressed", "suppressed: erasure")]
    assert door.rows("select count(*) from ops.recipient where address is not null") == [(0,)]
    assert provider.bodies == []


def test_nobody_subscribes_to_confirmations(door: Door) -> None:
    door.ask()
    door.plan()
    form = {"key": FORM_KEY, "address": ADDRESS, "topic": "confirmation"}
    assert door.client.post("/opt-in", data=form).status_code == 404


def test_a_request_without_an_address_and_one_from_before_a_restore_are_told_apart(door: Door) -> None:
    door.ask()
    door.shop.conn.execute("update ops.opt_in set address = null")
    door.later(minutes=1)
    assert door.plan() == {"requests": 1, "no_address": 1}
    door.ask("late@post.example")
    door.shop.conn.execute(
        "insert into ops.adoption (adoption_id, adopted_by, adopted_at, forced, details)"
        " values (%s, 'x', %s, false, '{}')",
        (uuid7(), door.shop.clock.now()),
    )
    assert door.plan() == {"requests": 1, "no_window": 1}
    door.later(minutes=1)
    door.ask("late@post.example")
    assert door.plan() == {"requests": 1, "planned": 1}
    assert len(door.sends()) == 1


def test_a_stop_of_marketing_does_not_stop_it_and_a_group_of_the_provider_does_not_hold_it(
    door: Door, provider: Any
) -> None:
    door.shop.settings = door.shop.settings.model_copy(update={"sendgrid_unsubscribe_group": 7})
    door.shop.conn.execute("update ops.control set value = 'true' where name = 'marketing_stop'")
    door.ask()
    door.plan()
    assert door.dispatch().accepted == 1
    assert "asm" not in provider.bodies[0]
