"""What is known to go wrong in campaign tools of today, each as a case that must not happen here."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from starlette.testclient import TestClient

from rapport.campaigns.folder.definition import load_campaign
from rapport.campaigns.folder.scaffold import new
from rapport.campaigns.planning.plan import PlanReport, plan
from rapport.campaigns.testing import allow_automatic, state_automatic
from rapport.clock import FixedClock
from rapport.db import connect
from rapport.delivery import Limits, dispatch, run_dispatcher
from rapport.delivery.consent import sync_consent
from rapport.errors import PermanentError
from rapport.gateway import create_app
from rapport.keys import recipient_key, sign_token
from rapport.settings import Settings

QUICK = Limits(connect_seconds=0.5, read_seconds=3, deadline_seconds=4, lease_seconds=5, window_seconds=600)
# When the campaign of the scaffold has an occurrence: six in the morning, in London.
SIX = datetime(2026, 7, 10, 5, 5, tzinfo=UTC)


def send_due(shop: Any, concurrency: int = 8) -> None:
    run_dispatcher(shop.settings, shop.clock, until_idle=True, concurrency=concurrency, limits=QUICK)


def test_a_crash_between_batches_neither_loses_nor_repeats(
    shop: Any, provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, claims, real = shop.plan(120), Counter[str](), dispatch.claim_batch

    async def crashing(*arguments: Any, **named: Any) -> Any:
        claims["begun"] += 1
        if claims["begun"] == 4:
            raise RuntimeError("the process ends between two batches")
        return await real(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(dispatch, "claim_batch", crashing)
        with pytest.raises(RuntimeError, match="between two batches"):
            send_due(shop)
    assert 0 < len(provider.accepted) < 120
    send_due(shop)
    assert provider.accepted == Counter(str(send_id) for send_id in ids)
    assert shop.states() == {"accepted": 120}


def test_a_resumed_campaign_does_not_start_again(shop: Any, provider: Any) -> None:
    ids = shop.plan(150)

    def pause_at_the_tenth(_: str) -> str:
        if provider.requests == 10:
            shop.conn.execute("update ops.campaign set paused = true")
        return "accept"

    provider.behave, provider.delay = pause_at_the_tenth, 0.05
    send_due(shop)
    sent = Counter(provider.accepted)
    assert 10 <= len(sent) < 150
    send_due(shop)
    assert provider.accepted == sent, "a paused campaign sends nothing"
    shop.conn.execute("update ops.campaign set paused = false")
    shop.conn.execute("update ops.send set not_before = null")
    send_due(shop)
    assert provider.accepted == Counter(str(send_id) for send_id in ids)


def test_a_cloned_database_sends_nothing(shop: Any, provider: Any, postgres: Any) -> None:
    shop.plan(1)
    send_due(shop)
    shop.plan(5, prefix="bob")
    shop.conn.close()
    source = shop.settings.database_url.rpartition("/")[2]
    clone = f"clone_{uuid4().hex[:12]}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as conn:
        conn.execute(sql.SQL("create database {} template {}").format(sql.Identifier(clone), sql.Identifier(source)))
        try:
            cloned = shop.settings.model_copy(
                update={"database_url": postgres.url(clone), "home": shop.settings.home / "staging"}
            )
            with pytest.raises(PermanentError, match="restore guard"):
                run_dispatcher(cloned, shop.clock, until_idle=True, limits=QUICK)
        finally:
            conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(clone)))
    assert provider.requests == 1


def test_one_bad_address_neither_stops_nor_repeats_the_others(shop: Any, provider: Any) -> None:
    ids = shop.plan(40)
    provider.behave = lambda address: "refuse" if address.startswith("ada17@") else "accept"
    send_due(shop)
    assert provider.accepted == Counter(str(send_id) for at, send_id in enumerate(ids) if at != 17)
    assert provider.requests == 40
    assert shop.states() == {"accepted": 39, "failed": 1}
    assert shop.row(ids[17])["state"] == "failed"


def test_an_overdue_message_does_not_leave_late(shop: Any, provider: Any) -> None:
    shop.plan(3)
    shop.clock = FixedClock(shop.clock.at + timedelta(days=3))
    send_due(shop)
    assert provider.requests == 0
    assert shop.states() == {"expired": 3}


def test_an_import_does_not_bring_back_the_unsubscribed(shop: Any, provider: Any) -> None:
    (send_id,) = shop.plan(1)
    shop.suppress(send_id)
    shop.clock = FixedClock(shop.clock.at + timedelta(hours=1))
    with connect("transformer", settings=shop.settings) as conn:
        conn.execute(
            "create table intermediate.int_consent_facts (email text, topic text, granted boolean,"
            " occurred_at timestamptz, source text, how text, source_record_id text)"
        )
        conn.execute(
            "insert into intermediate.int_consent_facts values ('ada0@post.example', 'marketing', true, %s, 'file',"
            " 'import', 'row 1')",
            (shop.clock.at - timedelta(seconds=1),),
        )
    assert sync_consent(shop.settings) == 1
    send_due(shop)
    assert provider.requests == 0
    assert shop.row(send_id)["state"] == "suppressed"


def test_a_link_scanner_unsubscribes_nobody(shop: Any, provider: Any) -> None:
    (send_id,) = shop.plan(1)
    link = f"/u/{sign_token(shop.settings, 'unsubscribe', str(send_id))}"
    count = "select count(*) as n from ops.suppression"
    with TestClient(create_app(shop.settings, shop.clock)) as web:
        for follow in (web.get, web.head, web.options):
            follow(link, headers={"User-Agent": "a scanner"})
        assert web.get(link).status_code == 200
        assert shop.conn.execute(count).fetchone()["n"] == 0
        send_due(shop)
        assert shop.row(send_id)["state"] == "accepted"
        assert web.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
        assert shop.conn.execute(count).fetchone()["n"] == 1


@pytest.fixture
def plan_at(database: Settings, tmp_path: Path) -> Callable[[datetime], PlanReport]:
    """Plans the scaffold's campaign for two contacts that share one mailbox."""
    settings = database.model_copy(update={"project_dir": tmp_path})
    segments = tmp_path / "dbt_project" / "models" / "segments"
    segments.mkdir(parents=True)
    (segments / "loyal.sql").write_text("select 1")
    folder = new("spring", settings.campaigns_dir)
    allow_automatic(settings)
    state_automatic(folder)
    with connect("transformer", settings=settings) as conn:
        conn.execute(
            "create table activation.campaign_audience (customer_id text, email text, first_name text, last_name text,"
            " locale text, language text, country_code text, time_zone text, time_zone_source text, segments text[],"
            " rfm_group text, orders_count bigint, revenue numeric, first_order_at timestamptz,"
            " last_order_at timestamptz, days_since_last_order int, last_product_title text, favourite_category text,"
            " currency_code text, open_tickets_count bigint, email_consent boolean, email_consent_at timestamptz,"
            " as_of timestamptz)"
        )
        for customer, address in (("c1", "joe@post.example"), ("c2", " Joe@Post.example")):
            conn.execute(
                "insert into activation.campaign_audience (customer_id, email, first_name, language, locale, time_zone,"
                " segments, email_consent, as_of)"
                " values (%s, %s, 'Joe', 'en', 'en', 'Europe/London', '{loyal}', true, %s)",
                (customer, address, SIX - timedelta(hours=2)),
            )

    def plan_once(now: datetime) -> PlanReport:
        with connect("engine", settings=settings) as conn:
            conn.execute(
                "insert into ops.gate_run (gate_run_id, suite, passed, checks_count, ran_at)"
                " values (%s, 'activation.campaign_audience', true, 1, %s)",
                (uuid4(), now - timedelta(hours=1)),
            )
            conn.execute(
                "insert into ops.consent_fact (recipient_key, topic, granted, occurred_at, source, how,"
                " source_record_id) values (%s, 'marketing', true, %s, 'shop', 'form', '1') on conflict do nothing",
                (recipient_key(settings, "joe@post.example"), SIX - timedelta(days=9)),
            )
        return plan(load_campaign(folder, settings), settings, FixedClock(now))

    return plan_once


def test_two_contacts_with_one_address_get_one_mail(plan_at: Callable[[datetime], PlanReport]) -> None:
    report = plan_at(SIX)
    assert (report.planned, report.waterfall["duplicate_address"]) == (1, 1)
    assert not plan_at(SIX).changed


def test_a_schedule_that_was_missed_does_not_fire_late(plan_at: Callable[[datetime], PlanReport]) -> None:
    report = plan_at(SIX + timedelta(days=3))
    assert report.occurrence_key == "2026-07-13T06:00", "what was missed while nobody planned stays missed"
    assert report.planned == 1
