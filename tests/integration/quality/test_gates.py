"""Gates in a real Postgres: a sound state passes, a broken one is stopped with an explanation free of personal data."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rapport.clock import FixedClock
from rapport.db import connect
from rapport.errors import GateFailed, PermanentError, TransientError
from rapport.landing import prepare_raw
from rapport.quality import require_gate, run_suite
from rapport.quality.great import Checker, Failure
from rapport.quality.suite import TableChecks
from rapport.settings import Settings

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
CLOCK = FixedClock(AT)
AUDIENCE = "activation.campaign_audience"
CREATE_AUDIENCE = """
create table activation.campaign_audience (
    customer_id text, email text, first_name text, last_name text, locale text, language text, country_code text,
    time_zone text, time_zone_source text, segments text[], rfm_group text, orders_count bigint, revenue numeric,
    first_order_at timestamptz, last_order_at timestamptz, days_since_last_order int, last_product_title text,
    favourite_category text, currency_code text, open_tickets_count bigint, cart jsonb, viewed_products jsonb,
    last_seen_at timestamptz, email_consent boolean, email_consent_at timestamptz, as_of timestamptz
)
"""
ADD_PERSON = """
insert into activation.campaign_audience (
    customer_id, email, time_zone, time_zone_source, segments, orders_count, revenue, currency_code, email_consent,
    as_of
) values (%(id)s, %(email)s, %(zone)s, 'shop', '{lapsed}', 0, 0, 'GBP', true, %(as_of)s)
"""


@pytest.fixture(scope="module")
def shop(module_database: Settings) -> Settings:
    prepare_raw(module_database)
    with connect("transformer", settings=module_database) as conn:
        conn.execute(CREATE_AUDIENCE)
    return module_database


@pytest.fixture
def audience(shop: Settings) -> Settings:
    with connect("transformer", settings=shop) as conn:
        conn.execute("truncate activation.campaign_audience")
    return shop


def add(settings: Settings, number: int, **changes: object) -> None:
    person = {"id": f"c{number}", "email": f"person{number}@mail.example", "zone": "Europe/Berlin", "as_of": AT}
    with connect("transformer", settings=settings) as conn:
        conn.execute(ADD_PERSON, person | changes)


def end_connections(settings: Settings) -> None:
    with connect(settings=settings, autocommit=True) as conn:
        conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )


def gate_runs(settings: Settings, suite: str) -> list[dict[str, object]]:
    with connect("engine", settings=settings) as conn:
        return conn.execute(
            "select passed, checks_count, failures from ops.gate_run where suite = %s order by gate_run_id", (suite,)
        ).fetchall()


@pytest.mark.parametrize("name", ["raw_shopify", "raw_zendesk", "raw_bluesky", "raw_files"])
def test_empty_tables_of_an_unused_source_pass(shop: Settings, name: str) -> None:
    verdict = run_suite(name, shop, CLOCK)
    assert verdict.failures == []
    assert verdict.checks_count > 10
    assert gate_runs(shop, name)[-1]["passed"] is True


def test_a_sound_audience_passes_and_leaves_data_docs(audience: Settings) -> None:
    add(audience, 1)
    add(audience, 2)
    verdict = require_gate(AUDIENCE, audience, CLOCK)
    assert verdict.passed
    assert AUDIENCE in verdict.docs_path.read_text()


def test_an_address_twice_stops_the_audience_and_is_explained_without_the_address(audience: Settings) -> None:
    add(audience, 1)
    add(audience, 2, email="person1@mail.example")
    add(audience, 3, email="Person3@mail.example")
    add(audience, 4, zone="Mars/Olympus")
    with pytest.raises(GateFailed) as stopped:
        require_gate(AUDIENCE, audience, CLOCK)
    said = str(stopped.value)
    assert f"gate {AUDIENCE}: 3 of" in said
    assert "activation.campaign_audience (email): expect_column_values_to_be_unique; 2 of 4 rows" in said
    assert "one address, one person" in said
    assert "for example c1, c2" in said
    assert "an unknown zone has no due time; for example c4" in said
    assert "data_docs/index.html" in said
    assert "mail.example" not in said
    assert gate_runs(audience, AUDIENCE)[-1]["passed"] is False
    pages = Path(audience.home / "data_docs").rglob("*")
    assert not [page for page in pages if page.is_file() and b"mail.example" in page.read_bytes()]


def test_a_stale_audience_is_stopped(audience: Settings) -> None:
    add(audience, 1, as_of=AT - timedelta(days=2))
    with pytest.raises(GateFailed, match="the audience is stale"):
        require_gate(AUDIENCE, audience, CLOCK)


def test_a_broken_raw_contract_names_what_is_missing(database: Settings) -> None:
    prepare_raw(database)
    with connect("loader", settings=database) as conn:
        conn.execute("alter table raw_zendesk.tickets drop column status")
        conn.execute("drop table raw_zendesk.users")
    verdict = run_suite("raw_zendesk", database, CLOCK)
    assert verdict.failures == [
        "raw_zendesk.tickets: columns are missing: status",
        "raw_zendesk.users: the table is missing or the engine may not read it; was it ever loaded or built?",
    ]


def test_a_gate_that_loses_postgres_gives_no_verdict_and_a_rerun_does(
    shop: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = gate_runs(shop, "raw_zendesk")
    check = Checker.run

    def check_and_cut(self: Checker, table: TableChecks) -> list[Failure]:
        found = check(self, table)
        end_connections(shop)
        return found

    monkeypatch.setattr(Checker, "run", check_and_cut)
    with pytest.raises(TransientError, match=r"gate raw_zendesk: Postgres went away.*Run it again"):
        require_gate("raw_zendesk", shop, CLOCK)
    assert gate_runs(shop, "raw_zendesk") == before
    monkeypatch.setattr(Checker, "run", check)
    assert require_gate("raw_zendesk", shop, CLOCK).passed


def test_an_unknown_suite_names_those_there_are(shop: Settings) -> None:
    with pytest.raises(PermanentError, match=r"expectations/raw_shop\.json: there is no such suite.*raw_shopify"):
        run_suite("raw_shop", shop, CLOCK)


def test_a_malformed_suite_names_file_and_field(shop: Settings, tmp_path: Path) -> None:
    (tmp_path / "expectations").mkdir()
    (tmp_path / "expectations" / "odd.json").write_text('{"name": "odd", "schema": "ops", "tabels": []}')
    with pytest.raises(PermanentError, match=r"expectations/odd\.json: ta"):
        run_suite("odd", shop.model_copy(update={"project_dir": tmp_path}), CLOCK)
