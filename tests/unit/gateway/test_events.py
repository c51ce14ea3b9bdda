"""A batch of events as inbox rows."""

import json
from typing import Any

import pytest

from rapport.gateway.events import Batch, MalformedError, parse

SEND = "01890a5d-ac96-774b-bcce-b302099a8057"


def event(**changes: Any) -> dict[str, Any]:
    base = {
        "event": "open",
        "sg_event_id": "e1",
        "timestamp": 1_800_000_000,
        "send_id": SEND,
        "attempt_no": "2",
        "installation": "shop",
        "environment": "live",
        "email": "ada@post.example",
    }
    return {name: value for name, value in (base | changes).items() if value is not None}


def read(*events: Any) -> Batch:
    return parse(json.dumps(list(events)).encode(), "shop", "live")


def test_an_event_of_ours_becomes_a_row() -> None:
    (row,) = read(event()).rows
    assert (row.event_id, row.event, str(row.send_id), row.attempt_no) == ("e1", "open", SEND, 2)
    assert row.occurred_at.isoformat() == "2027-01-15T08:00:00+00:00"


@pytest.mark.parametrize("changes", [{"installation": "other"}, {"environment": "test"}, {"installation": None}])
def test_events_of_others_are_dropped(changes: dict[str, Any]) -> None:
    assert read(event(**changes)) == Batch([], foreign=1, broken=0)


def test_events_nobody_knows_yet_are_kept() -> None:
    (row,) = read(event(event="teleported", news=[1, {"a": None}])).rows
    assert row.event == "teleported"


def test_a_repeated_event_is_one_row() -> None:
    assert len(read(event(), event(), event(sg_event_id="e2")).rows) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"sg_event_id": None},
        {"sg_event_id": ""},
        {"sg_event_id": 5},
        {"sg_event_id": "a\0b"},
        {"event": None},
        {"event": ["open"]},
        {"send_id": "' or 1=1"},
        {"send_id": None},
        {"timestamp": None},
        {"timestamp": "soon"},
        {"timestamp": 1e300},
    ],
)
def test_what_cannot_be_read_does_not_hurt_the_others(changes: dict[str, Any]) -> None:
    batch = read(event(**changes), event(sg_event_id="e9"), 7)
    assert [row.event_id for row in batch.rows] == ["e9"]
    assert batch.broken == 2


def test_a_nul_in_a_servers_answer_can_be_stored() -> None:
    (row,) = read(event(response="250 \0 ok")).rows
    assert "\\u0000" not in row.raw
    assert "\0" not in row.raw


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[", b'"x"', b"\xff\xfe", b"\xef\xbb\xbf[]", b"\x1f\x8b\x08", b"[" * 9999]
)
def test_what_is_no_list_of_events_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError):
        parse(body, "shop", "live")
