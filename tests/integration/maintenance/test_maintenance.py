"""The daily check finds what a person should look at, and cleaning takes only what is old."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from rapport.clock import FixedClock
from rapport.db import connect
from rapport.errors import DataError
from rapport.maintenance import check_delivery, clean_up, find_problems
from rapport.settings import Settings

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
CLOCK = FixedClock(NOW)


def _plan(database: Settings) -> None:
    with connect("engine", settings=database) as conn:
        conn.execute(
            "insert into ops.campaign"
            " values ('win_back', 'recurring', 'marketing', 'at_most_once', false, '{}', 'v', %s)",
            (NOW,),
        )
        conn.execute("insert into ops.occurrence values ('win_back', '2027-03-01', %s, '{}')", (NOW,))
        conn.execute(
            "insert into ops.template (template_version, campaign_id, subject, html, body_text, language, created_at)"
            " values ('t', 'win_back', 's', 'h', 'b', 'en', %s)",
            (NOW,),
        )


def _send(database: Settings, state: str, *, due: timedelta, unknown: timedelta | None = None) -> None:
    key = uuid4().hex
    with connect("engine", settings=database) as conn:
        conn.execute("insert into ops.recipient values (%s, null, %s)", (key, NOW))
        conn.execute(
            "insert into ops.send (send_id, campaign_id, occurrence_key, recipient_key, customer_id, topic, policy,"
            " state, due_at, expires_at, unknown_since, template_version, context, planned_at) values (%(id)s,"
            " 'win_back', '2027-03-01', %(key)s, 'c', 'marketing', 'at_most_once', %(state)s, %(due)s, %(expires)s,"
            " %(unknown)s, 't', '{}', %(now)s)",
            {
                "id": uuid4(),
                "key": key,
                "state": state,
                "due": NOW - due,
                "expires": NOW + timedelta(days=1),
                "unknown": NOW - unknown if unknown else None,
                "now": NOW,
            },
        )


def test_a_quiet_house_has_no_findings(database: Settings) -> None:
    _plan(database)
    _send(database, "accepted", due=timedelta(days=2))
    _send(database, "pending", due=timedelta(minutes=5))
    _send(database, "unknown", due=timedelta(hours=2), unknown=timedelta(hours=1))
    assert find_problems(database, CLOCK) == []
    check_delivery(database, CLOCK)


def test_each_finding_names_campaign_count_and_remedy(database: Settings) -> None:
    _plan(database)
    for state, due, unknown in (
        ("quarantined", timedelta(days=2), None),
        ("quarantined", timedelta(days=2), None),
        ("unknown", timedelta(days=2), timedelta(hours=27)),
        ("pending", timedelta(hours=1), None),
    ):
        _send(database, state, due=due, unknown=unknown)
    with connect("engine", settings=database) as conn:
        conn.execute(
            "insert into ops.webhook_inbox (event_id, event, raw, occurred_at, received_at)"
            " values ('e', 'open', '{}', %s, %s)",
            (NOW - timedelta(hours=2), NOW - timedelta(hours=2)),
        )
        conn.execute(
            "insert into ops.build (build_id, as_of, status, started_at) values (%s, %s, 'failed', %s)",
            (uuid4(), NOW, NOW),
        )
        conn.execute("update ops.control set value = 'true' where name = 'kill_switch'")
    with pytest.raises(DataError) as raised:
        check_delivery(database, CLOCK)
    text = str(raised.value)
    assert text.startswith("6 findings:\n")
    assert "2 sends of win_back are quarantined" in text
    assert "1 sends of win_back are unknown" in text
    assert "1 sends of win_back are overdue" in text
    assert "1 provider events are unread" in text
    assert "activation.campaign_audience has not passed its gate" in text
    assert "rapport deliver resume" in text


def test_a_gate_that_passed_lately_is_no_finding(database: Settings) -> None:
    with connect("engine", settings=database) as conn:
        conn.execute(
            "insert into ops.build (build_id, as_of, status, started_at) values (%s, %s, 'passed', %s)",
            (uuid4(), NOW, NOW),
        )
        conn.execute(
            "insert into ops.gate_run (gate_run_id, suite, passed, checks_count, ran_at)"
            " values (%s, 'activation.campaign_audience', true, 9, %s)",
            (uuid4(), NOW - timedelta(hours=35)),
        )
    assert find_problems(database, CLOCK) == []


def test_only_what_is_old_is_removed(database: Settings, tmp_path: Path) -> None:
    with connect("loader", settings=database) as conn:
        load = uuid4()
        conn.execute(
            "insert into landing.load (load_id, source, started_at, status) values (%s, 'files', %s, 'loaded')",
            (load, NOW),
        )
        for number, age in ((1, 91), (2, 89)):
            conn.execute(
                "insert into landing.quarantine values (%s, 'files', 'orders', %s, 'bad date', '{}', %s)",
                (load, number, NOW - timedelta(days=age)),
            )
    with connect("engine", settings=database) as conn:
        for age in (91, 1):
            build = uuid4()
            conn.execute(
                "insert into ops.build (build_id, as_of, status, started_at) values (%s, %s, 'passed', %s)",
                (build, NOW, NOW - timedelta(days=age)),
            )
            conn.execute(
                "insert into ops.build_node (build_id, node, status, seconds) values (%s, 'm', 'ok', 1)", (build,)
            )
    old, new = tmp_path / "logs" / "a" / "old.log", tmp_path / "logs" / "new.log"
    for path in (old, new):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    os.utime(old, (time.time() - 31 * 86400,) * 2)
    done = clean_up(database, CLOCK, folders=[tmp_path / "logs"])
    assert done == (
        "removed 1 quarantined records, 1 builds, 0 gate results, 0 addresses of old requests for mail, 0 web events, "
        "1 files"
    )
    assert new.exists()
    assert not old.exists()
    assert clean_up(database, CLOCK).startswith("removed 0 quarantined records, 0 builds")


def test_web_events_that_stopped_are_a_finding_and_old_ones_go(database: Settings) -> None:
    tracked = database.model_copy(update={"web_write_keys": ("wk",), "web_keep_days": 100})
    with connect(settings=database) as conn:
        for number, age in enumerate((timedelta(days=101), timedelta(days=99), timedelta(hours=25))):
            conn.execute(
                "insert into raw_web.events (message_id, type, channel, device_kind, is_bot, has_consent, occurred_at,"
                " received_at) values (%s, 'page', 'web', 'unknown', false, false, %s, %s)",
                (str(number), NOW - age, NOW - age),
            )
    assert find_problems(database, CLOCK) == []
    (finding,) = find_problems(tracked, CLOCK)
    assert finding.startswith("no web event since 2027-02-28 11:00 UTC")
    assert "1 web events" in clean_up(tracked, CLOCK)
    with connect(settings=database) as conn:
        conn.execute("update raw_web.events set received_at = %s where message_id = '2'", (NOW - timedelta(hours=23),))
    assert find_problems(tracked, CLOCK) == []
