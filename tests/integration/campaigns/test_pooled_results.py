"""Several occurrences read together: a person counts once, with what the lot gave them first."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from psycopg.types.json import Jsonb
from rich.console import Console
from typer.testing import CliRunner

from rapport.campaigns.outcome.pooled import is_flow, read_pooled
from rapport.campaigns.outcome.results import Results
from rapport.campaigns.outcome.results_text import render
from rapport.cli import app, campaign
from rapport.db import connect
from rapport.errors import PermanentError
from rapport.experiments import sequential
from rapport.settings import Settings

AS_OF = datetime(2027, 3, 31, 8, tzinfo=UTC)
TABLES = """
create table marts.campaign_people (
    campaign_id text, occurrence_key text, customer_id text, experiment text, arm text, is_in_test boolean,
    has_clicked boolean, before_revenue numeric, drawn_at timestamptz, planned_at timestamptz,
    effect_ends_at timestamptz
);
create table marts.orders (
    customer_id text, ordered_at timestamptz, counts_as_order boolean, reporting_revenue numeric,
    reporting_currency text
);
create table marts.campaign_arms (as_of timestamptz);
create table marts.campaign_results (
    campaign_id text, occurrence_key text, experiment text, variant text, planned_at timestamptz, planned bigint,
    accepted bigint, delivered bigint, opened bigint, machine_opened_only bigint, clicked bigint,
    machine_clicked_only bigint, unsubscribed bigint,
    complained bigint, bounced bigint, orders_count bigint, linear_orders_count numeric, position_orders_count numeric,
    reporting_revenue numeric, linear_reporting_revenue numeric, position_reporting_revenue numeric,
    reporting_cost numeric
);
"""
RESULTS = """
insert into marts.campaign_results
select campaign_id, occurrence_key, experiment, arm, min(planned_at), count(*), count(*), count(*), 0, 0,
    count(*) filter (where has_clicked), 0, 0, 0, 0, 1, 1, 1, 10, 10, 10, 1
