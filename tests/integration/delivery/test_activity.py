"""The provider's activity listing as evidence for sends whose events were lost."""

from typing import Any
from uuid import UUID

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from rapport.delivery import reconcile_once
from rapport.sandbox.mail.activity import Activity
from rapport.sandbox.mail.envelopes import accept
from rapport.sandbox.mail.ledger import Ledger
from rapport.sandbox.mail.options import MailOptions
from rapport.sources.testing import Answer, FakeVendor, Request


@pytest.fixture
def unknown(shop: Any) -> list[UUID]:
    ids: list[UUID] = shop.plan(3)
    shop.conn.execute(
        "update ops.send set state = 'unknown', attempt_no = 1, policy = 'at_least_once',"
        " unknown_since = clock_timestamp() - interval '6 minutes'"
    )
    shop.conn.execute("update ops.send set unknown_since = clock_timestamp() where send_id = %s", (ids[2],))
    return ids


def reconcile(shop: Any, vendor: FakeVendor, *, bought: bool = True) -> Any:
    changes = {"sendgrid_url": vendor.url, "sendgrid_activity": bought}
    shop.settings = shop.settings.model_copy(update=changes)
    return reconcile_once(shop.settings, shop.clock)


def message(status: str) -> dict[str, Any]:
    return {
        "from_email": "hello@shop.example",
        "msg_id": "m1",
        "subject": "Hello",
        "to_email": "ada@post.example",
        "status": status,
        "opens_count": 1,
        "clicks_count": 0,
        "last_event_time": "2027-03-01T08:59:00Z",
    }


def test_what_stands_there_was_accepted_and_what_does_not_stays_unknown(shop: Any, unknown: list[UUID]) -> None:
    def answer(request: Request) -> Answer:
        known = request.query["query"] == [f"(unique_args['send_id']=\"{unknown[0]}\")"]
        return Answer({"messages": [message("delivered")] if known else []})

    with FakeVendor() as vendor:
        vendor.answer = answer
        assert reconcile(shop, vendor).proved == 1
        row = shop.row(unknown[0])
        assert (row["state"], row["engagement"]) == ("accepted", "delivered")
        assert shop.row(unknown[1])["state"] == "unknown"
        assert len(vendor.requests) == 2, "the one that is unknown for less than five minutes is not asked for"
        assert all(request.path == "/v3/messages" for request in vendor.requests)
        reconcile(shop, vendor)
        assert len(vendor.requests) <= 3, "six requests a minute are for all reconcilers together"


@pytest.mark.parametrize(
    "answer",
    [
        Answer({"errors": [{"message": "access forbidden"}]}, 403),
        Answer({"messages": "none"}),
        Answer({"messages": [{"status": "delivered", "last_event_time": "soon"}]}),
        Answer(raw=b"<html>", status=200),
    ],
    ids=["not_bought", "no_list", "no_time", "no_json"],
)
def test_a_listing_that_cannot_be_read_leaves_them_unknown(shop: Any, unknown: list[UUID], answer: Answer) -> None:
    with FakeVendor() as vendor:
        vendor.answer = lambda _: answer
        assert reconcile(shop, vendor).proved == 0
    assert shop.states() == {"unknown": 3}


def test_nobody_is_asked_unless_it_was_bought(shop: Any, unknown: list[UUID]) -> None:
    with FakeVendor() as vendor:
        reconcile(shop, vendor, bought=False)
        assert vendor.requests == []


def test_the_simulated_provider_answers_in_the_same_shape(tmp_path: Any) -> None:
    ledger = Ledger(tmp_path)
    body = {
        "personalizations": [{"to": [{"email": "ada@post.example"}], "custom_args": {"send_id": "s1"}}],
        "from": {"email": "hello@shop.example"},
        "subject": "Hello",
        "content": [{"type": "text/plain", "value": "Hello"}],
    }
    accept(ledger, MailOptions(), body, 60.0, 60.0)
    client = TestClient(Starlette(routes=[Route("/v3/messages", Activity(ledger).messages)]))
    found = client.get("/v3/messages", params={"query": "(unique_args['send_id']=\"s1\")", "limit": 1}).json()
    assert [set(one) for one in found["messages"]] == [set(message("delivered"))]
    assert (found["messages"][0]["status"], found["messages"][0]["to_email"]) == ("processed", "ada@post.example")
    assert client.get("/v3/messages", params={"query": 'to_email="x"'}).status_code == 400
    ledger.close()
