"""The checker finds what it looks for: each invariant is broken by hand once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from rapport.db import connect
from rapport.sandbox.mail import Ledger, MailOptions
from rapport.sandbox.mail.envelopes import accept
from rapport.settings import Settings

from . import audience
from .checker import Verdict, check, upper_bound
from .times import SINGLE

AGO = timedelta(seconds=30)


class Books:
    """A ledger of ours and one of the provider, both written by hand."""

    def __init__(self, conn: Any, settings: Any, mail: Path) -> None:
        self.conn, self.settings, self.mail = conn, settings, mail

    def plan(self, number: int, campaign: int = 0, **changes: Any) -> list[UUID]:
        planned = [
            audience.Planned(f"a{at}@post.example", audience.CAMPAIGNS[campaign], due_in=-60.0, **changes)
            for at in range(number)
        ]
        return audience.plan(self.conn, self.settings, planned)

    def attempt(
        self, send_id: UUID, number: int = 1, outcome: str = "accepted", because: str = "first attempt"
    ) -> None:
        self.conn.execute(
            "insert into ops.send_attempt (send_id, attempt_no, fence, batch_id, intent_at, outcome, allowed_because)"
            " values (%s, %s, 1, gen_random_uuid(), clock_timestamp() - interval '30 s', %s, %s)",
            (send_id, number, outcome, because),
        )

    def state(self, send_id: UUID, state: str = "accepted") -> None:
        self.conn.execute("update ops.send set state = %s, attempt_no = 1 where send_id = %s", (state, send_id))

    def accept(self, send_id: UUID, number: int = 1, after: timedelta = timedelta(0)) -> None:
        ledger = Ledger(self.mail)
        at = (datetime.now(UTC) - AGO + timedelta(seconds=0.5) + after).timestamp()
        body = {
            "personalizations": [
                {
                    "to": [{"email": "a@post.example"}],
                    "custom_args": {"send_id": str(send_id), "attempt_no": str(number)},
                }
            ],
            "from": {"email": "hello@shop.example"},
            "subject": "Hello",
            "content": [{"type": "text/plain", "value": "Hi"}],
        }
        accept(ledger, MailOptions(), body, at, at)
        ledger.close()

    def delivered(self, number: int, **changes: Any) -> list[UUID]:
        """As it should be."""
        ids = self.plan(number, **changes)
        for send_id in ids:
            self.attempt(send_id)
            self.accept(send_id)
            self.state(send_id)
        return ids

    def verdict(self, planned: int) -> Verdict:
        return check(self.conn, self.mail, SINGLE, planned)


@pytest.fixture
def books(ledger: Settings, tmp_path: Path) -> Iterator[Books]:
    with connect(settings=ledger, autocommit=True) as conn:
        audience.add_campaigns(conn)
        conn.execute("create table chaos_stop (campaign_id text, begun_at timestamptz, ended_at timestamptz)")
        yield Books(conn, ledger, tmp_path / "mail")


def test_books_in_order_hold(books: Books) -> None:
    books.delivered(3)
    verdict = books.verdict(3)
    assert verdict.holds
    assert (verdict.accepted, verdict.duplicates, verdict.losses, verdict.broken) == (3, 0, 0, {})
    assert not books.verdict(4).holds, "the states must sum to the audience"


def test_a_send_accepted_twice_is_a_duplicate(books: Books) -> None:
    (send_id,) = books.delivered(1)
    books.accept(send_id)
    assert books.verdict(1).duplicates == 1


@pytest.mark.parametrize("state", ["pending", "sending", "unknown"])
def test_a_send_without_an_end_is_lost(books: Books, state: str) -> None:
    (send_id,) = books.plan(1)
    Ledger(books.mail).close()
    books.conn.execute("update ops.send set state = %s where send_id = %s", (state, send_id))
    assert books.verdict(1).losses == 1


def test_a_send_said_to_be_accepted_that_never_was_is_lost(books: Books) -> None:
    books.delivered(1)
    (send_id,) = books.plan(1, campaign=1)
    books.attempt(send_id)
    books.state(send_id)
    assert books.verdict(2).losses == 1


def test_each_other_breach_is_named(books: Books) -> None:
    def broken() -> set[str]:
        return set(books.verdict(1).broken)

    (send_id,) = books.delivered(1)
    run = books.conn.execute
    books.state(send_id, "quarantined")
    assert broken() == {"accepted_and_said_to_be_something_else"}
    books.state(send_id)
    run("update ops.send_attempt set intent_at = clock_timestamp()")
    assert broken() == {"accepted_without_an_intent_before_it"}
    run("update ops.send_attempt set intent_at = clock_timestamp() - interval '5 min'")
    assert broken() == {"accepted_later_than_its_deadline"}
    run("update ops.send_attempt set intent_at = clock_timestamp() - interval '31 s'")
    run("update ops.send set expires_at = due_at + interval '1 s'")
    assert broken() == {"accepted_before_it_was_due_or_after_it_expired"}
    run("update ops.send set due_at = clock_timestamp(), expires_at = clock_timestamp() + interval '1 h'")
    assert broken() == {"accepted_before_it_was_due_or_after_it_expired"}
    run("update ops.send set due_at = clock_timestamp() - interval '1 min'")
    run("insert into chaos_stop values ('*', clock_timestamp() - interval '1 h', clock_timestamp())")
    assert broken() == {"accepted_while_it_was_stopped"}
    run("delete from chaos_stop")
    run("delete from ops.consent_fact")
    assert broken() == {"accepted_without_consent"}


def test_an_attempt_after_a_committed_suppression_is_named(books: Books) -> None:
    books.delivered(1)
    books.conn.execute(
        "insert into ops.suppression (recipient_key, topic, reason, source, evidence_id, occurred_at)"
        " select recipient_key, topic, 'unsubscribe', 'page', 'x', clock_timestamp() from ops.send"
    )
    assert books.verdict(1).holds, "it came after the attempt"
    books.conn.execute("update ops.send_attempt set intent_at = clock_timestamp() + interval '2 s'")
    assert "attempted_after_a_suppression_was_committed" in books.verdict(1).broken


@pytest.mark.parametrize(
    ("campaign", "outcome", "because", "allowed"),
    [
        (0, "not_sent", "not sent: rate limited (429)", True),
        (2, "unknown", "not accepted, by evidence: 20 of 20", True),
        (0, "unknown", "not accepted, by evidence: 20 of 20", False),
        (2, "unknown", "not sent: rate limited (429)", False),
        (0, "not_sent", "first attempt", False),
        (2, "accepted", "not accepted, by evidence: 20 of 20", False),
    ],
)
def test_a_further_attempt_needs_its_reason(
    books: Books, campaign: int, outcome: str, because: str, allowed: bool
) -> None:
    (send_id,) = books.plan(1, campaign=campaign)
    books.attempt(send_id, 1, outcome)
    books.attempt(send_id, 2, "accepted", because)
    books.accept(send_id, 2)
    books.state(send_id)
    assert ("attempted_again_without_an_allowed_reason" not in books.verdict(1).broken) is allowed


def test_the_bound_is_the_rule_of_three() -> None:
    assert upper_bound(10_000) == pytest.approx(3 / 10_000, rel=0.01)
