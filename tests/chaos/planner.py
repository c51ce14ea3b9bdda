"""Planning under the same strikes: the product's own plan of an occurrence, for an audience table of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from rapport.campaigns.folder.definition import load_campaign
from rapport.campaigns.folder.scaffold import new
from rapport.campaigns.planning import plan as planning
from rapport.campaigns.planning.plan import PlanReport, plan
from rapport.campaigns.testing import allow_automatic, state_automatic
from rapport.clock import FixedClock
from rapport.db import connect
from rapport.errors import TransientError
from rapport.keys import recipient_key
from rapport.settings import Settings
from tests.chaos.house import House, retrying
from tests.chaos.victims import Failpoint

NOW = datetime(2026, 7, 10, 5, 5, tzinfo=UTC)
PEOPLE = 40
AUDIENCE = """
create table activation.campaign_audience (
    customer_id text, email text, first_name text, last_name text, locale text, language text, country_code text,
    time_zone text, time_zone_source text, segments text[], rfm_group text, orders_count bigint, revenue numeric,
    first_order_at timestamptz, last_order_at timestamptz, days_since_last_order int, last_product_title text,
    favourite_category text, currency_code text, open_tickets_count bigint, email_consent boolean,
    email_consent_at timestamptz, as_of timestamptz
)
"""


def prepare(house: House) -> Settings:
    """An audience of `PEOPLE`, a gate that passed and a folder for campaigns; settings that point there."""
    root = house.directory / "project"
    segments = root / "dbt_project" / "models" / "segments"
    segments.mkdir(parents=True)
    (segments / "loyal.sql").write_text("select 1")
    with house.connect() as conn:
        conn.execute(AUDIENCE)
        conn.execute("grant select on activation.campaign_audience to engine")
        conn.execute(
            "insert into ops.gate_run (gate_run_id, suite, passed, checks_count, ran_at)"
            " values (%s, 'activation.campaign_audience', true, 1, %s)",
            (uuid4(), NOW - timedelta(hours=1)),
        )
        for at in range(PEOPLE):
            address = f"planned{at}@post.example"
            conn.execute(
                "insert into activation.campaign_audience (customer_id, email, first_name, language, locale, time_zone,"
                " segments, email_consent, as_of)"
                " values (%s, %s, 'Joe', 'en', 'en', 'Europe/London', '{loyal}', true, %s)",
                (f"c{at:02}", address, NOW - timedelta(hours=2)),
            )
            conn.execute(
                "insert into ops.consent_fact (recipient_key, topic, granted, occurred_at, source, how,"
                " source_record_id) values (%s, 'marketing', true, %s, 'shop', 'form', %s)",
                (recipient_key(house.settings, address), NOW - timedelta(days=9), address),
            )
    settings = house.settings.model_copy(update={"project_dir": root})
    allow_automatic(settings)
    return settings


def make_campaign(settings: Settings, name: str) -> None:
    """Without a cap, so that each of many campaigns plans everybody."""
    path = new(name, settings.campaigns_dir) / "campaign.yml"
    path.write_text(path.read_text().replace("max: 2", "max: 1000"))
    state_automatic(path.parent)


def plan_now(settings: Settings, name: str) -> PlanReport:
    return plan(load_campaign(settings.campaigns_dir / name, settings), settings, FixedClock(NOW))


def plan_until_struck(settings: Settings, name: str, failpoint: Failpoint) -> None:
    """Plans, and is struck when everything has been written and nothing committed."""
    real = planning.connect

    def striking(*arguments: Any, **named: Any) -> Any:
        conn = real(*arguments, **named)
        begin = conn.transaction

        @contextmanager
        def transaction(**options: Any) -> Iterator[Any]:
            with begin(**options) as inner:
                yield inner
                failpoint.hit()

        conn.transaction = transaction  # type: ignore[method-assign]
        return conn

    planning.connect = striking  # type: ignore[attr-defined]
    plan_now(settings, name)


class Second:
    """Another planner that comes while the first one is at work, and waits for it where it must."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._settings, self._name = settings, name
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        def again() -> PlanReport:
            try:
                return plan_now(self._settings, self._name)
            except TransientError as lost:
                raise OSError from lost

        retrying(again)

    def ended(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()


def faults_of(settings: Settings, name: str) -> list[str]:
    """What is wrong with an occurrence after it was planned once more: it must be whole, and there once."""
    report = plan_now(settings, name)
    again = plan_now(settings, name)
    with connect(settings=settings) as conn:
        row = conn.execute(
            "select (select count(*) from ops.send where campaign_id = %(name)s) as sends,"
            " (select count(distinct recipient_key) from ops.send where campaign_id = %(name)s) as addresses,"
            " (select count(*) from ops.decision where campaign_id = %(name)s) as decisions",
            {"name": name},
        ).fetchone()
    assert row is not None
    found = []
    if again.changed or again.waterfall != report.waterfall:
        found.append("planning again changed something")
    if not (row["sends"] == row["addresses"] == report.planned and row["decisions"] == PEOPLE):
        found.append(f"the plan is not whole: {row}, {report.waterfall}")
    return found
