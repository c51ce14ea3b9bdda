"""Loading through dlt into a real Postgres: twice changes nothing, bad records are kept, no failure leaves half."""

from datetime import UTC, datetime
from typing import Any

import pytest

from rapport.clock import FixedClock
from rapport.db import connect
from rapport.errors import DataError, PermanentError, TransientError
from rapport.landing import load_source, prepare_raw
from rapport.settings import Settings
from rapport.sources.testing import Answer, FakeVendor, Request

NOW = FixedClock(datetime(2026, 3, 1, 12, tzinfo=UTC))


def ticket(number: int, at: datetime, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "requester_id": 7,
        "subject": f"Where is parcel {number}?",
        "status": "open",
        "via": {"channel": "email"},
        "tags": ["parcel"],
        "satisfaction_rating": {"score": "unoffered"},
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "generated_timestamp": int(at.timestamp()),
    } | changes


def user(number: int) -> dict[str, Any]:
    stamp = "2026-01-01T00:00:00Z"
    return {"id": number, "name": "Ann", "verified": True, "created_at": stamp, "updated_at": stamp}


class Desk:
    """A help desk that pages by two and goes by `start_time` as Zendesk does."""

    def __init__(self, tickets: list[dict[str, Any]]) -> None:
        self.tickets = tickets
        self.users = [user(7)]

    def __call__(self, request: Request) -> Answer:
        if "users" in request.path:
            return Answer({"users": self.users, "after_cursor": None, "end_of_stream": True})
        start, offset = 0, 0
        if "cursor" in request.query:
            start, offset = (int(part) for part in request.query["cursor"][0].split(":"))
        else:
            start = int(request.query["start_time"][0])
        due = [t for t in self.tickets if t.get("generated_timestamp", start) >= start]
        end = offset + 2 >= len(due)
        return Answer(
            {"tickets": due[offset : offset + 2], "after_cursor": f"{start}:{offset + 2}", "end_of_stream": end}
        )


def rows(settings: Settings) -> list[dict[str, Any]]:
    with connect("transformer", settings=settings) as conn:
        return conn.execute("select * from raw_zendesk.tickets order by id").fetchall()


def loads(settings: Settings) -> list[dict[str, Any]]:
    with connect("loader", settings=settings) as conn:
        return conn.execute("select * from landing.load order by started_at, load_id").fetchall()


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 2, 1, hour, minute, tzinfo=UTC)


def test_loading_twice_changes_nothing_and_the_second_reads_only_the_overlap(
    shop: Settings, vendor: FakeVendor
) -> None:
    vendor.answer = Desk([ticket(n, at(n)) for n in range(1, 6)])
    first = load_source("zendesk", shop, NOW)
    before = rows(shop)
    assert [row["id"] for row in before] == [1, 2, 3, 4, 5]
    assert before[0]["tags"] == ["parcel"]
    assert before[0]["updated_at"] == at(1)
    second = load_source("zendesk", shop, NOW)
    strip = [{k: v for k, v in row.items() if not k.startswith("_dlt")} for row in before]
    assert [{k: v for k, v in row.items() if not k.startswith("_dlt")} for row in rows(shop)] == strip
    assert first.tables["tickets"].landed == 5
    assert second.tables["tickets"].read == 1
    assert [load["status"] for load in loads(shop)] == ["loaded", "loaded"]
    assert loads(shop)[0]["rows_landed"] == 6


def test_a_changed_and_a_late_record_are_taken_in(shop: Settings, vendor: FakeVendor) -> None:
    desk = Desk([ticket(n, at(n)) for n in range(1, 4)])
    vendor.answer = desk
    load_source("zendesk", shop, NOW)
    desk.tickets = [
        ticket(1, at(1)),
        ticket(2, at(4), status="solved"),
        ticket(3, at(3)),
        # Indexed only after the first load, though written before its newest record.
        ticket(9, at(2, 55)),
    ]
    load_source("zendesk", shop, NOW)
    assert {row["id"]: row["status"] for row in rows(shop)} == {1: "open", 2: "solved", 3: "open", 9: "open"}


def test_an_unreadable_record_is_kept_with_its_reason_and_the_rest_lands(shop: Settings, vendor: FakeVendor) -> None:
    bad = [ticket(2, at(2), id=None), ticket(3, at(3), updated_at="yesterday"), ticket(4, at(4), via="phone")]
    vendor.answer = Desk([ticket(1, at(1)), *bad, ticket(5, at(5))])
    report = load_source("zendesk", shop, NOW)
    assert [row["id"] for row in rows(shop)] == [1, 5]
    assert report.rows_quarantined == 3
    with connect("loader", settings=shop) as conn:
        kept = conn.execute("select * from landing.quarantine order by record_no").fetchall()
    assert [(row["relation"], row["record_no"]) for row in kept] == [("tickets", 2), ("tickets", 3), ("tickets", 4)]
    assert kept[0]["reason"] == "id is missing"
    assert kept[1]["reason"] == "updated_at is not a readable time with a zone"
    assert kept[1]["record"]["updated_at"] == "yesterday"
    assert loads(shop)[0]["rows_quarantined"] == 3


