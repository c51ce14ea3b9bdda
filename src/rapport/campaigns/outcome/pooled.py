"""What several occurrences brought together: the steps of a flow, or a recurring campaign, over a period.

The lot gives a person the same in every occurrence, so a person, not a mail, is what is drawn, and counts once: with
what the lot gave them first, from that moment on. Whoever counts each mail takes a hundred mails to ten people for a
hundred people, and finds differences that are not there. Kohavi, Tang, Xu, "Trustworthy Online Controlled Experiments"
(2020), chapter 14 on the unit that is drawn and the unit that is analysed, chapter 18 on variances where they differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from math import isfinite
from typing import Any

import psycopg

from rapport.campaigns.outcome.results import Pool, Results, Row, compare, split
from rapport.campaigns.outcome.variants import HELD_OUT
from rapport.db import Connection, connect, load_queries
from rapport.errors import PermanentError, TransientError
from rapport.experiments.differences import means
from rapport.experiments.samples import Sample
from rapport.settings import Settings

DAYS = 90
# What is told of those held out: the total, and the sum of its squares a person.
TOTALS = {"orders_count": "orders_squares", "reporting_revenue": "revenue_squares"}
Key = tuple[str, str | None]


def is_flow(name: str, settings: Settings) -> bool:
    """Whether the ledger knows the campaign as a flow. Raises TransientError when Postgres is away."""
    try:
        with connect("engine", settings=settings) as conn:
            row = conn.execute(load_queries(__package__, "pooled.sql")["campaign"], {"campaign_id": name}).fetchone()
    except psycopg.OperationalError as error:
        raise TransientError(f"{name}: Postgres went away; try again") from error
    return row is not None and row["kind"] == "flow"


def read_pooled(name: str, settings: Settings, days: int = DAYS) -> list[Results]:
    """Of the `days` before the newest build: one result a step and experiment, in the order of the steps.

    Raises PermanentError when there is nothing to show yet, TransientError when Postgres is away.
    """
    try:
        with connect("engine", settings=settings) as conn:
            return _read(conn, name, days)
    except psycopg.OperationalError as error:
        raise TransientError(f"{name}: Postgres went away; try again") from error


def increments(arms: Sequence[Row]) -> dict[str, Row]:
    """By variant, what it changed for all its people beyond those held out of the campaign, or else of all. Pure.

    Welch's interval of 95 %; its ends are None where too few were held out.
    """
    held_out = next(filter(None, ([row for row in arms if row["arm"] == name] for name in HELD_OUT)), None)
    if held_out is None:
        return {}
    found: dict[str, Row] = {}
    for variant in sorted({row["arm"] for row in arms} - set(HELD_OUT)):
        treated = [row for row in arms if row["arm"] == variant]
        people = sum(row["people_count"] for row in treated)
        told: Row = {"holdout": held_out[0]["arm"], "holdout_count": sum(row["people_count"] for row in held_out)}
        told |= dict.fromkeys(f"incremental_visitors_count{end}" for end in ("", "_low", "_high"))
        for total, squares in TOTALS.items():
            change = means(_sample(treated, total, squares), _sample(held_out, total, squares))
            ends = {"": change.estimate, "_low": change.low, "_high": change.high}
            told |= {f"incremental_{total}{end}": people * v if isfinite(v) else None for end, v in ends.items()}
        found[variant] = told
    return found


def _sample(rows: Iterable[Row], total: str, squares: str) -> Sample:
    sums = Counter[str]()
    for row in rows:
        sums.update({key: row[key] for key in ("people_count", "buyers_count", total, squares)})
    return Sample(int(sums["people_count"]), sums[total], sums[squares], int(sums["buyers_count"]))


def _read(conn: Connection, name: str, days: int) -> list[Results]:
    queries = load_queries(__package__, "pooled.sql", "pooled_arms.sql", "results.sql")
    values: dict[str, Any] = {"campaign_id": name}
    there = conn.execute(queries["published"]).fetchone()
    if there is None or not there["there"]:
        raise PermanentError("there are no tables of results yet; run `rapport run`, then ask again")
    campaign = conn.execute(queries["campaign"], values).fetchone() or {"kind": "", "steps": []}
    built = conn.execute(queries["built"]).fetchone() or {}
    found: list[Results] = []
    if built.get("as_of"):
        values |= {"as_of": built["as_of"], "since": built["as_of"] - timedelta(days=days)}
        values["is_flow"] = campaign["kind"] == "flow"
        counts, arms, lots = (
            _grouped(conn.execute(queries[query], values).fetchall())
            for query in ("pooled_counts", "pooled_arms", "pooled_lots")
        )
        found = [
            _result(name, key, rows, arms.get(key, []), lots.get(key, []), {**built, **values, "days": days})
            for key, rows in counts.items()
        ]
    if not found:
        raise PermanentError(
            f"{name}: no mail of the last {days} days is in the published tables; plan it, send it, and build "
            "(`rapport run`), or look further back with --days"
        )
    places = {step: place for place, step in enumerate(campaign["steps"])}
    return sorted(found, key=lambda one: (places.get(_pool(one).step, len(places)), -one.planned_at.timestamp()))


def _result(
    name: str, key: Key, counts: list[Row], arms: list[Row], lots: list[Row], built: Mapping[str, Any]
) -> Results:
    step, experiment = key
    gained = increments(arms)
    none = dict.fromkeys(("holdout", "holdout_count"))
    is_complete = bool(arms) and all(row["is_effect_complete"] for row in arms)
    shares = {str(_shares(row["lot"])): row["lot"] for row in lots}
    return Results(
        name,
        step,
        experiment,
        built["currency"] or "",
        max(row["planned_at"] for row in counts),
        built["as_of"],
        max((row["effect_ends_at"] for row in arms), default=None),
        is_complete,
        [{**row, **gained.get(row["variant"], none)} for row in counts],
        [row for row in arms if row["arm"] in HELD_OUT],
        compare(arms, ended=is_complete) if experiment else (),
        # Where the shares were changed under way, nobody knows what was meant over all.
        split(arms, next(iter(shares.values()))) if len(shares) == 1 and len(arms) > 1 else None,
        pool=Pool(
            step,
            max(row["occurrences_count"] for row in counts),
            built["days"],
            min(row["first_planned_at"] for row in counts),
            sum(row["people_count"] for row in arms),
            built["is_flow"],
        ),
    )


def _shares(lot: Mapping[str, Any]) -> tuple[Any, ...]:
    """What people were drawn by; the words of a version say nothing of it."""
    experiment = lot.get("experiment") or {}
    variants = experiment.get("variants") or {}
    winner = experiment.get("winner") or {}
    named = sorted((name, each["share"]) for name, each in variants.items())
    return lot.get("holdout_percent"), named, winner.get("test_percent")


def _grouped(rows: Iterable[Row]) -> dict[Key, list[Row]]:
    found: dict[Key, list[Row]] = {}
    for row in rows:
        found.setdefault((row["step"], row["experiment"]), []).append(row)
    return found


def _pool(results: Results) -> Pool:
    assert results.pool is not None  # noqa: S101 - every result of this module has one
    return results.pool