from marts.campaign_people
where arm not in ('holdout', 'global_holdout')
group by campaign_id, occurrence_key, experiment, arm
"""
TWO = {"name": "words", "variants": {"a": {"share": 50}, "b": {"share": 50}}}


class History:
    """A ledger and published tables as a build would leave them."""

    def __init__(self, settings: Settings, kind: str, *steps: str) -> None:
        self.settings = settings
        with connect("transformer", settings=settings) as conn:
            conn.execute(TABLES)
            conn.execute("insert into marts.campaign_arms values (%s)", (AS_OF,))
        with connect("engine", settings=settings) as conn:
            conn.execute(
                "insert into ops.campaign (campaign_id, kind, topic, policy, definition, version, updated_at)"
                " values ('ours', %s, 'marketing', 'at_most_once', %s, '1', %s)",
                (kind, Jsonb({"steps": [{"name": step} for step in steps]}), AS_OF),
            )

    def occurrence(self, key: str, days_ago: float, people: dict[str, str], experiment: bool = True) -> None:
        """`people`: who got which arm; a star behind it is a click."""
        at = AS_OF - timedelta(days=days_ago)
        lot = {"holdout_percent": 20} | ({"experiment": TWO} if experiment else {})
        with connect("engine", settings=self.settings) as conn:
            conn.execute(
                "insert into ops.occurrence (campaign_id, occurrence_key, planned_at, waterfall, lot)"
                " values ('ours', %s, %s, '{}', %s)",
                (key, at, Jsonb(lot)),
            )
        with connect("transformer", settings=self.settings) as conn, conn.cursor() as cursor:
            cursor.executemany(
                "insert into marts.campaign_people values ('ours', %s, %s, %s, %s, true, %s, null, %s, %s, %s)",
                [
                    (
                        *(key, who, "words" if experiment else None, arm.rstrip("*"), arm.endswith("*")),
                        *(at, at, at + timedelta(days=14)),
                    )
                    for who, arm in people.items()
                ],
            )

    def order(self, who: str, days_ago: float, amount: float = 10) -> None:
        with connect("transformer", settings=self.settings) as conn:
            conn.execute(
                "insert into marts.orders values (%s, %s, true, %s, 'GBP')",
                (who, AS_OF - timedelta(days=days_ago), amount),
            )

    def read(self, days: int = 90) -> list[Results]:
        with connect("transformer", settings=self.settings) as conn:
            conn.execute("truncate marts.campaign_results")
            conn.execute(RESULTS)
        return read_pooled("ours", self.settings, days)


def shown(results: Results) -> str:
    console = Console(width=160)
    with console.capture() as captured:
        console.print(render(results))
    return " ".join(captured.get().split())


def test_a_person_of_several_occurrences_counts_once_with_the_first_lot(database: Settings) -> None:
    history = History(database, "recurring")
    history.occurrence("2027-03-01T06:00", 30, {"ann": "a", "bob": "b", "cy": "holdout"})
    history.occurrence("2027-03-11T06:00", 20, {"ann": "a*", "bob": "a", "cy": "a", "dee": "b"})
    # Before the first lot, within its days, after its days but within those of the last occurrence, and after these.
    for days_ago in (31, 29, 10, 5.5):
        history.order("ann", days_ago)
    history.order("cy", 8)
    (found,) = history.read()
    arms = {row["arm"]: row for row in found.held_out}
    assert (arms["holdout"]["people_count"], arms["holdout"]["orders_count"]) == (1, 1)
    by_variant = {row["variant"]: row for row in found.variants}
    assert (by_variant["a"]["planned"], by_variant["b"]["planned"]) == (4, 2), "mails are counted as mails"
    assert by_variant["a"]["clicked"] == 1
    assert by_variant["a"]["holdout_count"] == 1
    assert found.pool
    assert (found.pool.occurrences, found.pool.people, found.is_complete) == (2, 4, True)
    # Ann alone began with a: her two orders less the one of who was held out.
    assert by_variant["a"]["incremental_orders_count"] == pytest.approx(2 - 1)
    assert by_variant["b"]["incremental_orders_count"] == pytest.approx(2 * (0 - 1))
    assert by_variant["a"]["incremental_orders_count_low"] is None
    assert "+1 orders; cannot tell yet: too few people held out" in shown(found)
    assert "ours, experiment words: the 90 days before 2027-03-31 08:00 UTC, 2 occurrences with mails" in shown(found)


def test_steps_of_a_flow_stand_apart_in_their_order_with_each_persons_own_days(database: Settings) -> None:
    history = History(database, "flow", "second", "first")
    for day in (40, 20, 3):
        people = {f"p{day}": "a", f"q{day}": "a*", f"h{day}": "holdout"}
        history.occurrence(f"first@{day}", day, people, experiment=False)
        history.order(f"p{day}", day - 2)
        history.order(f"p{day}", day - 15)
    history.occurrence("second@38", 38, {"p40": "a", "h40": "holdout"}, experiment=False)
    second, first = history.read()
    assert [one.pool and one.pool.step for one in (second, first)] == ["second", "first"]
    (row,) = first.variants
    assert (row["planned"], row["clicked"], row["orders_count"], row["holdout_count"]) == (6, 3, 3, 3)
    # Of each person the order within fourteen days; the later one is nobody's.
    assert row["incremental_orders_count"] == pytest.approx(6 * (3 / 6 - 0))
    assert (first.is_complete, second.is_complete) == (False, True)
    assert first.comparisons == ()
    told = shown(first)
    assert "ours, step first: the 90 days before" in told
    assert "for some they are not over: a look on the way" in told
    assert "look on the way" not in shown(second)
    (few,) = history.read(days=10)
    assert few.pool
    assert (few.pool.step, few.pool.occurrences, few.pool.people) == ("first", 1, 3)
    with pytest.raises(PermanentError, match="no mail of the last 2 days"):
        history.read(days=2)


def test_the_same_people_again_are_no_more_evidence(database: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequential, "LEAST_EVENTS", 5)
    history = History(database, "recurring")
    lot = random.Random(7)
    people = {f"c{number}": lot.choice("aaab") for number in range(300)}
    for week in range(6):
        history.occurrence(f"2027-01-{week}T06:00", 60 - 7 * week, people)
    spent = {who: float(lot.choice((0, 0, 0, 12, 40))) for who in people}
    for who, amount in spent.items():
        if amount:
            history.order(who, 30, amount)
    (found,) = history.read()
    groups = [np.array([spent[who] for who, arm in people.items() if arm == name]) for name in "ab"]
    (revenue,) = [each for each in found.comparisons if each.measure == "revenue"]
    assert revenue.found.estimate == pytest.approx(groups[1].mean() - groups[0].mean())
    error = np.sqrt(sum(group.var(ddof=1) / len(group) for group in groups))
    assert np.sqrt(revenue.found.variance) == pytest.approx(error)
    assert found.pool
    assert (found.pool.people, sum(row["planned"] for row in found.variants)) == (300, 1800)
    # Three to one where one to one was stated: the lot would hardly ever do that.
    assert found.mismatch is not None
    assert found.mismatch < 0.001
    assert "Do not believe these comparisons" in shown(found)


def test_the_command_shows_a_flow_by_its_steps_and_a_campaign_when_asked(
    database: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign, "get_settings", lambda: database)
    history = History(database, "flow", "first", "second")
    history.occurrence("first@2027-03-01", 30, {"ann": "a"}, experiment=False)
    history.occurrence("second@2027-03-03", 28, {"ann": "a"}, experiment=False)
    history.read()
    assert is_flow("ours", database)
    assert not is_flow("theirs", database)
    told = CliRunner().invoke(app, ["campaign", "results", "ours"])
    assert told.exit_code == 0, told.output
    assert told.output.index("step first") < told.output.index("step second")
    assert "step second" not in CliRunner().invoke(app, ["campaign", "results", "ours", "--days", "1"]).output
    both = CliRunner().invoke(app, ["campaign", "results", "ours", "--occurrence", "first@2027-03-01", "--pooled"])
    assert both.exit_code == 2


def kinds(rows: list[dict[str, Any]]) -> list[str]:
    return [row["arm"] for row in rows]


def test_who_is_held_out_of_everything_stands_in_where_nobody_else_is(database: Settings) -> None:
    history = History(database, "flow", "first")
    people = {f"c{number}": "a" for number in range(6)} | {f"h{number}": "global_holdout" for number in range(4)}
    history.occurrence("first@2027-03-01", 30, people, experiment=False)
    history.order("c1", 29)
    history.order("h1", 29)
    (found,) = history.read()
    assert kinds(found.held_out) == ["global_holdout"]
    (row,) = found.variants
    assert (row["holdout"], row["holdout_count"]) == ("global_holdout", 4)
    treated, control = np.array([1, 0, 0, 0, 0, 0]), np.array([1, 0, 0, 0])
    assert row["incremental_orders_count"] == pytest.approx(6 * (treated.mean() - control.mean()))
    assert row["incremental_orders_count_low"] < 0 < row["incremental_orders_count_high"]
    assert "cannot tell" in shown(found)
