"""The lattice: order, repetition and lateness cannot matter."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.delivery.events import LATTICE, InboxEvent, engagement, evidence, larger, suppressions

AT = datetime(2027, 1, 1, tzinfo=UTC)
NAMES = ["processed", "deferred", "dropped", "delivered", "bounce", "open", "click", "spamreport", "group_unsubscribe"]


def event(number: int, name: str = "open", send: int = 1, **raw: Any) -> InboxEvent:
    return InboxEvent(f"e{number}", name, UUID(int=send), AT + timedelta(minutes=number), raw)


events = st.lists(
    st.builds(event, st.integers(0, 50), st.sampled_from(NAMES), st.integers(1, 3)), min_size=1, max_size=30
)


@given(events, st.randoms(use_true_random=False))
def test_shuffled_and_doubled_events_prove_the_same(told: list[InboxEvent], chance: Any) -> None:
    again = told + [one for one in told if chance.random() < 0.5]
    chance.shuffle(again)
    assert evidence(again) == evidence(told)


@given(st.sampled_from(LATTICE), st.sampled_from(LATTICE), st.sampled_from(LATTICE))
def test_the_larger_of_two_forms_a_lattice(a: str, b: str, c: str) -> None:
    assert larger(a, a) == a
    assert larger(a, b) == larger(b, a)
    assert larger(larger(a, b), c) == larger(a, larger(b, c))


@pytest.mark.parametrize(
    ("name", "raw", "place"),
    [
        ("open", {"sg_machine_open": True}, "delivered"),
        ("open", {"sg_machine_open": False}, "opened"),
        ("bounce", {"type": "blocked"}, "bounced"),
        ("an event of next year", {}, "processed"),
        ("group_resubscribe", {}, "processed"),
    ],
)
def test_places_in_the_lattice(name: str, raw: dict[str, Any], place: str) -> None:
    assert engagement(name, raw) == place


@pytest.mark.parametrize(
    ("name", "raw", "fact"),
    [
        ("spamreport", {}, ("complaint", "*")),
        ("unsubscribe", {}, ("unsubscribe", "*")),
        ("group_unsubscribe", {}, ("unsubscribe", None)),
        ("bounce", {"type": "bounce", "status": "5.1.1"}, ("hard_bounce", "*")),
        ("bounce", {"type": "bounce", "status": "4.2.2"}, None),
        ("bounce", {"type": "blocked", "status": "5.7.1"}, None),
        ("dropped", {"reason": "Bounced Address"}, ("provider_list", "*")),
        ("dropped", {"reason": "Invalid"}, ("provider_list", "*")),
        ("dropped", {"reason": "Spam Reporting Address"}, ("complaint", "*")),
        ("dropped", {"reason": "Unsubscribed Address"}, ("unsubscribe", "*")),
        ("dropped", {"reason": "Unsubscribed Address", "asm_group_id": 14001}, ("unsubscribe", None)),
        ("dropped", {"reason": "Spam Content"}, None),
        ("group_resubscribe", {}, None),
        ("open", {}, None),
    ],
)
def test_what_forbids_further_mail(name: str, raw: dict[str, Any], fact: tuple[str, str | None] | None) -> None:
    found = suppressions([event(1, name, **raw)])
    assert [(one.reason, one.topic) for one in found] == ([fact] if fact else [])


def test_an_event_does_not_print_the_person() -> None:
    assert "ada" not in repr(event(1, email="ada@post.example"))
