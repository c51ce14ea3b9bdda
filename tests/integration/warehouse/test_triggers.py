"""What sets off a flow: what happened to whom, as it stands, and nothing that no longer holds."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rapport.campaigns.folder.definition import Flow, load_campaign
from rapport.campaigns.folder.scaffold import new
from rapport.campaigns.lifecycle.flows import run_flow
from rapport.clock import FixedClock
from rapport.db import connect
from rapport.delivery.consent import sync_consent
from rapport.landing import prepare_raw
from rapport.settings import CHECKOUT, Settings

from .conftest import FIRST, SECOND, Build, rows, run_script

NAMES = {"mia": "61", "noa": "62", "liv": "63"}
GATE = (
    "insert into ops.gate_run (gate_run_id, suite, passed, checks_count, failures, ran_at)"
    " select gen_random_uuid(), suite, true, 1, '[]', %s"
    " from unnest(array['activation.campaign_audience', 'activation.campaign_triggers']) as suite"
)
ANSWER = (
    "insert into ops.survey_answer (answer_id, send_id, survey, answer, language, answered_at)"
    " values (gen_random_uuid(), %s, 'nps', %s, 'en', %s)"
)
Told = dict[tuple[str, str], dict[str, Any]]


def triggers(settings: Settings) -> Told:
    """Context and moments by trigger and person."""
    owners = {row["profile_key"]: row["customer_id"] for row in rows(settings, "identity.members", "profile_key")}
    people = {owners[f"files:till:{number}"]: name for name, number in NAMES.items()}
    return {
        (row["trigger"], people[row["customer_id"]]): row
        for row in rows(settings, "activation.campaign_triggers", "occurred_at")
        if row["customer_id"] in people
    }


@pytest.fixture(scope="module")
def flows(module_database: Settings) -> Settings:
    prepare_raw(module_database)
    for name in ("raw_defaults.sql", "raw_rows.sql", "flow_rows.sql"):
        run_script(module_database, name)
    return module_database


@pytest.fixture(scope="module")
def told(flows: Settings, build: Build) -> Told:
    build(flows, FIRST)
    return triggers(flows)


def test_each_thing_that_happened_sets_off_its_trigger_and_no_other(told: Told) -> None:
    assert sorted(told) == [
        ("back_in_stock", "noa"),
        ("birthday", "mia"),
        ("browse_abandoned", "noa"),
        ("cart_abandoned", "mia"),
        ("cross_sell", "noa"),
        ("lapsed", "liv"),
        ("order_delivered", "noa"),
        ("points_expiring", "mia"),
        ("price_dropped", "noa"),
        ("replenishment_due", "noa"),
        ("review_request", "noa"),
        ("signed_up", "mia"),
        ("ticket_solved", "mia"),
        ("tier_reached", "mia"),
    ]


def test_moments_are_those_of_what_happened(told: Told) -> None:
    at = {key: row["occurred_at"].strftime("%m-%d %H:%M") for key, row in told.items()}
    assert at["cart_abandoned", "mia"] == "03-24 20:00"
    assert at["birthday", "mia"] == "03-21 00:00"
    assert at["points_expiring", "mia"] == "03-11 00:00"
    assert at["lapsed", "liv"] == "03-19 12:00"
    assert at["replenishment_due", "noa"] == "03-24 00:00"
    assert at["price_dropped", "noa"] == "03-23 00:00"
    assert told["points_expiring", "mia"]["expires_at"].strftime("%m-%d") == "04-09"


def test_a_mail_can_print_what_it_is_about(told: Told) -> None:
    context = {key: row["context"] for key, row in told.items()}
    assert [item["title"] for item in context["cart_abandoned", "mia"]["cart"]["items"]] == ["Blue mug"]
    fall = context["price_dropped", "noa"]
    assert (fall["product"]["title"], fall["product"]["price"], fall["former_price"]) == ("Red plate", 15, 20)
    assert context["tier_reached", "mia"]["points"] == {"tier": "gold", "balance": 400}
    assert context["ticket_solved", "mia"]["ticket"]["subject"] == "A chipped cup"
    sold = context["cross_sell", "noa"]
    assert (sold["bought"]["title"], sold["product"]["title"]) == ("Coffee", "Blue mug")


def test_loyalty_and_tickets_stand_in_what_campaigns_read(flows: Settings, told: Told) -> None:
    audience = {row["email"]: row for row in rows(flows, "activation.campaign_audience", "email")}
    mia, noa = audience["mia@example.com"], audience["noa@example.com"]
    assert (mia["loyalty_tier"], mia["loyalty_points"], mia["loyalty_points_expiring"]) == ("gold", 400, 100)
    assert (mia["open_tickets_count"], noa["loyalty_tier"]) == (1, None)


def test_a_flow_plans_what_the_build_says_and_an_answer_tells_what_it_is_about(
    flows: Settings, told: Told, tmp_path: Path, build: Build
) -> None:
    folder = tmp_path / "campaigns"
    folder.mkdir()
    (folder / "examples").symlink_to(CHECKOUT / "campaigns" / "examples")
    (folder / "policy.yml").write_text("approval: { automatic: true }\n")
    settings = flows.model_copy(update={"project_dir": tmp_path})
    sync_consent(flows)
    with connect("engine", settings=flows) as conn:
        conn.execute(GATE, (FIRST + timedelta(minutes=1),))
    done = {}
    for example in ("back_in_stock", "abandoned_cart", "abandoned_browse", "price_drop"):
        made = new(f"our_{example}", folder, example)
        path = made / "campaign.yml"
        path.write_text(path.read_text().replace("kind: flow", "kind: flow\napproval: automatic"))
        flow = load_campaign(made, settings)
        assert isinstance(flow, Flow)
        done[example] = run_flow(flow, settings, FixedClock(FIRST + timedelta(minutes=5)))
    assert done == {
        "back_in_stock": {"entered": 1, "planned": 1, "finished": 1},
        # Mia has a ticket open.
        "abandoned_cart": {"entered": 1},
        # Twenty hours after the last look: not yet.
        "abandoned_browse": {"entered": 1},
        # It fell more than two days ago.
        "price_drop": {},
    }
    with connect("engine", settings=flows) as conn:
        (mail,) = conn.execute("select send_id, context, occurrence_key from ops.send").fetchall()
        for minutes, answer in ((1, 3), (2, 9)):
            conn.execute(ANSWER, (mail["send_id"], answer, FIRST + timedelta(minutes=minutes)))
    assert mail["occurrence_key"] == "mail@2026-03-25"
    assert mail["context"]["trigger"]["product"]["title"] == "Blue mug"
    build(flows, FIRST)
    answers = rows(flows, "marts.survey_answers", "answered_at")
    assert [(row["answer"], row["answer_group"], row["is_newest"]) for row in answers] == [
        (3, "detractor", False),
        (9, "promoter", True),
    ]
    noa = told["back_in_stock", "noa"]
    assert {(row["trigger_id"], row["customer_id"]) for row in answers} == {(noa["trigger_id"], noa["customer_id"])}
    customers = {row["customer_id"]: row for row in rows(flows, "marts.customers", "customer_id")}
    assert customers[noa["customer_id"]]["nps_score"] == 9
    assert customers[told["birthday", "mia"]["customer_id"]]["nps_score"] is None


def test_what_no_longer_holds_is_gone_and_the_rest_keeps_its_id(flows: Settings, told: Told, build: Build) -> None:
    with connect("loader", settings=flows) as conn:
        conn.execute("update raw_shopify.products set total_inventory = 0 where id = 'gid://shopify/Product/1'")
        conn.execute("update raw_shopify.products set price_min_amount = 20, price_max_amount = 20 where id like '%/2'")
        conn.execute("update raw_zendesk.tickets set status = 'open', solved_at = null where id = 61")
    build(flows, FIRST)
    again = triggers(flows)
    gone = {"back_in_stock", "cart_abandoned", "cross_sell", "price_dropped", "ticket_solved"}
    assert {key[0] for key in told.keys() - again.keys()} == gone
    assert all(again[key]["trigger_id"] == told[key]["trigger_id"] for key in again)
    build(flows, SECOND)
    assert triggers(flows) == {}
