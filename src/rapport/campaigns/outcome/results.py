"""What an occurrence brought, from the published tables: counts by variant, and what can be said of differences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg

from rapport.campaigns.outcome.variants import CONTROL, HELD_OUT
from rapport.db import Connection, connect, load_queries
from rapport.errors import PermanentError, TransientError
from rapport.experiments.differences import Difference, mismatch
from rapport.experiments.samples import Sample, share
from rapport.experiments.sequential import look
from rapport.experiments.sizes import people_still_needed
from rapport.settings import Settings

MEASURES = ("clicks", "revenue")
Row = dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """A variant against the control, by one measure a person: `clicks` are shares, `revenue` is reporting currency.

    `more_people` is how many more it would take if the difference stays; None when nobody can say.
    """

    measure: str
    variant: str
    control_mean: float
    found: Difference
    more_people: int | None


@dataclass(frozen=True)
class Pool:
    """Which occurrences were brought together: of `step` (empty but in a flow), of the `days` before the build.

    `occurrences` had mails, `people` took part, those held out among them. `is_flow`: orders count for the days of each
    person, not until one end for all.
    """

    step: str
    occurrences: int
    days: int
    first_planned_at: datetime
    people: int
    is_flow: bool


@dataclass(frozen=True)
class Results:
    """One occurrence, or a pool of them. `mismatch` is the chance of so uneven a split; None when nobody knows what was
    meant."""

    campaign_id: str
    occurrence_key: str
    experiment: str | None
    currency: str
    planned_at: datetime
    as_of: datetime | None
    effect_ends_at: datetime | None
    is_complete: bool
    variants: Sequence[Row]
    held_out: Sequence[Row]
    comparisons: Sequence[Comparison] = ()
    mismatch: float | None = None
    decision: Row | None = field(default=None)
    pool: Pool | None = None


def read(name: str, settings: Settings, occurrence_key: str | None = None) -> Results:
    """The results of an occurrence, the newest with mails when none is named.

    Raises PermanentError when there is nothing to show yet, TransientError when Postgres is away.
    """
    try:
        with connect("engine", settings=settings) as conn:
            return _read(conn, name, occurrence_key)
    except psycopg.OperationalError as error:
        raise TransientError(f"{name}: Postgres went away; try again") from error


def compare(arms: Iterable[Row], *, ended: bool) -> list[Comparison]:
    """Every variant against the control, over those whom the lot drew for the test only. Pure."""
    tested = {row["arm"]: row for row in arms if row["is_in_test"] and row["arm"] not in HELD_OUT}
    control = tested.pop(CONTROL, None)
    if control is None:
        return []
    people = control["people_count"]
    found = []
    for measure in MEASURES:
        before = sample_of(control, measure)
        for name, row in tested.items():
            seen = look(sample_of(row, measure), before, ended=ended, comparisons=len(tested))
            more = people_still_needed(seen, people + row["people_count"])
            found.append(Comparison(measure, name, before.mean, seen, more))
    return found


def sample_of(arm: Row, measure: str) -> Sample:
    """The sums of an arm by one measure."""
    if measure == "clicks":
        return share(arm["people_count"], arm["clicked_count"])
    names = ("capped_revenue", "capped_squares")
    total, squares = (float(arm[name] or 0) for name in names)
    past = (float(arm[name] or 0) for name in ("before_revenue", "before_squares", "before_products"))
    return Sample(arm["people_count"], total, squares, arm["buyers_count"], *past)


def split(arms: Iterable[Row], lot: Mapping[str, Any]) -> float | None:
    """Chance that the lot, by the shares it was drawn by, splits people as unevenly as they are; see MISMATCH.

    None when the arms are not those of the lot.
    """
    experiment = lot.get("experiment") or {}
    stated = experiment.get("variants") or {CONTROL: {"share": 100}}
    holdout = float(lot.get("holdout_percent") or 0)
    tested = float((experiment.get("winner") or {}).get("test_percent") or 100)
    wanted = {name: (100 - holdout) * tested / 100 * float(each["share"]) / 100 for name, each in stated.items()}
    wanted |= {"holdout": holdout, "rest": (100 - holdout) * (100 - tested) / 100}
    wanted = {name: portion for name, portion in wanted.items() if portion}
    counts = dict.fromkeys(wanted, 0)
    for row in arms:
        name = row["arm"] if row["is_in_test"] else "rest"
        # Who is held out of all campaigns was drawn before this campaign drew anybody.
        if name == "global_holdout":
            continue
        if name not in counts:
            return None
        counts[name] += row["people_count"]
    return mismatch(counts, wanted)


def _read(conn: Connection, name: str, occurrence_key: str | None) -> Results:
    queries = load_queries(__package__, "results.sql")

    def rows(query: str, key: str | None = occurrence_key) -> list[Row]:
        return conn.execute(queries[query], {"campaign_id": name, "occurrence_key": key}).fetchall()

    if not rows("published")[0]["there"]:
        raise PermanentError("there are no tables of results yet; run `rapport run`, then ask again")
    found = rows("occurrences")
    if not found:
        named = f"{name} {occurrence_key}" if occurrence_key else name
        raise PermanentError(
            f"{named}: no mail of it is in the published tables; plan it, send it, and build (`rapport run`)"
        )
    key = found[0]["occurrence_key"]
    arms, lot = rows("arms", key), rows("lot", key)
    is_complete = bool(arms) and all(row["is_effect_complete"] for row in arms)
    return Results(
        name,
        key,
        found[0]["experiment"],
        found[0]["currency"] or "",
        found[0]["planned_at"],
        max((row["as_of"] for row in arms), default=None),
        max((row["effect_ends_at"] for row in arms), default=None),
        is_complete,
        [row for row in rows("results", key) if row["planned"]],
        [row for row in arms if row["arm"] in HELD_OUT],
        compare(arms, ended=is_complete),
        split(arms, lot[0]["lot"]) if lot and len(arms) > 1 else None,
        next(iter(rows("decision", key)), None),
    )
