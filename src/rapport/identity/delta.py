"""What changed since the last run, and whom that can touch: the only profiles that are scored and clustered."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from rapport.db import Connection, load_queries
from rapport.errors import DataError
from rapport.identity import batches
from rapport.identity.arrow import read_table, write_table
from rapport.identity.blocking import Bounds
from rapport.identity.matching import Matcher, NothingToCompare
from rapport.identity.rules import Rules

SQL = load_queries("rapport.identity", "state.sql", "touched.sql", "likely.sql")


@dataclass
class Work:
    """`changed` counts the profiles that came, went or are not what they were, `touched` those of today that hang
    together with them."""

    rules_version: str
    profiles: int
    changed: int
    gone: int
    note: str = ""
    scored_pairs: int = 0
    touched: int = 0
    batches: int = 0

    @property
    def is_whole(self) -> bool:
        return self.changed - self.gone == self.profiles


def find_work(conn: Connection, rules: Rules, *, likeness: bool, as_of: datetime) -> Work:
    """Settle the edges of today and stage everybody whose customer could be another one by them.

    Raises DataError when no profile is left of those that were there.
    """
    work = _changed(conn, rules, likeness)
    matcher = _matcher(conn, rules, work, likeness, as_of)
    _settle_exact(conn, rules)
    conn.execute(SQL["forget_likeness"])
    conn.execute(SQL["stage_likely"])
    if matcher is not None:
        work.scored_pairs = _keep(conn, matcher.score())
    if not work.is_whole:
        _walk(conn, rules.likeness.accept)
    conn.execute(SQL["analyze_touched"])
    work.touched = _one(conn, "count_touched")["touched"]
    components, work.batches = batches.stage(conn, rules.likeness.accept)
    if matcher is not None:
        # Average linkage asks for every pair of a component, not only for those that shared a block.
        _keep(conn, matcher.score_within(components.groups(rules.likeness.block_limit)))
    return work


def _changed(conn: Connection, rules: Rules, likeness: bool) -> Work:
    counts = _one(conn, "count_profiles")
    if counts["members"] and not counts["profiles"]:
        raise DataError(
            f"identity: intermediate.int_profiles is empty, yet {counts['members']:,} profiles have customers. "
            "Look at the last load and at `prepare`; nothing was changed."
        )
    conn.execute(SQL["plan"])
    conn.execute(SQL["stage_changed"])
    conn.execute(SQL["key_changed"])
    version = f"{rules.version()}{'' if likeness else ' exact only'}"
    work = Work(rules_version=version, profiles=counts["profiles"], **_one(conn, "count_changed"))
    last = conn.execute(SQL["last_run"]).fetchone()
    if last is not None and last["rules_version"] != version:
        _take_all(conn, work)
    conn.execute(SQL["analyze_changed"])
    return work


def _take_all(conn: Connection, work: Work) -> None:
    """New rules or a new model: every profile is looked at again."""
    conn.execute(SQL["take_all"])
    work.changed = _one(conn, "count_changed")["changed"]


def _matcher(conn: Connection, rules: Rules, work: Work, likeness: bool, as_of: datetime) -> Matcher | None:
    """Splink with the model in force, or a new one where none fits; None where there is nothing to score."""
    if not likeness:
        work.note = "likeness is off (RAPPORT_IDENTITY_PROBABILISTIC)"
        return None
    if work.profiles < rules.likeness.min_profiles:
        work.note = f"likeness skipped: {work.profiles} profiles are fewer than {rules.likeness.min_profiles}"
        return None
    if work.changed == work.gone:
        work.note = "no profile changed"
        return None
    try:
        return _trained(conn, rules, work, as_of)
    except NothingToCompare:
        work.note = "likeness skipped: profiles hold too little to be compared by"
        return None


def _trained(conn: Connection, rules: Rules, work: Work, as_of: datetime) -> Matcher:
    newest = conn.execute(SQL["newest_model"]).fetchone()
    fits = newest is not None and newest["rules_version"] == work.rules_version
    if fits and newest is not None and work.profiles <= newest["profiles"] * rules.likeness.retrain_growth:
        bounds = Bounds(newest["block_limit"], newest["left_out"])
        changed = None if work.is_whole else read_table(conn, SQL["copy_changed"])
        return Matcher(_people(conn, rules), rules.likeness, newest["model"], bounds, changed)
    _take_all(conn, work)
    matcher = Matcher(_people(conn, rules), rules.likeness)
    work.note = "a new model was trained"
    conn.execute(
        SQL["keep_model"],
        {
            "rules_version": work.rules_version,
            "profiles": work.profiles,
            "model": Jsonb(matcher.model),
            "block_limit": matcher.bounds.block_limit,
            "left_out": Jsonb(matcher.bounds.left_out),
            "as_of": as_of,
        },
    )
    return matcher


def _people(conn: Connection, rules: Rules) -> Any:
    """What likeness compares."""
    return read_table(conn, SQL["copy_people"], _shared(rules))


def _settle_exact(conn: Connection, rules: Rules) -> None:
    on = [
        {"rule": name, "fan_out_limit": rule.fan_out_limit, "confidence": rule.confidence}
        for name, rule in rules.exact.items()
        if rule.is_on
    ]
    conn.execute(SQL["stage_exact"])
    conn.execute(SQL["fill_exact"], {"rules": Jsonb(on), **_shared(rules)})
    conn.execute(SQL["analyze_exact"])
    conn.execute(SQL["stage_touched"])
    conn.execute(SQL["touch"])
    conn.execute(SQL["touch_decided"])
    conn.execute(SQL["touch_changed_edges"])


def _shared(rules: Rules) -> dict[str, Any]:
    return {"mailboxes": rules.shared_mailboxes, "relay_domains": rules.relay_domains}


def _keep(conn: Connection, parts: Iterable[Any]) -> int:
    """Returns the number of pairs."""
    count = 0
    for pairs in parts:
        conn.execute(SQL["clear_likely"])
        write_table(conn, SQL["copy_likely"], pairs)
        count += conn.execute(SQL["keep_likely"]).rowcount
    return count


def _walk(conn: Connection, accept: float) -> None:
    step = 1
    conn.execute(SQL["analyze_touched"])
    while conn.execute(SQL["touch_neighbours"], {"step": step, "accept": accept}).rowcount:
        step += 1


def _one(conn: Connection, name: str) -> dict[str, Any]:
    return conn.execute(SQL[name]).fetchone() or {}
