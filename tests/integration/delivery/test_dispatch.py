"""What the dispatcher does with each kind of answer, and who is never written to."""

from datetime import timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from rapport.clock import FixedClock
from rapport.delivery import DispatchReport, Limits, run_dispatcher
from rapport.errors import PermanentError
from rapport.keys import verify_token

QUICK = Limits(connect_seconds=0.5, read_seconds=1, deadline_seconds=2, lease_seconds=3, window_seconds=4)


def dispatch(shop: Any, limits: Limits = QUICK, **more: Any) -> DispatchReport:
    return run_dispatcher(shop.settings, shop.clock, until_idle=True, limits=limits, **more)


def test_every_due_send_leaves_once(shop: Any, provider: Any) -> None:
    ids = shop.plan(50)
    report = dispatch(shop, concurrency=8)
    assert report.accepted == 50
    assert provider.accepted == {str(send_id): 1 for send_id in ids}
    row, attempts = shop.row(ids[0]), shop.attempts(ids[0])
    assert (row["state"], row["attempt_no"], row["accepted_at"]) == ("accepted", 1, shop.clock.at)
    assert [(a["outcome"], a["http_status"], a["allowed_because"]) for a in attempts] == [
        ("accepted", 202, "first attempt")
    ]
    assert attempts[0]["provider_message_id"].startswith("m")
    assert len(row["payload_sha256"]) == 64


def test_the_message_is_as_the_law_and_the_provider_want_it(shop: Any, provider: Any) -> None:
    (send_id,) = shop.plan(1)
    dispatch(shop)
    (body,) = provider.bodies
    (person,) = body["personalizations"]
    assert person["to"] == [{"email": "ada0@post.example"}]
    assert person["custom_args"] == {
        "send_id": str(send_id),
        "attempt_no": "1",
        "installation": "test-installation",
        "environment": "test",
    }
    assert body["from"] == {"email": "hello@shop.example", "name": "Ada & Co"}
    assert [part["type"] for part in body["content"]] == ["text/plain", "text/html"]
    assert body["subject"] == "Hello Ada 0"
    assert body["categories"] == ["hello", "marketing"]
    headers = person["headers"]
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Id"] == "<marketing.shop.example>"
    link = headers["List-Unsubscribe"].strip("<>")
    assert link.startswith("http://127.0.0.1:8090/u/")
    assert verify_token(shop.settings, "unsubscribe", link.rpartition("/")[2]) == str(send_id)
    assert link in body["content"][0]["value"]
    assert "asm" not in body


def test_the_unsubscribe_group_is_named_when_the_shop_has_one(shop: Any, provider: Any) -> None:
    shop.plan(1)
    shop.settings = shop.settings.model_copy(update={"sendgrid_unsubscribe_group": 7})
    dispatch(shop)
    assert provider.bodies[0]["asm"] == {"group_id": 7}


@pytest.mark.parametrize("fault", ["drop", "error"])
def test_a_lost_answer_is_unknown_and_never_repeated(shop: Any, provider: Any, fault: str) -> None:
    (send_id,) = shop.plan(1)
    provider.behave = lambda address: fault
    assert dispatch(shop).unknown == 1
    assert dispatch(shop).accepted == 0
    assert shop.row(send_id)["state"] == "unknown"
    assert shop.attempts(send_id)[0]["outcome"] == "unknown"
    assert provider.accepted[str(send_id)] == 1


def test_an_answer_that_does_not_come_in_time_is_unknown(shop: Any, provider: Any) -> None:
    (send_id,) = shop.plan(1)
    provider.delay = 2.0
    assert dispatch(shop).unknown == 1
    assert shop.row(send_id)["reason"].startswith("no answer")


def test_a_busy_provider_is_left_alone_as_long_as_it_asked(shop: Any, provider: Any) -> None:
    (send_id,) = shop.plan(1)
    answers = iter(["busy", "accept"])
    provider.behave = lambda address: next(answers)
    provider.retry_after = "1"
    report = dispatch(shop)
    assert (report.retried, report.accepted) == (1, 1)
    first, second = shop.attempts(send_id)
    assert (first["outcome"], first["http_status"]) == ("not_sent", 429)
    assert second["allowed_because"] == "not sent: rate limited (429)"
    assert second["intent_at"] - first["finished_at"] >= timedelta(seconds=1)


def test_all_workers_obey_the_wait_that_one_was_told(shop: Any, provider: Any) -> None:
    shop.plan(3)
    provider.behave = lambda address: "busy"
    provider.retry_after = "600"
    dispatch(shop, limits=Limits(patience_seconds=0), concurrency=1)
    assert provider.requests == 1
    dispatch(shop, limits=Limits(patience_seconds=0), concurrency=1)
    assert provider.requests == 1
    assert shop.states() == {"pending": 3}


def test_a_provider_that_is_not_there_costs_no_mail(shop: Any) -> None:
    (send_id,) = shop.plan(1)
    shop.settings = shop.settings.model_copy(update={"sendgrid_url": "http://127.0.0.1:9"})
    report = dispatch(shop, limits=Limits(patience_seconds=0))
    assert (report.retried, report.unknown) == (1, 0)
    row = shop.row(send_id)
    assert row["state"] == "pending"
    assert "no connection" in row["reason"]


