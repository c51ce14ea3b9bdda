"""What is common explodes nothing, and what is worked on in parts ends where it would end as a whole."""

from typing import Any

import pytest

from rapport.identity import batches
from rapport.identity.rules import load_rules


def test_guests_that_all_share_a_placeholder_stay_apart_and_are_said_to_be_left_out(shop: Any) -> None:
    common = {"match_first_name": "a", "match_last_name": "person", "address1": "1 Row", "zip": "Z1", "city": "City"}
    shop.run(
        "insert into intermediate.int_profiles (profile_key, source, source_rank, match_first_name, match_last_name,"
        " address1, zip, city, email, created_at)"
        " select 'guest:' || n, 'guest', 3, %(match_first_name)s, %(match_last_name)s, %(address1)s, %(zip)s, %(city)s,"
        " md5(n::text) || '@example.com', '2026-01-01' from generate_series(1, 100) as n",
        common,
    )
    shop.people()
    rules = load_rules()
    report = shop.resolve(
        rules.model_copy(update={"likeness": rules.likeness.model_copy(update={"min_profiles": 200})})
    )
    assert report.note == "a new model was trained"
    guests = [owner for key, owner in shop.owners().items() if key.startswith("guest:")]
    assert len(set(guests)) == 100
    assert 60 <= report.customers - 100 < 90
    (model,) = shop.rows("identity.match_models")
    assert model["block_limit"] == rules.likeness.block_limit
    assert model["left_out"]["names"] == {"values": 1, "profiles": 100}


def test_batches_end_where_one_batch_ends(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def settled() -> tuple[Any, ...]:
        shop.resolve()
        members, ids = shop.rows("identity.members"), shop.rows("identity.customer_ids")
        changes = shop.rows("identity.changes")
        logged = sorted(
            (row["kind"], row["customer_id"], str(row["profile_key"]), row["rule"] or "") for row in changes
        )
        for table in ("members", "edges", "profile_states", "runs", "changes", "customer_ids"):
            shop.run(f"delete from identity.{table}")
        return [row | {"since_at": None} for row in members], [row | {"created_at": None} for row in ids], logged

    for number in range(30):
        shop.profile(f"shopify:{number:02}", email="ada@example.com")
        if number % 4 in (1, 2):
            shop.edge(f"shopify:{number - 1:02}", f"shopify:{number:02}")
    whole = settled()
    monkeypatch.setattr(batches, "BATCH_SIZE", 2)
    assert settled() == whole
    assert len({row["customer_id"] for row in whole[0]}) == 15


def test_a_table_made_anew_with_the_same_profiles_is_no_work(shop: Any) -> None:
    for number in range(5):
        shop.profile(f"shopify:{number}", email="Ada@example.com", birth_date="1950-02-03")
    shop.resolve()
    shop.run("create table intermediate.other as select * from intermediate.int_profiles order by profile_key desc")
    shop.run("drop table intermediate.int_profiles")
    shop.run("alter table intermediate.other rename to int_profiles")
    assert shop.resolve().worked_on == 0
    assert shop.rows("identity.runs")[-1]["changed_profiles"] == 0


def test_a_profile_that_comes_back_finds_the_customer_it_founded(shop: Any) -> None:
    shop.profile("shopify:1")
    shop.profile("shopify:2")
    shop.resolve()
    before = shop.owners()
    shop.run("delete from intermediate.int_profiles where profile_key = 'shopify:1'")
    shop.resolve()
    assert set(shop.owners()) == {"shopify:2"}
    shop.profile("shopify:1")
    shop.resolve()
    assert shop.owners() == before
    assert [row["kind"] for row in shop.rows("identity.changes")][2] == "retire"


def test_of_many_customers_that_become_one_every_old_id_leads_to_the_one(shop: Any) -> None:
    for number in range(4):
        shop.profile(f"shopify:{number}")
    shop.resolve()
    oldest = shop.owners()["shopify:0"]
    for number in range(1, 4):
        shop.edge(f"shopify:{number - 1}", f"shopify:{number}")
        shop.resolve()
    shop.profile("shopify:00")
    shop.edge("shopify:00", "shopify:1")
    shop.resolve()
    assert set(shop.owners().values()) == {oldest}
    leads_to = {row["customer_id"]: row["merged_into"] for row in shop.rows("identity.customer_ids")}
    assert set(leads_to.values()) == {None, oldest}
    assert [key for key, value in leads_to.items() if value is None] == [oldest]
