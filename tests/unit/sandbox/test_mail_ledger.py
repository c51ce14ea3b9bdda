"""The provider's memory and its suppression lists."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from rapport.clock import FixedClock
from rapport.sandbox import mail
from rapport.sandbox.mail import Ledger, MailOptions
from rapport.sandbox.mail.envelopes import accept
from rapport.sandbox.mail.faults import Fault, Faults
from rapport.sandbox.mail.ledger import accepted_send_ids

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
ADA = "ada@post.example"


def body(**more: Any) -> dict[str, Any]:
    return {
        "personalizations": [{"to": [{"email": "Ada@post.example"}], "custom_args": {"send_id": "s1"}}],
        "from": {"email": "hello@shop.example"},
        "subject": "Hello",
        "content": [{"type": "text/plain", "value": "Hi"}],
    } | more


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    key = Ledger(tmp_path).api_key
    return TestClient(mail.app(tmp_path, FixedClock(NOW)), headers={"Authorization": f"Bearer {key}"})


def test_mails_key_and_groups_survive_a_restart(tmp_path: Path) -> None:
    first = Ledger(tmp_path)
    accept(first, MailOptions(), body(), NOW.timestamp(), 1.0)
    key, group = first.api_key, first.default_group
    first.close()
    second = Ledger(tmp_path)
    assert (second.api_key, second.default_group) == (key, group)
    assert second.event_counts() == {"processed": 1}
    assert accepted_send_ids(tmp_path) == ["s1"]


def test_an_acceptance_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, sent = Ledger(tmp_path), (MailOptions(), body(), NOW.timestamp(), 1.0)
    monkeypatch.setattr("rapport.sandbox.mail.envelopes.new_message_id", lambda: "always the same")
    accept(ledger, *sent)
    with pytest.raises(sqlite3.IntegrityError):
        accept(ledger, *sent)
    assert ledger.event_counts() == {"processed": 1}
    assert accepted_send_ids(tmp_path) == ["s1"]


def test_suppressed_addresses_are_accepted_and_dropped(tmp_path: Path, client: TestClient) -> None:
    client.post("/v3/asm/suppressions/global", json={"recipient_emails": [ADA]})
    assert client.post("/v3/mail/send", json=body()).status_code == 202
    bypass = {"mail_settings": {"bypass_list_management": {"enable": True}}}
    assert client.post("/v3/mail/send", json=body(**bypass)).status_code == 202
    ledger = Ledger(tmp_path)
    assert ledger.event_counts() == {"dropped": 1, "processed": 1}
    assert ledger.rows("accepted_after", position=0, limit=1)[0]["dropped"] == "Unsubscribed Address"


def test_a_group_holds_its_own_list(client: TestClient) -> None:
    made = client.post("/v3/asm/groups", json={"name": "News", "description": "Monthly news"})
    group = made.json()["id"]
    assert made.status_code == 201
    assert client.post("/v3/asm/groups", json={"name": "News", "description": "again"}).status_code == 400
    url = f"/v3/asm/groups/{group}/suppressions"
    assert client.post(url, json={"recipient_emails": [ADA]}).status_code == 201
    assert client.get(url).json() == [ADA]
    assert {one["id"]: one["unsubscribes"] for one in client.get("/v3/asm/groups").json()}[group] == 1
    sent = client.post("/v3/mail/send", json=body(asm={"group_id": group}))
    other = client.post("/v3/mail/send", json=body())
    assert (sent.status_code, other.status_code) == (202, 202)
    assert client.get("/_sandbox/state").json()["events"] == {"dropped": 1, "processed": 1}
    assert client.delete(f"{url}/{ADA}").status_code == 204
    assert client.delete(f"{url}/{ADA}").status_code == 404
    assert client.get("/v3/asm/groups/1/suppressions").status_code == 404


def test_lists_are_read_by_time_and_page(tmp_path: Path, client: TestClient) -> None:
    ledger = Ledger(tmp_path)
    for number in range(5):
        ledger.suppress("bounce", f"b{number}@post.example", 100.0 + number, reason="550 gone", status="5.1.1")
        ledger.suppress("spam_report", f"s{number}@post.example", 100.0 + number)
    pages = [client.get("/v3/suppression/bounces", params={"limit": 2, "offset": n}).json() for n in (0, 2, 4)]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert pages[0][0] == {"created": 104, "email": "b4@post.example", "reason": "550 gone", "status": "5.1.1"}
    late = client.get("/v3/suppression/spam_reports", params={"start_time": 103}).json()
    assert [entry["created"] for entry in late] == [104, 103]
    assert client.get("/v3/suppression/unsubscribes").json() == []
    assert client.get("/v3/suppression/bounces", params={"limit": "many"}).status_code == 400
    assert client.get("/v3/suppression/other").status_code == 404


@pytest.mark.parametrize(
    ("kind", "status", "accepted"),
    [("rate_limited", 429, 0), ("error_before", 500, 0), ("error_after", 500, 1), ("accept_late", 202, 1)],
)
def test_faults_happen_as_often_as_asked(client: TestClient, kind: str, status: int, accepted: int) -> None:
    client.post("/_sandbox/faults", json={"faults": [{"kind": kind, "count": 1, "seconds": 0.01}]})
    answer = client.post("/v3/mail/send", json=body())
    state = client.get("/_sandbox/state").json()
    assert (answer.status_code, state["accepted"], state["injected"]) == (status, accepted, {kind: 1})
    assert client.post("/v3/mail/send", json=body()).status_code == 202
    if status == 429:
        assert int(answer.headers["retry-after"]) > 0


def test_seeded_rates_repeat(client: TestClient) -> None:
    def draws() -> list[str | None]:
        faults = Faults([Fault("hang", rate=0.1), Fault("error_before", rate=0.2)], seed=5)
        found = [faults.next() for _ in range(2000)]
        return [fault.kind if fault else None for fault in found]

    first = draws()
    assert first == draws()
    assert 140 < first.count("hang") < 260
    assert 320 < first.count("error_before") < 480
    assert client.post("/_sandbox/faults", json={"faults": [{"kind": "flood"}]}).status_code == 400


def test_faults_are_counted_over_restarts(tmp_path: Path) -> None:
    for _ in range(2):
        first = Ledger(tmp_path)
        first.count_fault("hang")
        first.close()
    last = Ledger(tmp_path)
    assert last.fault_counts() == {"hang": 2}
    last.close()


def test_lost_events_are_not_posted_until_somebody_asks(client: TestClient) -> None:
    client.post("/_sandbox/faults", json={"events": {"lost_share": 1.0}})
    client.post("/v3/mail/send", json=body())
    state = client.get("/_sandbox/state").json()
    assert (state["events"], state["waiting"]) == ({"processed": 1}, 0)
    assert client.post("/_sandbox/webhook", json={"resend": True}).json()["waiting"] == 1


@pytest.mark.parametrize("events", [{"lost_share": 2}, {"late_seconds": -1}, {"seed": 3}, {"lost_share": "many"}])
def test_event_faults_that_make_no_sense_change_nothing(client: TestClient, events: dict[str, Any]) -> None:
    before = client.get("/_sandbox/faults").json()
    answer = client.post("/_sandbox/faults", json={"faults": [{"kind": "hang", "count": 1}], "events": events})
    assert answer.status_code == 400
    assert client.get("/_sandbox/faults").json() == before
