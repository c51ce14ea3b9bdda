"""An audience table as dbt would leave it, with a gate that passed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from psycopg.types.json import Jsonb

from rapport.campaigns.folder.definition import load_campaign
from rapport.campaigns.folder.model import Campaign
from rapport.campaigns.folder.scaffold import new
from rapport.campaigns.testing import allow_automatic, state_automatic
from rapport.clock import FixedClock
from rapport.db import connect
from rapport.keys import recipient_key
from rapport.settings import Settings

NOW = datetime(2026, 7, 10, 5, 5, tzinfo=UTC)
AUDIENCE = """
create table activation.campaign_audience (
    customer_id text, email text, first_name text, last_name text, locale text, language text, country_code text,
    time_zone text, time_zone_source text, segments text[], rfm_group text, orders_count bigint, revenue numeric,
    first_order_at timestamptz, last_order_at timestamptz, days_since_last_order int, last_product_title text,
    favourite_category text, currency_code text, open_tickets_count bigint, email_consent boolean,
    email_consent_at timestamptz, as_of timestamptz
)
"""


@dataclass
class Shop:
    settings: Settings
    campaign: Campaign
    clock: FixedClock

    def person(
        self,
        customer: str,
        email: str | None,
        *,
        consent: bool | None = True,
        first_name: str | None = "Joe",
        time_zone: str = "Europe/London",
        language: str = "en",
        segments: tuple[str, ...] = ("loyal",),
    ) -> None:
        with connect("transformer", settings=self.settings) as conn:
            conn.execute(
                "insert into activation.campaign_audience (customer_id, email, first_name, language, locale,"
                " time_zone, segments, revenue, email_consent, as_of)"
                " values (%s, %s, %s, %s, %s, %s, %s, 12.5, %s, %s)",
                (
                    customer,
                    email,
                    first_name,
                    language,
                    language,
                    time_zone,
                    list(segments),
                    consent,
                    NOW - timedelta(hours=2),
                ),
            )
        if email and "@" in email and consent is not None:
            self.fact(email, consent)

    def fact(self, email: str, granted: bool, occurred_at: datetime = NOW - timedelta(days=10)) -> None:
        with connect("engine", settings=self.settings) as conn:
            conn.execute(
                "insert into ops.consent_fact (recipient_key, topic, granted, occurred_at, source, how,"
                " source_record_id) values (%s, 'marketing', %s, %s, 'test', 'form', %s)",
                (recipient_key(self.settings, email), granted, occurred_at, uuid4().hex),
            )

    def suppress(self, email: str, topic: str = "*") -> None:
        with connect("engine", settings=self.settings) as conn:
            conn.execute(
                "insert into ops.suppression (recipient_key, topic, reason, source, evidence_id, occurred_at)"
                " values (%s, %s, 'unsubscribe', 'test', %s, %s)",
                (recipient_key(self.settings, email), topic, uuid4().hex, NOW),
            )

    def gate(
        self, passed: bool = True, ran_at: datetime = NOW - timedelta(hours=1), suite: str = "campaign_audience"
    ) -> None:
        with connect("engine", settings=self.settings) as conn:
            conn.execute(
                "insert into ops.gate_run (gate_run_id, suite, passed, checks_count, failures, ran_at)"
                " values (%s, %s, %s, 5, %s, %s)",
                (
                    *(uuid4(), f"activation.{suite}", passed),
                    *(Jsonb([] if passed else [f"email is not unique in {suite}"]), ran_at),
                ),
            )

    def count(self, relation: str) -> int:
        counts = {
            "send": "select count(*) as n from ops.send",
            "decision": "select count(*) as n from ops.decision",
            "occurrence": "select count(*) as n from ops.occurrence",
            "campaign": "select count(*) as n from ops.campaign",
            "template": "select count(*) as n from ops.template",
            "recipient": "select count(*) as n from ops.recipient",
        }
        with connect("engine", settings=self.settings) as conn:
            row = conn.execute(counts[relation]).fetchone()  # type: ignore[arg-type]
        assert row
        return int(row["n"])

    def outcomes(self) -> dict[str, str]:
        with connect("engine", settings=self.settings) as conn:
            return {r["customer_id"]: r["outcome"] for r in conn.execute("select * from ops.decision")}


@pytest.fixture
def make_campaign(database: Settings, tmp_path: Path) -> Callable[..., Campaign]:
    segments = tmp_path / "dbt_project" / "models" / "segments"
    segments.mkdir(parents=True)
    (segments / "loyal.sql").write_text("select 1")
    settings = database.model_copy(update={"project_dir": tmp_path})
    allow_automatic(settings)

    def make(name: str = "spring", *edits: tuple[str, str, str]) -> Campaign:
        folder = new(name, tmp_path / "campaigns")
        state_automatic(folder)
        for file, old, text in edits:
            path = folder / file
            assert old in path.read_text()
            path.write_text(path.read_text().replace(old, text))
        return load_campaign(folder, settings)

    return make


@pytest.fixture
def shop(database: Settings, tmp_path: Path, make_campaign: Callable[..., Campaign]) -> Shop:
    with connect("transformer", settings=database) as conn:
        conn.execute(AUDIENCE)
    made = Shop(database.model_copy(update={"project_dir": tmp_path}), make_campaign(), FixedClock(NOW))
    made.gate()
    return made
