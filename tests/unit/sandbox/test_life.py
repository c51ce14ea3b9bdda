"""The living world: the same mails and seed give the same happenings, whenever and however often it is asked."""

import random
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from rapport.sandbox import world
from rapport.sandbox.behaviour import plan
from rapport.sandbox.life import Life
from rapport.sandbox.mail import Ledger, MailOptions
from rapport.sandbox.mail.envelopes import accept
from rapport.sandbox.people import make_people
from rapport.sandbox.store import open_world

START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


@dataclass
class MovableClock:
    at: datetime = START

    def now(self) -> datetime:
        return self.at


class Way:
    """The shop's unsubscribe address; `status` is what it answers."""

    def __init__(self, status: int = 200) -> None:
        self.status, self.requests = status, list[httpx.Request]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self.status)


def make(directory: Path, monkeypatch: pytest.MonkeyPatch, people: int = 120) -> list[str]:
    """A small world and one mail to each person, plus one to nobody; message ids are repeatable."""
    numbers = iter(range(10**6))
    monkeypatch.setattr("rapport.sandbox.mail.envelopes.new_message_id", lambda: f"m{next(numbers):05d}")
    world.generate(directory, seed=3, customers=people, origin=START, months=2)
    con, ledger = open_world(directory), Ledger(directory)
    emails = [row["email"] for row in con.execute("select email from persons order by person_id")]
    con.execute("update persons set unsubscribe_propensity = 0.2, open_propensity = 0.7, click_propensity = 0.4")
    con.execute("update persons set buy_propensity = 0.6")
    for email in [*emails, "nobody@nowhere.example"]:
        body = {
            "personalizations": [{"to": [{"email": email}], "custom_args": {"send_id": email, "attempt_no": "1"}}],
            "from": {"email": "shop@shop.example"},
            "subject": "We miss you",
            "content": [
                {"type": "text/plain", "value": "Hello"},
                {"type": "text/html", "value": '<a href="https://shop.example/?utm_campaign=win_back">Look</a>'},
            ],
            "headers": {
                "List-Unsubscribe": "<https://gateway.example/u/abc>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            },
            "categories": ["win_back"],
        }
        accept(ledger, MailOptions(seed=3), body, START.timestamp(), 0.0)
    con.close()
    ledger.close()
    return emails


def live(directory: Path, steps: list[timedelta], way: Way, *, restart: bool = False) -> None:
    clock = MovableClock()
    life = Life(directory, clock, 3, transport=httpx.MockTransport(way))
    life.tick()
    for step in steps:
        if restart:
            life.close()
            life = Life(directory, clock, 3, transport=httpx.MockTransport(way))
        clock.at += step
        while life.tick():
            pass
    life.close()


def happenings(directory: Path) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    con, ledger = open_world(directory), Ledger(directory)
    mails = ledger.rows("accepted_after", position=0, limit=10**6)
    found = [row for mail in mails for row in ledger.rows("events_of_message", sg_message_id=mail["sg_message_id"])]
    events = sorted((row["sg_event_id"], row["body"], row["copies"], row["post_after"]) for row in found)
    query = "select id, created_at, person_id, campaign from shopify_orders order by id"
    orders = [tuple(row) for row in con.execute(query)]
    con.close()
    ledger.close()
    return events, orders


def test_rhythm_and_restarts_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        make(tmp_path / name, monkeypatch)
    live(tmp_path / "one", [timedelta(days=3)], Way())
    live(tmp_path / "two", [timedelta(hours=1)] * 72, Way(), restart=True)
    assert happenings(tmp_path / "one") == happenings(tmp_path / "two")


def test_people_open_click_buy_and_leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    emails = make(tmp_path, monkeypatch)
    way = Way()
    live(tmp_path, [timedelta(days=3)], way)
    ledger = Ledger(tmp_path)
    counts = ledger.event_counts()
    assert counts["processed"] == len(emails) + 1
    assert counts["delivered"] + counts["bounce"] == len(emails) + 1
    assert counts["open"] > 10
    assert counts["click"] > 5
    assert ledger.drop_reason("nobody@nowhere.example", None, frozenset()) == "Bounced Address"
    query = "select count(*) as n from shopify_orders where campaign = 'win_back'"
    assert open_world(tmp_path).execute(query).fetchone()["n"] > 0
    assert way.requests
    assert {request.content for request in way.requests} == {b"List-Unsubscribe=One-Click"}
    assert {str(request.url) for request in way.requests} == {"https://gateway.example/u/abc"}


def test_an_unsubscribe_that_fails_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, monkeypatch, people=60)
    way, clock = Way(503), MovableClock()
    life = Life(tmp_path, clock, 3, transport=httpx.MockTransport(way))
    life.tick()
    clock.at += timedelta(days=3)
    while life.tick():
        pass
    refused = len(way.requests)
    assert refused > 0
    way.status = 200
    clock.at += timedelta(hours=1)
    done = 0
    while counts := life.tick():
        done += counts.get("unsubscribe", 0)
    assert done == refused
    life.close()


def test_life_goes_on_without_campaigns(tmp_path: Path) -> None:
    world.generate(tmp_path, seed=3, customers=300, origin=START, months=4)
    clock = MovableClock()
    life = Life(tmp_path, clock, 3)
    life.tick()
    clock.at += timedelta(days=2)
    total: dict[str, int] = {}
    while counts := life.tick():
        total = {kind: total.get(kind, 0) + counts.get(kind, 0) for kind in total | counts}
    assert total["order"] > 0
    assert total["settle"] == 48
    life.close()


def test_nobody_complains_of_the_campaign_of_a_demo_with_its_usual_seed() -> None:
    people = [asdict(person) for person in make_people(random.Random("7:people"), 3000)]
    first = {kind for person in people for kind in kinds(person, 7, "one")}
    assert "delivered" in first
    assert "spamreport" not in first


def test_a_complaint_hangs_on_person_and_campaign_and_not_on_the_mail() -> None:
    people = [asdict(person) | {"complaint_propensity": 0.5} for person in make_people(random.Random("x"), 40)]
    complains = [["spamreport" in kinds(person, 3, mail) for person in people] for mail in ("one", "another")]
    assert complains[0] == complains[1]
    assert len(set(complains[0])) == 2


def kinds(person: dict[str, Any], seed: int, message_id: str) -> set[str]:
    """What follows from a mail of the win_back campaign that a reader can leave by a click."""
    way_out = {
        "List-Unsubscribe": "<https://gateway.example/u/abc>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    mail = {
        "sg_message_id": message_id, "accepted_at": START.timestamp(), "send_at": None, "html": "", "headers": way_out,
        "group_id": None, "categories": ["win_back", "marketing"], "to_email": person["email"],
    }  # fmt: skip
    return {step.kind for step in plan(mail, person, seed)}
