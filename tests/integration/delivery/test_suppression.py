"""Who must not be written to: which reason holds, what lifts it, the provider's lists both ways, and the sunset."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from rapport.db import connect
from rapport.db.embedded import free_port
from rapport.delivery import reconcile_once
from rapport.delivery.suppression import sunset, sync_provider_lists
from rapport.errors import PermanentError
from rapport.keys import recipient_key
from rapport.sandbox.mail.app import app as provider_app
from rapport.sandbox.mail.ledger import Ledger
from rapport.sources.http import Refused
from rapport.sources.testing import Answer, FakeVendor, Request

KEY = "person"


def suppress(shop: Any, reason: str, topic: str, at: datetime, key: str = KEY) -> None:
    shop.conn.execute(
        "insert into ops.suppression (recipient_key, topic, reason, source, evidence_id, occurred_at)"
        " values (%s, %s, %s, 'test', %s, %s)",
        (key, topic, reason, f"{reason} {at}", at),
    )


def agree(shop: Any, how: str, at: datetime, topic: str = "marketing", *, granted: bool = True) -> None:
    shop.conn.execute(
        "insert into ops.consent_fact (recipient_key, topic, granted, occurred_at, source, how, source_record_id)"
        " values (%s, %s, %s, %s, 'test', %s, 'x')",
        (KEY, topic, granted, at, how),
    )


def in_force(shop: Any, topic: str = "marketing", key: str = KEY) -> list[tuple[str, str]]:
    rows = shop.conn.execute(
        "select reason, topic from ops.suppression_in_force(%s, %s, %s)", (key, topic, shop.clock.at)
    )
    return [(row["reason"], row["topic"]) for row in rows]


def test_the_reasons_stand_in_their_order(shop: Any) -> None:
    order = [
        ("erasure", "*"),
        ("manual", "*"),
        ("unsubscribe", "*"),
        ("complaint", "*"),
        ("hard_bounce", "*"),
        ("provider_list", "*"),
        ("soft_bounce", "*"),
        ("unsubscribe", "marketing"),
        ("sunset", "marketing"),
    ]
    for days, (reason, topic) in enumerate(order):
        suppress(shop, reason, topic, shop.clock.at - timedelta(days=days))
    assert in_force(shop) == order
    assert in_force(shop, "receipts") == order[:7]


@pytest.mark.parametrize(
    ("reason", "topic", "how", "days", "lifted"),
    [
        ("unsubscribe", "marketing", "double_opt_in", 1, True),
        ("sunset", "marketing", "double_opt_in", 1, True),
        ("soft_bounce", "*", "double_opt_in", 1, True),
        ("unsubscribe", "marketing", "import", 1, False),
        ("unsubscribe", "marketing", "imported_double_opt_in", 1, False),
        ("unsubscribe", "marketing", "double_opt_in", -1, False),
        ("unsubscribe", "marketing", "double_opt_in", 99, False),
        ("unsubscribe", "*", "double_opt_in", 1, False),
        ("complaint", "*", "double_opt_in", 1, False),
        ("hard_bounce", "*", "double_opt_in", 1, False),
        ("provider_list", "*", "double_opt_in", 1, False),
        ("manual", "marketing", "double_opt_in", 1, False),
        ("erasure", "*", "double_opt_in", 1, False),
    ],
)
def test_only_a_later_double_opt_in_lifts_and_not_everything(
    shop: Any, reason: str, topic: str, how: str, days: int, lifted: bool
) -> None:
    at = shop.clock.at - timedelta(days=10)
    suppress(shop, reason, topic, at)
    agree(shop, how, at + timedelta(days=days))
    assert in_force(shop) == ([] if lifted else [(reason, topic)])


def test_a_confirmation_of_another_topic_or_a_refusal_lifts_nothing(shop: Any) -> None:
    at = shop.clock.at - timedelta(days=10)
    suppress(shop, "unsubscribe", "marketing", at)
    agree(shop, "double_opt_in", at + timedelta(days=1), "receipts")
    agree(shop, "double_opt_in", at + timedelta(days=2), granted=False)
    assert in_force(shop) == [("unsubscribe", "marketing")]


def test_three_soft_bounces_in_fifteen_days_suppress(shop: Any) -> None:
    key = recipient_key(shop.settings, "ada0@post.example")
    days = (0, 1, 16, 17)
    for day in days:
        occurrence = f"day {day}"
        shop.conn.execute("insert into ops.occurrence values ('hello', %s, %s, '{}')", (occurrence, shop.clock.at))
        shop.conn.execute("update ops.send set state = 'accepted' where occurrence_key = '2027-03-01'")
        (send_id,) = shop.plan(1)
        shop.conn.execute("update ops.send set occurrence_key = %s where send_id = %s", (occurrence, send_id))
        shop.event(send_id, "bounce", minutes=day * 1440, type="bounce", status="4.2.2")
        shop.event(send_id, "bounce", minutes=day * 1440 + 1, type="blocked", status="5.2.2")
        reconcile_once(shop.settings, shop.clock)
    assert in_force(shop, key=key) == []
    shop.conn.execute("insert into ops.occurrence values ('hello', 'last', %s, '{}')", (shop.clock.at,))
    (send_id,) = shop.plan(1)
    shop.conn.execute("update ops.send set occurrence_key = 'last' where send_id = %s", (send_id,))
    shop.event(send_id, "bounce", minutes=18 * 1440, type="bounce", status="4.2.2")
    reconcile_once(shop.settings, shop.clock)
    assert in_force(shop, key=key) == [("soft_bounce", "*")]


@pytest.fixture
def sandbox(shop: Any, tmp_path: Path) -> Iterator[Ledger]:
    """What the simulated provider remembers, while it runs and the shop's settings point at it."""
    config = uvicorn.Config(provider_app(tmp_path / "mail", shop.clock), port=free_port(8191), log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    ledger = Ledger(tmp_path / "mail")
    changes = {
        "sendgrid_url": f"http://127.0.0.1:{config.port}",
        "sendgrid_api_key": ledger.api_key,
        "sendgrid_unsubscribe_group": ledger.rows("groups")[0]["id"],
    }
    shop.settings = shop.settings.model_copy(update=changes)
    yield ledger
    server.should_exit = True
    thread.join(20)
    ledger.close()


def suppressions(shop: Any) -> list[tuple[str, str, str]]:
    rows = shop.conn.execute("select recipient_key, topic, reason from ops.suppression")
    return sorted((row["recipient_key"], row["topic"], row["reason"]) for row in rows)


def test_both_sides_learn_what_either_knows_and_a_second_time_changes_nothing(shop: Any, sandbox: Any) -> None:
    at, group = shop.clock.at.timestamp() - 60, shop.settings.sendgrid_unsubscribe_group
    for number in range(1100):
        sandbox.suppress("global", f"gone{number}@post.example", at - number)
    sandbox.suppress("bounce", "hard@post.example", at, reason="550", status="5.1.1")
    sandbox.suppress("bounce", "full@post.example", at, reason="552", status="5.2.2")
    sandbox.suppress("invalid", "odd@post.example", at)
    sandbox.suppress("block", "blocked@post.example", at, reason="554", status="5.7.1")
    sandbox.suppress("spam_report", "angry@post.example", at)
    sandbox.suppress("group", "tired@post.example", at, group_id=group)
    everything, topic = shop.plan(2, prefix="ours")
    suppress(shop, "unsubscribe", "*", shop.clock.at, shop.row(everything)["recipient_key"])
    suppress(shop, "unsubscribe", "marketing", shop.clock.at, shop.row(topic)["recipient_key"])

    first = sync_provider_lists(shop.settings, shop.clock)
    assert (first.pulled, first.pushed, first.unreadable) == (1105, 2, 0)
    told = {key: (reason, topic) for key, topic, reason in suppressions(shop)}
    for name, fact in {
        "gone0": ("unsubscribe", "*"),
        "gone1099": ("unsubscribe", "*"),
        "hard": ("hard_bounce", "*"),
        "full": ("provider_list", "*"),
        "odd": ("provider_list", "*"),
        "angry": ("complaint", "*"),
        "tired": ("unsubscribe", "marketing"),
    }.items():
        assert told[recipient_key(shop.settings, f"{name}@post.example")] == fact
    assert recipient_key(shop.settings, "blocked@post.example") not in told
    assert sandbox.drop_reason("ours0@post.example", None, frozenset()) == "Unsubscribed Address"
    assert sandbox.drop_reason("ours1@post.example", group, frozenset()) == "Unsubscribed Address"
    assert sandbox.drop_reason("ours1@post.example", None, frozenset()) is None

    before = suppressions(shop)
    second = sync_provider_lists(shop.settings, shop.clock)
    assert (second.pulled, second.pushed) == (0, 0)
    assert suppressions(shop) == before


@contextmanager
def vendor(shop: Any, answer: Any) -> Iterator[FakeVendor]:
    with FakeVendor() as fake:
        fake.answer = answer
        shop.settings = shop.settings.model_copy(update={"sendgrid_url": fake.url})
        yield fake


def test_a_busy_provider_is_waited_for_and_odd_entries_are_counted(shop: Any) -> None:
    def answer(request: Request) -> Answer:
        odd = [{"email": None}, {}, 7, {"email": "nobody"}] if request.path.endswith("bounces") else []
        return Answer(odd)

    with vendor(shop, answer) as fake:
        fake.faults.append(Answer({}, 429, {"Retry-After": "0"}))
        report = sync_provider_lists(shop.settings, shop.clock)
        assert (report.pulled, report.unreadable) == (0, 4)
        assert [request.path for request in fake.requests][:2] == ["/v3/suppression/bounces"] * 2
        assert not any("@" in request.path for request in fake.requests)


def test_a_refusal_says_what_to_look_at(shop: Any) -> None:
    with vendor(shop, lambda _: Answer({"errors": []}, 403)), pytest.raises(Refused, match="RAPPORT_SENDGRID_API_KEY"):
        sync_provider_lists(shop.settings, shop.clock)


def old_mails(shop: Any, name: str, number: int, engagement: str = "delivered") -> None:
    shop.conn.execute("insert into ops.recipient values (%s, null, %s)", (name, shop.clock.at))
    shop.conn.execute(
        "insert into ops.occurrence select 'hello', 'slot ' || i, %s, '{}' from generate_series(1, %s) i"
        " on conflict do nothing",
        (shop.clock.at, number),
    )
    shop.conn.execute(
        "insert into ops.send (send_id, campaign_id, occurrence_key, recipient_key, customer_id, topic, policy, state,"
        " due_at, expires_at, attempt_no, accepted_at, engagement, template_version, context, planned_at)"
        " select gen_random_uuid(), 'hello', 'slot ' || i, %(name)s, %(name)s, 'marketing', 'at_most_once',"
        " 'accepted', %(at)s, %(at)s + interval '6 hours', 1, %(at)s - i * interval '5 days',"
        " case when i = 3 then %(engagement)s else 'delivered' end, 'v1', '{}', %(at)s"
        " from generate_series(1, %(number)s) i",
        {"name": name, "number": number, "engagement": engagement, "at": shop.clock.at},
    )


def test_who_has_long_gone_quiet_gets_no_more_of_the_topic(shop: Any) -> None:
    settings = shop.settings.model_copy(update={"sunset_days": 180})
    assert sunset(shop.settings, shop.clock) == 0
    with pytest.raises(PermanentError, match="build the warehouse first"):
        sunset(settings, shop.clock)
    with connect("transformer", settings=settings) as conn:
        conn.execute("create table marts.orders (customer_id text, ordered_at timestamptz, counts_as_order boolean)")
        conn.execute("insert into marts.orders values ('buyer', %s, true)", (shop.clock.at - timedelta(days=20),))
    for name, number, engagement in (
        ("quiet", 10, "delivered"),
        ("few", 9, "delivered"),
        ("reader", 12, "opened"),
        ("buyer", 12, "delivered"),
        ("clicker", 12, "clicked"),
        ("scanned", 12, "clicked"),
        (KEY, 12, "delivered"),
    ):
        old_mails(shop, name, number, engagement)
    # A scanner follows every link at once.
    shop.conn.execute(
        "insert into ops.webhook_inbox (event_id, event, send_id, raw, occurred_at, received_at)"
        " select send_id::text || link, 'click', send_id, jsonb_build_object('url', link), accepted_at,"
        " now()"
        " from ops.send, generate_series(1, case recipient_key when 'scanned' then 3 else 1 end) as link"
        " where engagement = 'clicked'"
    )
    agree(shop, "double_opt_in", shop.clock.at - timedelta(days=21))
    assert sunset(settings, shop.clock) == 2
    assert sorted(suppressions(shop)) == [("quiet", "marketing", "sunset"), ("scanned", "marketing", "sunset")]
    assert sunset(settings, shop.clock) == 0