def test_a_refused_message_fails_alone(shop: Any, provider: Any) -> None:
    ids = shop.plan(5)
    provider.behave = lambda address: "refuse" if address.startswith("ada2@") else "accept"
    report = dispatch(shop)
    assert (report.accepted, report.failed) == (4, 1)
    row = shop.row(ids[2])
    assert (row["state"], row["reason"]) == ("failed", "refused with 400: to")


def test_a_message_that_cannot_be_rendered_fails_alone(shop: Any, provider: Any) -> None:
    ids = shop.plan(3)
    shop.conn.execute("update ops.send set context = '{}' where send_id = %s", (ids[1],))
    report = dispatch(shop)
    assert (report.accepted, report.failed) == (2, 1)
    assert "first_name" in shop.row(ids[1])["reason"]


def test_a_name_that_would_forge_a_header_fails_alone(shop: Any, provider: Any) -> None:
    ids = shop.plan(2)
    shop.conn.execute(
        "update ops.send set context = %s where send_id = %s",
        (Jsonb({"first_name": "Ada\r\nBcc: eve@post.example"}), ids[0]),
    )
    report = dispatch(shop)
    assert (report.accepted, report.failed) == (1, 1)
    assert "post.example" not in shop.row(ids[0])["reason"]


def test_a_refused_key_stops_the_run_and_loses_nothing(shop: Any, provider: Any) -> None:
    shop.plan(3)
    provider.behave = lambda address: "unauthorised"
    with pytest.raises(PermanentError, match="key"):
        dispatch(shop)
    assert shop.states() == {"pending": 3}


def test_an_unsubscribe_between_plan_and_send_wins(shop: Any, provider: Any) -> None:
    ids = shop.plan(3)
    shop.suppress(ids[0])
    shop.suppress(ids[1], topic="*")
    report = dispatch(shop)
    assert (report.accepted, report.suppressed) == (1, 2)
    assert set(provider.accepted) == {str(ids[2])}
    assert shop.row(ids[0])["reason"] == "suppressed: unsubscribe"


def test_withdrawn_and_unknown_consent_both_mean_no(shop: Any, provider: Any) -> None:
    ids = shop.plan(3)
    withdrawn, unknown = (shop.row(send_id)["recipient_key"] for send_id in ids[:2])
    shop.conn.execute("delete from ops.consent_fact where recipient_key = %s", (unknown,))
    shop.conn.execute(
        "insert into ops.consent_fact (recipient_key, topic, granted, occurred_at, source, how, source_record_id)"
        " values (%s, 'marketing', false, %s, 'shopify', 'account page', 'later')",
        (withdrawn, shop.clock.at),
    )
    assert dispatch(shop).suppressed == 2
    assert [shop.row(send_id)["state"] for send_id in ids] == ["suppressed", "suppressed", "accepted"]


def test_an_erased_address_is_never_written_to(shop: Any, provider: Any) -> None:
    shop.plan(1)
    shop.conn.execute("update ops.recipient set address = null")
    assert dispatch(shop).suppressed == 1
    assert provider.requests == 0


def test_a_paused_campaign_waits_and_goes_on(shop: Any, provider: Any) -> None:
    shop.plan(2)
    shop.conn.execute("update ops.campaign set paused = true")
    assert dispatch(shop).accepted == 0
    assert shop.states() == {"pending": 2}
    shop.conn.execute("update ops.campaign set paused = false")
    assert dispatch(shop).accepted == 2


@pytest.mark.parametrize(
    "switch",
    [
        "update ops.control set value = 'true' where name = 'kill_switch'",
        "delete from ops.control where name = 'kill_switch'",
    ],
)
def test_the_kill_switch_stops_everything_and_fails_safe(shop: Any, provider: Any, switch: str) -> None:
    shop.plan(2)
    shop.conn.execute(switch)
    dispatch(shop)
    assert provider.requests == 0
    assert shop.states() == {"pending": 2}


def test_what_is_overdue_expires_instead_of_firing_late(shop: Any, provider: Any) -> None:
    ids = shop.plan(2)
    shop.conn.execute("update ops.send set expires_at = %s where send_id = %s", (shop.clock.at, ids[0]))
    report = dispatch(shop)
    assert (report.accepted, report.expired) == (1, 1)
    assert shop.row(ids[0])["state"] == "expired"


def test_nothing_leaves_before_it_is_due(shop: Any, provider: Any) -> None:
    shop.plan(1)
    shop.clock = FixedClock(shop.clock.at - timedelta(hours=1))
    dispatch(shop)
    assert provider.requests == 0


def test_a_late_connection_sends_nothing(shop: Any, provider: Any) -> None:
    """The deadline is asked once the connection stands; here it is over before that."""
    import asyncio
    import time

    from rapport.delivery.providers import Message, TooLate
    from rapport.delivery.providers.sendgrid import sendgrid

    def go() -> None:
        raise TooLate(f"at {time.monotonic():.0f}")

    async def send() -> Any:
        async with sendgrid(shop.settings, QUICK, 1) as client:
            return await client.send(
                [Message("a@b.example", "s@b.example", None, None, "s", "t", "h", {}, {"send_id": "1"}, "c", go)]
            )

    outcome = asyncio.run(send())[0]
    assert outcome.kind == "not_sent"
    assert provider.requests == 0
