"""The verdict. It reads the provider's own ledger and SQL, and nothing that a process of ours says about itself."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rapport.db import Connection, load_queries
from rapport.delivery.stops import TRUST_SECONDS
from tests.chaos.times import Times

SQL = load_queries("tests.chaos", "checker.sql")
TWICE = "accepted_twice"
LOSSES = ("without_an_end", "said_to_be_accepted_and_never_was")
OTHERS = (
    "accepted_and_said_to_be_something_else",
    "accepted_without_an_intent_before_it",
    "attempted_again_without_an_allowed_reason",
    "attempted_after_a_suppression_was_committed",
    "accepted_without_consent",
    "accepted_before_it_was_due_or_after_it_expired",
    "accepted_later_than_its_deadline",
    "accepted_while_it_was_stopped",
    "two_of_one_address_in_one_occurrence",
)
# Beside a late acceptance: two busy cores hand a request over late.
SLACK_SECONDS = 3.0


@dataclass(frozen=True)
class Verdict:
    """Counts. `broken` names each broken invariant with how many sends broke it."""

    planned: int
    states: dict[str, int]
    accepted: int
    duplicates: int
    losses: int
    broken: dict[str, int]
    repeats: dict[str, int]

    @property
    def holds(self) -> bool:
        return not (self.duplicates or self.losses or self.broken) and sum(self.states.values()) == self.planned

    def __str__(self) -> str:
        states = ", ".join(f"{n:,} {state}" for state, n in self.states.items())
        broken = "".join(f"; BROKEN: {n} {name.replace('_', ' ')}" for name, n in self.broken.items())
        return f"{states}; duplicates {self.duplicates}, lost in silence {self.losses}{broken}"


def check(conn: Connection, mail: Path, times: Times, planned: int, occurrence: str | None = None) -> Verdict:
    """All invariants, of one occurrence or of everything; `mail` is the provider's folder."""
    values = {
        "occurrence": occurrence,
        "late": times.late_seconds + SLACK_SECONDS,
        "deadline": times.limits.deadline_seconds,
        "trust": TRUST_SECONDS,
    }
    with conn.transaction():
        conn.execute(SQL["begin"])
        conn.execute(SQL["choose"], values)
        with conn.cursor() as cursor, cursor.copy("copy accepted from stdin") as rows:
            for row in accepted_mails(mail):
                rows.write_row(row)
        conn.execute(SQL["index"])
        found = {name: len(conn.execute(SQL[name], values).fetchall()) for name in (TWICE, *LOSSES, *OTHERS)}
        states = {row["state"]: row["n"] for row in conn.execute(SQL["states"])}
        accepted = (conn.execute(SQL["accepted"]).fetchone() or {})["n"]
        repeats = dict(conn.execute(SQL["repeats"]).fetchone() or {})
    return Verdict(
        planned=planned,
        states=states,
        accepted=accepted,
        duplicates=found[TWICE],
        losses=sum(found[name] for name in LOSSES),
        broken={name: found[name] for name in OTHERS if found[name]},
        repeats=repeats,
    )


def accepted_mails(mail: Path) -> Iterator[tuple[str, int | None, datetime]]:
    """Send, attempt and time (real) of every acceptance, from the provider's file."""
    con = sqlite3.connect(f"file:{mail / 'mail.db'}?mode=ro", uri=True, timeout=30)
    try:
        for send_id, attempt_no, at in con.execute(
            "select send_id, attempt_no, accepted_at_real from accepted where send_id is not null order by position"
        ):
            yield send_id, attempt_no, datetime.fromtimestamp(at, UTC)
    finally:
        con.close()


def accepted_requests(mail: Path) -> int:
    """Requests answered or meant to be answered with 202; mails that share a text share one."""
    con = sqlite3.connect(f"file:{mail / 'mail.db'}?mode=ro", uri=True, timeout=30)
    try:
        return int(con.execute("select count(distinct x_message_id) from accepted").fetchone()[0])
    finally:
        con.close()


def upper_bound(number: int, confidence: float = 0.95) -> float:
    """The largest rate of duplicates that none among `number` does not contradict (Clopper and Pearson 1934, one-sided;
    the rule of three, 3 / number, is its approximation)."""
    return 1.0 - (1.0 - confidence) ** (1.0 / number)
