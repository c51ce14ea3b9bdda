"""What changed since the last run, and whom that can touch: the only profiles that are scored and clustered."""

import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from rapport.db import Connection, load_queries
from rapport.errors import DataError
from rapport.identity.matching import Likely, Matcher, NothingToCompare
from rapport.identity.people import Edge, Profile, components
from rapport.identity.rules import Rules

logger = logging.getLogger(__name__)
SQL = load_queries("rapport.identity", "resolve.sql", "state.sql")


@dataclass
class Work:
    """`changed` profiles came, went or are not what they were; `profiles` hang together with them, by `edges`."""

    rules_version: str
    profiles_count: int
    changed: list[str]
    gone: set[str]
    note: str = ""
    scored_pairs: int = 0
    profiles: dict[str, Profile] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)


def find_work(conn: Connection, rules: Rules, *, likeness: bool, as_of: datetime) -> Work:
    """Settle the edges of today and find everybody whose customer could be another one by them.

    Raises DataError when no profile is left of those that were there.
    """
    work = _changed(conn, rules, likeness)
    matcher = _matcher(conn, rules, work, likeness, as_of)
    _settle_exact(conn, rules, work.changed)
    conn.execute(SQL["forget_likeness"], {"keys": work.changed})
    conn.execute(SQL["stage_likely"])
    if matcher is not None:
        here = set(work.changed) - work.gone
        pairs = matcher.score(None if len(here) == work.profiles_count else here)
        work.scored_pairs = len(pairs)
        _keep(conn, pairs)
    _walk(conn, rules.likeness.accept)
    work.profiles = {row["profile_key"]: Profile(**row) for row in conn.execute(SQL["read_touched"])}
    work.edges = _edges(conn)
    if matcher is not None:
        # Average linkage asks for every pair of a component, not only for those that shared a block.
        _keep(conn, matcher.score_within(components(work.profiles, work.edges, rules.likeness.accept)))
        work.edges = _edges(conn)
    return work


def _changed(conn: Connection, rules: Rules, likeness: bool) -> Work:
    conn.execute(SQL["stage_profiles"])
    counts = _one(conn, "count_profiles") or {}
    if counts["members"] and not counts["profiles"]:
        raise DataError(
            f"identity: intermediate.int_profiles is empty, yet {counts['members']:,} profiles have customers. "
            "Look at the last load and at `prepare`; nothing was changed."
        )
    version = f"{rules.version()}{'' if likeness else ' exact only'}"
    rows = conn.execute(SQL["changed_profiles"]).fetchall()
    work = Work(
        rules_version=version,
        profiles_count=counts["profiles"],
        changed=[row["profile_key"] for row in rows],
        gone={row["profile_key"] for row in rows if row["is_gone"]},
    )
    last = _one(conn, "last_run")
    if last is not None and last["rules_version"] != version:
        _take_all(conn, work)
    return work


def _take_all(conn: Connection, work: Work) -> None:
    """New rules or a new model: every profile is looked at again."""
    everybody = [row["profile_key"] for row in conn.execute(SQL["all_profiles"])]
    work.changed = sorted({*everybody, *work.gone})


def _matcher(conn: Connection, rules: Rules, work: Work, likeness: bool, as_of: datetime) -> Matcher | None:
    """Splink with the model in force, or a new one where none fits; None where there is nothing to score."""
    if not likeness:
        work.note = "likeness is off (RAPPORT_IDENTITY_PROBABILISTIC)"
        return None
    if work.profiles_count < rules.likeness.min_profiles:
        work.note = f"likeness skipped: {work.profiles_count} profiles are fewer than {rules.likeness.min_profiles}"
        return None
    if not work.changed:
        work.note = "no profile changed"
        return None
    try:
        return _trained(conn, rules, work, as_of)
    except NothingToCompare:
        work.note = "likeness skipped: profiles hold too little to be compared by"
        return None


def _trained(conn: Connection, rules: Rules, work: Work, as_of: datetime) -> Matcher:
    newest = _one(conn, "newest_model")
    fits = newest is not None and newest["rules_version"] == work.rules_version
    if fits and newest is not None and work.profiles_count <= newest["profiles"] * rules.likeness.retrain_growth:
        return Matcher(_people(conn, rules), rules.likeness, newest["model"])
    _take_all(conn, work)
    matcher = Matcher(_people(conn, rules), rules.likeness)
    work.note = "a new model was trained"
    values = {"rules_version": work.rules_version, "profiles": work.profiles_count}
    conn.execute(SQL["keep_model"], {**values, "model": Jsonb(matcher.model), "as_of": as_of})
    return matcher


def _people(conn: Connection, rules: Rules) -> Any:
    """What likeness compares, as an Arrow table of text."""
    import pyarrow as pa
    from pyarrow import csv

    conn.execute(SQL["stage_people"])
    conn.execute(SQL["fill_people"], _shared(rules))
    with conn.cursor().copy(SQL["copy_people"]) as copy:
        text = b"".join(bytes(block) for block in copy)
    names = text[: text.index(b"\n")].decode().split(",")
    options = csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
    )
    return csv.read_csv(
        io.BytesIO(text), parse_options=csv.ParseOptions(newlines_in_values=True), convert_options=options
    )


def _settle_exact(conn: Connection, rules: Rules, changed: Sequence[str]) -> None:
    on = [
        {"rule": name, "fan_out_limit": rule.fan_out_limit, "confidence": rule.confidence}
        for name, rule in rules.exact.items()
        if rule.is_on
    ]
    conn.execute(SQL["stage_exact"])
    conn.execute(SQL["fill_exact"], {"rules": Jsonb(on), **_shared(rules)})
    conn.execute(SQL["stage_touched"])
    conn.execute(SQL["touch"], {"keys": list(changed)})
    conn.execute(SQL["touch_decided"])
    conn.execute(SQL["touch_changed_edges"])


def _shared(rules: Rules) -> dict[str, Any]:
    return {"mailboxes": rules.shared_mailboxes, "relay_domains": rules.relay_domains}


def _keep(conn: Connection, pairs: Sequence[Likely]) -> None:
    conn.execute(SQL["clear_likely"])
    with conn.cursor().copy(SQL["copy_likely"]) as copy:
        for pair in pairs:
            copy.write_row(pair)
    conn.execute(SQL["keep_likely"])


def _walk(conn: Connection, accept: float) -> None:
    step = 1
    while conn.execute(SQL["touch_neighbours"], {"step": step, "accept": accept}).rowcount:
        step += 1


def _edges(conn: Connection) -> list[Edge]:
    return [Edge(**row) for row in conn.execute(SQL["read_edges"])]


def _one(conn: Connection, name: str) -> dict[str, Any] | None:
    return conn.execute(SQL[name]).fetchone()