def test_a_source_that_changed_its_shape_lands_nothing(shop: Settings, vendor: FakeVendor) -> None:
    vendor.answer = Desk([ticket(n, at(1, n), created_at=None) for n in range(1, 25)])
    with pytest.raises(DataError, match="24 of 24 records of tickets"):
        load_source("zendesk", shop, NOW)
    assert loads(shop)[0]["status"] == "failed"
    vendor.answer = Desk([ticket(n, at(1, n)) for n in range(1, 25)])
    load_source("zendesk", shop, NOW)
    assert len(rows(shop)) == 24


def test_a_load_that_breaks_off_leaves_no_half_state_and_a_rerun_completes(shop: Settings, vendor: FakeVendor) -> None:
    desk = Desk([ticket(n, at(n)) for n in range(1, 6)])
    good = desk.__call__
    vendor.answer = lambda request: Answer({}, 500) if "cursor" in request.query else good(request)
    with pytest.raises(TransientError, match=r"GET /api/v2/incremental/tickets/cursor\.json answered 500"):
        load_source("zendesk", shop, NOW, wait=lambda _: None)
    failed = loads(shop)[0]
    assert failed["status"] == "failed"
    assert "answered 500" in failed["error"]
    vendor.answer = desk
    load_source("zendesk", shop, NOW)
    assert len(rows(shop)) == 5


def test_a_missing_key_names_its_variable_and_closes_the_load(shop: Settings) -> None:
    with pytest.raises(PermanentError, match="RAPPORT_ZENDESK_TOKEN"):
        load_source("zendesk", shop.model_copy(update={"zendesk_token": None}), NOW)
    assert loads(shop)[0]["status"] == "failed"


def test_postgres_going_away_in_the_middle_is_transient_and_the_next_load_completes(
    shop: Settings, vendor: FakeVendor
) -> None:
    desk = Desk([ticket(n, at(n)) for n in range(1, 6)])

    def cut(request: Request) -> Answer:
        if "users" in request.path:
            with connect(settings=shop, autocommit=True) as conn:
                conn.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where datname = current_database() and pid <> pg_backend_pid()"
                )
            # The record cannot be put aside over the connection that is gone.
            return Answer({"users": [{"id": None}], "end_of_stream": True})
        return desk(request)

    vendor.answer = cut
    with pytest.raises(TransientError, match="Postgres went away"):
        load_source("zendesk", shop, NOW)
    assert loads(shop)[0]["status"] == "failed"
    vendor.answer = desk
    load_source("zendesk", shop, NOW)
    assert len(rows(shop)) == 5


def test_a_load_tells_nobody_and_leaves_no_id_in_the_home_folder(
    shop: Settings, vendor: FakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dlt.common.runtime import anon_tracker

    asked: list[bool] = []
    monkeypatch.setattr(anon_tracker, "get_anonymous_id", lambda: asked.append(True) or "")
    vendor.answer = Desk([ticket(1, at(1))])
    load_source("zendesk", shop, NOW)
    assert asked == []
    assert anon_tracker._ANON_TRACKER_ENDPOINT is None


def test_a_second_load_of_one_source_waits_its_turn(shop: Settings, vendor: FakeVendor) -> None:
    desk = Desk([])

    def again(request: Request) -> Answer:
        with pytest.raises(TransientError, match="another load of this source is running"):
            load_source("zendesk", shop, NOW)
        return desk(request)

    vendor.answer = again
    assert load_source("zendesk", shop, NOW).tables["tickets"].read == 0


def test_prepare_raw_makes_every_declared_table_once(shop: Settings) -> None:
    assert prepare_raw(shop) == ["shopify", "zendesk", "bluesky"]
    assert prepare_raw(shop) == []
    with connect("transformer", settings=shop) as conn:
        for table in ("raw_shopify.orders", "raw_zendesk.users", "raw_bluesky.profiles"):
            assert conn.execute(f"select count(*) as n from {table}").fetchone() == {"n": 0}
        types = conn.execute(
            "select column_name, data_type from information_schema.columns"
            " where table_schema = 'raw_shopify' and table_name = 'orders'"
        ).fetchall()
    found = {row["column_name"]: row["data_type"] for row in types}
    assert found["line_items"] == "jsonb"
    assert found["total_amount"] == "numeric"
    assert found["processed_at"] == "timestamp with time zone"
    assert found["test"] == "boolean"
