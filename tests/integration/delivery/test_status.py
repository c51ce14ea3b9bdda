"""What `rapport deliver status` tells."""

from typing import Any

from rapport.delivery.status import status


def test_the_table_says_what_a_person_asks_first(shop: Any) -> None:
    ids = shop.plan(3)
    shop.conn.execute(
        "update ops.send set state = 'unknown', attempt_no = 1, unknown_since = clock_timestamp() - interval '90 s'"
        " where send_id = %s",
        (ids[0],),
    )
    shop.event(ids[0], "processed")
    shop.conn.execute("update ops.control set value = 'true' where name = 'kill_switch'")
    shop.conn.execute("update ops.campaign set paused = true")
    found = status(shop.settings)
    assert found.states == {"hello": {"pending": 2, "unknown": 1}}
    assert (found.unknown, found.inbox, found.kill_switch) == (1, 1, True)
    assert 90 <= found.unknown_age_seconds < 3600
    text = str(found)
    assert "hello" in text
    assert "KILL SWITCH" in text
    assert "paused: hello" in text


def test_an_empty_ledger_has_a_status_too(shop: Any) -> None:
    found = status(shop.settings)
    assert (found.states, found.kill_switch, found.unknown) == ({}, False, 0)
    assert "campaign" in str(found)
