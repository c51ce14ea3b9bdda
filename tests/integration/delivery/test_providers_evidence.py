"""A shop without webhooks: mails leave over SMTP, a reply is lost, and the server's log says what became of them."""

import asyncio
import gzip
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import typer
from aiosmtpd.smtp import SMTP
from typer.testing import CliRunner

from rapport.cli import evidence as command
from rapport.delivery import Limits, reconcile_once, run_dispatcher
from rapport.delivery.evidence_log import read_evidence
from rapport.delivery.preflight.store import record_run
from rapport.delivery.preflight.verdict import PreflightReport, Verdict
from rapport.settings import Settings

from .mail_server import Mailbox

QUICK = Limits(connect_seconds=0.5, read_seconds=1, deadline_seconds=2, lease_seconds=3, window_seconds=600)


@contextmanager
def serving(mailbox: Mailbox) -> Iterator[dict[str, Any]]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    starting = loop.create_server(lambda: SMTP(mailbox, loop=loop), "127.0.0.1", 0)
    server = asyncio.run_coroutine_threadsafe(starting, loop).result(10)
    try:
        port = server.sockets[0].getsockname()[1]
        yield {"mail_provider": "smtp", "smtp_host": "127.0.0.1", "smtp_port": port}
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def cleared(shop: Any, given: dict[str, Any]) -> Settings:
    """The shop's settings with a mail server, after a preflight that found nothing wrong."""
    settings: Settings = shop.settings.model_copy(update=given)
    record_run(shop.conn, settings, PreflightReport(shop.clock.at, (Verdict("all", "green", "well"),)))
    return settings


def log_of(send_id: UUID, address: str, number: int, word: str = "sent", dsn: str = "2.0.0") -> list[str]:
    head, queue_id = "2027-03-01T09:00:01+00:00 mx1 postfix/", f"4Xabcd{number:04d}"
    return [
        f"{head}cleanup[1]: {queue_id}: message-id=<{send_id}@shop.example>",
        f"{head}qmgr[2]: {queue_id}: from=<hello@shop.example>, size=1, nrcpt=1 (queue active)",
        f"{head}smtp[3]: {queue_id}: to=<{address}>, relay=mx[192.0.2.1]:25, delay=1, dsn={dsn}, status={word} (said)",
        f"{head}qmgr[2]: {queue_id}: removed",
    ]


def inbox(shop: Any) -> list[dict[str, Any]]:
    return list(shop.conn.execute("select * from ops.webhook_inbox order by event_id").fetchall())


def test_mails_leave_over_smtp_and_each_is_taken_once(shop: Any) -> None:
    ids, mailbox = shop.plan(12), Mailbox()
    with serving(mailbox) as given:
        report = run_dispatcher(cleared(shop, given), shop.clock, until_idle=True, concurrency=4, limits=QUICK)
    assert report.accepted == 12
    found = Counter(mail["X-Rapport-Send-Id"] for mail in mailbox.mails())
    assert found == Counter(str(send_id) for send_id in ids)
    attempt = shop.attempts(ids[0])[0]
    assert (attempt["outcome"], attempt["http_status"]) == ("accepted", 250)
    assert attempt["provider_message_id"].startswith("Q")


def test_the_log_proves_what_a_lost_reply_left_in_doubt(shop: Any) -> None:
    ids, mailbox = shop.plan(3), Mailbox(END="abort")
    with serving(mailbox) as given:
        settings = cleared(shop, given)
        assert run_dispatcher(settings, shop.clock, until_idle=True, limits=QUICK).unknown == 3
    assert len(mailbox.taken) == 3
    lines = [
        *log_of(ids[0], "ada0@post.example", 0),
        *log_of(ids[1], "ada1@post.example", 1, "bounced", "5.1.1"),
        *log_of(ids[2], "ada2@post.example", 2)[:1],
    ]
    assert read_evidence(settings, shop.clock, lines).added == 4
    reconcile_once(settings, shop.clock, limits=QUICK)
    assert [shop.row(send_id)["state"] for send_id in ids] == ["accepted", "accepted", "unknown"]
    assert [shop.row(send_id)["engagement"] for send_id in ids] == ["delivered", "bounced", "none"]
    reasons = shop.conn.execute("select reason, topic from ops.suppression").fetchall()
    assert [(row["reason"], row["topic"]) for row in reasons] == [("hard_bounce", "*")]


def test_reading_again_changes_nothing_and_keeps_no_address(shop: Any) -> None:
    (send_id,) = shop.plan(1)
    lines = log_of(send_id, "ada0@post.example", 0)
    first, second = read_evidence(shop.settings, shop.clock, lines), read_evidence(shop.settings, shop.clock, lines)
    assert (first.lines, first.found, first.added, second.added) == (4, 2, 2, 0)
    rows = inbox(shop)
    assert {row["provider"] for row in rows} == {"smtp"}
    assert {row["event"] for row in rows} == {"processed", "delivered"}
    assert "@" not in "".join(str(row["raw"]) for row in rows)


def test_a_copy_to_somebody_else_says_nothing_about_the_recipient(shop: Any) -> None:
    (send_id,) = shop.plan(1)
    lines = log_of(send_id, "archive@shop.example", 0, "bounced", "5.1.1")
    assert read_evidence(shop.settings, shop.clock, lines).added == 1
    assert [row["event"] for row in inbox(shop)] == ["processed"]


def test_a_send_that_this_ledger_does_not_know_is_not_taken_in(shop: Any) -> None:
    lines = log_of(UUID("01890a5d-ac96-774b-bcce-b302099a8057"), "ada0@post.example", 0)
    report = read_evidence(shop.settings, shop.clock, lines)
    assert (report.found, report.added) == (2, 0)


def test_the_command_reads_files_old_and_packed(shop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = shop.plan(2)
    plain, packed = tmp_path / "mail.log", tmp_path / "mail.log.1.gz"
    with gzip.open(packed, "wt") as log:
        log.write("\n".join(log_of(ids[0], "ada0@post.example", 0)))
    plain.write_bytes("\n".join(log_of(ids[1], "ada1@post.example", 1)).encode() + b"\n\xff\xfe\n")
    monkeypatch.setattr(command, "get_settings", lambda: shop.settings)
    app = typer.Typer()
    command.register(app)
    result = CliRunner().invoke(app, [str(packed), str(plain)])
    assert result.exit_code == 0
    assert result.output.strip().endswith("4 events found, 4 added")
    assert "log" in str(CliRunner().invoke(app, [str(tmp_path / "missing.log")]).exception)
