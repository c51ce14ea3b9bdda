"""What a Postfix log proves, line by line."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from rapport.delivery.evidence_log import LogEvent, LogReader
from rapport.errors import DataError

SEND = "01890a5d-ac96-774b-bcce-b302099a8057"
OTHER = "01890a5d-ac96-774b-bcce-b302099a8058"
NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
AT = "2027-03-01T08:00:00.5+00:00"
HEAD = f"{AT} mx1 postfix/"
CLEANUP = f"{HEAD}cleanup[7]: 4XyZab12cd: message-id=<{SEND}@shop.example>"
QUEUED = f"{HEAD}qmgr[8]: 4XyZab12cd: from=<hello@shop.example>, size=1843, nrcpt=1 (queue active)"
REMOVED = f"{HEAD}qmgr[8]: 4XyZab12cd: removed"


def status(word: str, dsn: str, said: str = "250 ok", to: str = "ada@post.example", orig_to: str = "") -> str:
    also = f"orig_to=<{orig_to}>, " if orig_to else ""
    return (
        f"{HEAD}smtp[9]: 4XyZab12cd: to=<{to}>, {also}relay=mx.post.example[192.0.2.1]:25, delay=0.6,"
        f" delays=0.1/0/0.2/0.3, dsn={dsn}, status={word} ({said})"
    )


def key(address: str) -> str:
    if "@" not in address:
        raise DataError("not an e-mail address")
    return f"key of {len(address)}"


def read(*lines: str, now: datetime = NOW, zone: str = "Europe/Berlin") -> list[LogEvent]:
    return list(LogReader("shop.example", ZoneInfo(zone), now, key).events(lines))


def said(*lines: str) -> list[tuple[str, str | None]]:
    return [(event.event, event.status) for event in read(*lines)]


def test_a_message_that_the_server_only_began_to_read_proves_nothing() -> None:
    assert read(CLEANUP) == []
    assert read(CLEANUP, f"{HEAD}cleanup[7]: 4XyZab12cd: milter-reject: END-OF-MESSAGE from x[192.0.2.9]: 5.7.1") == []


def test_a_queued_message_is_processed() -> None:
    (event,) = read(CLEANUP, QUEUED)
    assert (event.event, str(event.send_id), event.queue_id) == ("processed", SEND, "4XyZab12cd")
    assert event.occurred_at == datetime(2027, 3, 1, 8, 0, 0, 500000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (status("sent", "2.0.0"), ("delivered", "2.0.0")),
        (status("deferred", "4.2.2", "host said: 452 full"), ("deferred", "4.2.2")),
        (status("bounced", "5.1.1", "host said: 550 no such user"), ("bounce", "5.1.1")),
        (status("bounced", "5.7.1", "said: to=<x>, relay=y, dsn=2.0.0, status=sent (z)"), ("bounce", "5.7.1")),
        (f"{HEAD}qmgr[8]: 4XyZab12cd: from=<a@b.example>, status=expired, returned to sender", ("bounce", "4.4.7")),
    ],
    ids=["sent", "deferred", "bounced", "words-of-others", "expired"],
)
def test_what_became_of_it(line: str, event: tuple[str, str]) -> None:
    assert said(CLEANUP, line) == [event]


def test_a_whole_life_gives_each_event_once_however_often_it_is_read() -> None:
    life = (CLEANUP, QUEUED, status("deferred", "4.7.1"), QUEUED.replace("08:00", "08:15"), status("sent", "2.0.0"))
    events = read(*life, REMOVED)
    assert len({event.event_id for event in events}) == 3
    assert {event.event_id for event in read(*life, *life, now=NOW.replace(month=9))} == {
        event.event_id for event in events
    }


def test_two_deferrals_are_two_events() -> None:
    one, other = status("deferred", "4.7.1"), status("deferred", "4.7.1").replace("08:00", "08:15")
    assert len({event.event_id for event in read(CLEANUP, one, other)}) == 2


def test_a_queue_id_belongs_to_one_host_and_to_one_message_at_a_time() -> None:
    elsewhere = status("sent", "2.0.0").replace("mx1", "mx2")
    assert read(CLEANUP, elsewhere) == []
    assert read(CLEANUP, REMOVED, status("sent", "2.0.0")) == []
    foreign = CLEANUP.replace(f"{SEND}@shop.example", "note@elsewhere.example")
    assert read(CLEANUP, foreign, status("sent", "2.0.0")) == []
    (event,) = read(CLEANUP, CLEANUP.replace(SEND, OTHER), QUEUED)
    assert str(event.send_id) == OTHER


@pytest.mark.parametrize(
    "line",
    [
        "",
        "garbage",
        "\0\x1b[31m",
        CLEANUP.replace("shop.example", "other.example"),
        CLEANUP.replace(SEND, "not-a-uuid"),
        f"{HEAD}smtpd[9]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 550; message-id=<{SEND}@shop.example>",
        f"{AT} mx1 sshd[9]: 4XyZab12cd: message-id=<{SEND}@shop.example>",
    ],
    ids=["empty", "garbage", "control", "domain", "id", "noqueue", "program"],
)
def test_what_is_not_ours_is_passed_over(line: str) -> None:
    assert read(line, QUEUED) == []


def test_a_stamp_that_is_none_is_passed_over() -> None:
    assert read(CLEANUP, QUEUED.replace(AT, "2027-99-99T00:00:00")) == []


@pytest.mark.parametrize(
    ("stamp", "now", "moment"),
    [
        ("Mar  1 08:00:00", NOW, datetime(2027, 3, 1, 7, 0, tzinfo=UTC)),
        ("Dec 31 23:59:59", NOW, datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC)),
        ("Jan  1 00:30:00", datetime(2026, 12, 31, 23, 45, tzinfo=UTC), datetime(2026, 12, 31, 23, 30, tzinfo=UTC)),
        ("Jul  1 08:00:00", NOW, datetime(2026, 7, 1, 6, 0, tzinfo=UTC)),
        ("2027-03-01T08:00:00", NOW, datetime(2027, 3, 1, 7, 0, tzinfo=UTC)),
        ("2027-03-01T08:00:00+0200", NOW, datetime(2027, 3, 1, 6, 0, tzinfo=UTC)),
    ],
    ids=["this-year", "last-year", "the-year-that-begins", "summer", "no-zone", "journal"],
)
def test_a_stamp_is_read_in_the_logs_own_zone_and_year(stamp: str, now: datetime, moment: datetime) -> None:
    (event,) = read(CLEANUP.replace(AT, stamp), QUEUED.replace(AT, stamp), now=now)
    assert event.occurred_at == moment


def test_addresses_stay_in_the_log() -> None:
    (event,) = read(CLEANUP, status("sent", "2.0.0", to="forward@there.example", orig_to="ada@post.example"))
    assert event.recipient_key != event.original_key
    assert "@" not in repr(event)


def test_a_mailbox_of_the_server_itself_is_no_recipient() -> None:
    assert read(CLEANUP, status("sent", "2.0.0", to="root")) == []
