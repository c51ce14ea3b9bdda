"""No table with rows of people can be forgotten: what is new is listed among what is erased, or holds none."""

from rapport.db import connect
from rapport.landing import prepare_raw
from rapport.privacy.tables import HELD
from rapport.settings import Settings

# What the campaigns, builds and loads themselves are, what staff did, and the shop's goods.
NOBODYS = {
    *("identity.match_models", "identity.runs"),
    *("landing.file", "landing.load"),
    *("ops.adoption", "ops.approval_answer", "ops.approval_request", "ops.audit_log", "ops.breaker_reset"),
    *("ops.breaker_trip", "ops.build", "ops.build_node", "ops.campaign", "ops.campaign_hold", "ops.control"),
    *("ops.coupon_creation", "ops.experiment_decision", "ops.gate_run", "ops.mailbox_domain", "ops.mailbox_exchanger"),
    *("ops.occurrence", "ops.preflight_run", "ops.publish_log", "ops.template", "ops.throttle", "ops.topic_title"),
    *("ops.warm_up", "rapport_meta.migration"),
    *("raw_files.products", "raw_shopify.products", "raw_shopify_staging.products"),
    # Kinds of fields that could not be read, never a value.
    "raw_web.quarantine",
    *("scores.product_pairs", "scores.quality", "scores.sales_forecast"),
}
NAMES_A_PERSON = {
    *(
        "email",
        "phone",
        "address",
        "first_name",
        "last_name",
        "full_name",
        "social_handle",
        "birth_date",
        "shipping_address",
    ),
    *("customer_id", "recipient_key", "profile_key", "profile_key_a", "send_id", "device_id", "user_id", "author_did"),
    *("requester_id", "loyalty_number", "opt_in_id", "founded_by", "trigger_id"),
}


def columns_by_table(settings: Settings) -> dict[str, set[str]]:
    prepare_raw(settings)
    found: dict[str, set[str]] = {}
    with connect(settings=settings) as conn:
        for row in conn.execute(
            "select schemaname || '.' || tablename as name, attname from pg_tables join pg_attribute"
            " on attrelid = format('%I.%I', schemaname, tablename)::regclass and attnum > 0 and not attisdropped"
            " where schemaname not in ('pg_catalog', 'information_schema') and tablename !~ '^_dlt'"
        ):
            found.setdefault(row["name"], set()).add(row["attname"])
    return found


def test_every_table_is_on_the_list_or_nobodys(database: Settings) -> None:
    found = columns_by_table(database)
    listed = {held.table for held in HELD if held.fate != "derived"}
    assert len(listed) == len([held for held in HELD if held.fate != "derived"]), "a table stands twice"
    assert found.keys() - listed - NOBODYS == set(), "add it to rapport.privacy.tables, with its condition in rows.sql"
    assert (listed | NOBODYS) - found.keys() == set()


def test_what_is_called_nobodys_has_no_column_that_names_a_person(database: Settings) -> None:
    found = columns_by_table(database)
    assert {name: named for name in NOBODYS if (named := found[name] & NAMES_A_PERSON)} == {}
    assert all(found[held.table] & NAMES_A_PERSON for held in HELD if held.table.startswith("ops."))


def test_every_condition_and_statement_runs_as_the_role_that_it_is_for(database: Settings) -> None:
    from rapport.clock import SystemClock
    from rapport.privacy import erase

    prepare_raw(database)
    with connect(settings=database) as conn:
        conn.execute(
            "create table intermediate.int_profiles (profile_key text primary key, email text, loyalty_number text)"
        )
        conn.execute("alter table intermediate.int_profiles owner to transformer")
    report = erase(database, SystemClock(), "nobody@example.com")
    assert set(report.rows) == {held.table for held in HELD if held.fate in ("deleted", "emptied")} | {
        "ops.suppression"
    }
