"""Which version the rest of an occurrence gets: the one that was clearly better by then, else the control."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from rapport.campaigns.mail.content import Template
from rapport.campaigns.outcome.results import Row, sample_of
from rapport.campaigns.outcome.results_text import more
from rapport.campaigns.outcome.variants import CONTROL, HELD_OUT
from rapport.clock import Clock
from rapport.db import Connection, connect, load_queries
from rapport.errors import TransientError
from rapport.experiments.samples import Sample, share
from rapport.experiments.sequential import look
from rapport.experiments.sizes import people_still_needed
from rapport.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """`clear` is False when nothing is known well enough; then the winner is the control. `figures` are by variant."""

    winner: str
    clear: bool
    because: str
    figures: dict[str, Any]


@dataclass(frozen=True)
class Decided:
    """What was done for one occurrence; `switched` are the sends that now carry the winner's mail."""

    campaign_id: str
    occurrence_key: str
    choice: Choice
    switched: int

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.occurrence_key}: {self.choice.winner}, {self.choice.because}"


def decide_winners(settings: Settings, clock: Clock) -> list[Decided]:
    """Decides every occurrence whose time has come, each once and in a transaction of its own.

    Doing it again, or at several places at once, changes nothing. Raises TransientError when Postgres goes away.
    """
    decided: list[Decided] = []
    try:
        with connect("engine", settings=settings) as conn:
            while (one := _decide_next(conn, clock.now())) is not None:
                decided.append(one)
                log.info("%s", one)
    except psycopg.OperationalError as error:
        raise TransientError("Postgres went away while winners were chosen; those not chosen are next time") from error
    return decided


def choose(arms: Mapping[str, Sample], by: str) -> Choice:
    """The winner among the arms of a test at its stated end. Pure.

    A variant wins that is better than the control beyond chance (see experiments.sequential); of several, the one with
    the highest mean.
    """
    figures: dict[str, Any] = {name: {**asdict(arm), "mean": arm.mean} for name, arm in arms.items() if arm.people}
    others = [name for name in figures if name != CONTROL]
    if CONTROL not in figures or not others:
        return Choice(CONTROL, False, "there is nothing to compare: not every version has people", figures)
    control = arms[CONTROL]
    seen = {name: look(arms[name], control, ended=True, comparisons=len(others)) for name in others}
    for name, found in seen.items():
        figures[name] |= {"difference": found.estimate, "low": _finite(found.low), "high": _finite(found.high)}
    better = [name for name in others if seen[name].low > 0]
    if better:
        best = max(better, key=lambda name: seen[name].estimate)
        return Choice(best, True, f"{by} a person are clearly above those of a", figures)
    if all(found.high < 0 for found in seen.values()):
        return Choice(CONTROL, True, f"{by} a person are clearly above those of every other version", figures)
    likely = max(others, key=lambda name: abs(seen[name].estimate))
    people = control.people + arms[likely].people
    told = more(people_still_needed(seen[likely], people), people)
    return Choice(CONTROL, False, f"no version is clearly better by {by}, so the rest gets a; {told}", figures)


def _decide_next(conn: Connection, now: datetime) -> Decided | None:
    queries = load_queries(__package__, "winner.sql", "results.sql")
    with conn.transaction():
        occurrence = conn.execute(queries["undecided"], {"now": now}).fetchone()
        if occurrence is None:
            return None
        values: Row = {key: occurrence[key] for key in ("campaign_id", "occurrence_key")} | {"now": now}
        experiment = occurrence["lot"]["experiment"]
        by = experiment["winner"]["by"]
        arms = _clicks(conn, queries, values) if by == "clicks" else _revenue(conn, queries, values)
        choice = choose(dict.fromkeys(sorted(experiment["variants"]), Sample(0, 0, 0, 0)) | arms, by)
        switched = 0
        if choice.winner != CONTROL:
            switched = _switch(conn, queries, values, occurrence["lot"]["templates"], choice.winner)
        values |= {"experiment": experiment["name"], "by": by, "switched_count": switched}
        values |= {"winner": choice.winner, "clear": choice.clear, "because": choice.because}
        conn.execute(queries["decide"], {**values, "figures": Jsonb(choice.figures)})
        return Decided(occurrence["campaign_id"], occurrence["occurrence_key"], choice, switched)


def _clicks(conn: Connection, queries: Mapping[str, Any], values: Row) -> dict[str, Sample]:
    """From the provider's events, as they are now."""
    rows = conn.execute(queries["clicks"], values).fetchall()
    return {row["variant"]: share(row["people_count"], row["clicked_count"]) for row in rows}


def _revenue(conn: Connection, queries: Mapping[str, Any], values: Row) -> dict[str, Sample]:
    """From the published tables: none of an occurrence that no build has seen yet, which then has no winner."""
    there = conn.execute(queries["published"]).fetchone()
    if there is None or not there["there"]:
        return {}
    rows = conn.execute(queries["arms"], values).fetchall()
    return {row["arm"]: sample_of(row, "revenue") for row in rows if row["is_in_test"] and row["arm"] not in HELD_OUT}


def _switch(
    conn: Connection, queries: Mapping[str, Any], values: Row, versions: Mapping[str, Mapping[str, str]], winner: str
) -> int:
    """Gives the winner's mail to those who wait and have not been claimed, each in their language."""
    rows = conn.execute(queries["templates"], {"versions": list(versions[winner].values())}).fetchall()
    printed = {row["template_version"]: sorted(Template(**row).fields) for row in rows}
    changes = [
        {"control": control, "winners": versions[winner][language], "fields": printed[versions[winner][language]]}
        for language, control in versions[CONTROL].items()
    ]
    return conn.execute(queries["switch"], {**values, "winner": winner, "changes": Jsonb(changes)}).rowcount


def _finite(value: float) -> float | None:
    return value if abs(value) != float("inf") else None
