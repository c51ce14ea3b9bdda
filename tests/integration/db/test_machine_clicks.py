"""Which clicks are a scanner's: told from all events of a mail, in whatever order and however often they come."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from rapport.db import connect
from rapport.settings import Settings

SENT = datetime(2027, 3, 1, 9, tzinfo=UTC)
BROWSER = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
# Kind, seconds after the mail was sent, link, user agent.
Event = tuple[str, float, str, str | None]
DELIVERED: Event = ("delivered", 10, "", None)


def told(settings: Settings, events: Sequence[Event], send_id: UUID | None = None) -> list[bool]:
    """Of each click, in the order given, whether it is a machine's."""
    send_id = send_id or uuid4()
    with connect("engine", settings=settings) as conn:
        for number, (event, seconds, link, agent) in enumerate(events):
            raw = {"url": link, "email": "ann@example.com"} | ({"useragent": agent} if agent else {})
            conn.execute(
                "insert into ops.webhook_inbox (event_id, event, send_id, raw, occurred_at, received_at)"
                " values (%s, %s, %s, %s, %s, now()) on conflict do nothing",
                (f"{send_id}:{number}", event, send_id, Jsonb(raw), SENT + timedelta(seconds=seconds)),
            )
        rows = conn.execute("select * from ops.clicks(array[%s])", (send_id,)).fetchall()
        everything = conn.execute("select * from ops.click where send_id = %s", (send_id,)).fetchall()
    found = {row["event_id"]: row["is_machine"] for row in rows}
    assert found == {row["event_id"]: row["is_machine"] for row in everything}
    return [found[f"{send_id}:{number}"] for number, (event, *_) in enumerate(events) if event == "click"]


def click(seconds: float, link: str = "sale", agent: str | None = BROWSER) -> Event:
    return ("click", seconds, f"https://shop.example/{link}", agent)


@pytest.mark.parametrize(
    ("clicks", "machine"),
    [
        pytest.param([click(90)], [False], id="a-person"),
        pytest.param([click(90), click(90), click(91)], [False] * 3, id="a-double-click"),
        pytest.param([click(90), click(91, "new")], [False] * 2, id="two-tabs"),
        pytest.param([click(90), click(93, "new"), click(96, "old")], [False] * 3, id="one-after-the-other"),
        pytest.param([click(90), click(91, "new"), click(92, "old")], [True] * 3, id="every-link-at-once"),
        pytest.param(
            [click(90), click(91, "new"), click(91, "old"), click(600)], [True] * 3 + [False], id="then-the-person"
        ),
        pytest.param([click(14)], [True], id="before-anybody-reads"),
        pytest.param([click(3)], [True], id="before-it-was-delivered"),
        pytest.param([click(15)], [False], id="a-quick-person"),
        pytest.param([click(90, agent="python-requests/2.32")], [True], id="says-so"),
        pytest.param([click(90, agent="Mozilla/5.0 (compatible; Barracuda Sentinel)")], [True], id="known"),
        pytest.param([click(90, agent=None)], [False], id="says-nothing"),
    ],
)
def test_a_scanner_is_told_by_its_name_its_haste_or_its_thoroughness(
    database: Settings, clicks: list[Event], machine: list[bool]
) -> None:
    assert told(database, [DELIVERED, *clicks]) == machine


def test_without_a_delivery_haste_is_not_known(database: Settings) -> None:
    assert told(database, [click(0)]) == [False]


def test_the_order_in_which_events_come_does_not_matter(database: Settings) -> None:
    lot = random.Random(5)
    events = [
        DELIVERED,
        *(click(second, link) for second, link in ((12, "a"), (40, "b"), (41, "c"), (42, "d"), (99, "a"))),
    ]
    expected = dict(zip(events[1:], told(database, events), strict=True))
    assert list(expected.values()) == [True, True, True, True, False]
    for _ in range(6):
        shuffled = lot.sample(events, len(events))
        found = told(database, shuffled)
        assert found == [expected[event] for event in shuffled if event[0] == "click"]


def test_a_later_event_may_change_the_answer(database: Settings) -> None:
    send_id = uuid4()
    assert told(database, [click(90), click(91, "new")], send_id) == [False, False]
    assert told(database, [click(90), click(91, "new"), click(92, "old")], send_id) == [True, True, True]


def test_mails_do_not_borrow_each_others_clicks(database: Settings) -> None:
    assert told(database, [click(90), click(91, "new")]) == [False, False]
    assert told(database, [click(92, "old")]) == [False]
