"""What happens next to each person in a flow, from what the newest build says of them. Pure: knows no database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from rapport.campaigns.lifecycle.flow import Flow, Step, events

Row = Mapping[str, Any]
# The planner's answers that may be others tomorrow. The rest is settled: whoever is held out stays so.
PASSING = frozenset({"capped", "duplicate_address", "no_window", "over_limit", "displaced"})
# Nothing of this flow can reach such a person.
FINAL = frozenset({"no_address", "suppressed", "no_consent", "excluded"})


# Fail closed: one mail too few harms less than one twice.
LOST = "a restored database was adopted after it was due; the ledger that was lost may have sent it"


@dataclass(frozen=True)
class Settled:
    """A step that needs no more thought. `outcome` is the planner's, or late, skipped or lost."""

    trigger_id: str
    step: str
    outcome: str
    reason: str
    occurrence_key: str | None = None


@dataclass(frozen=True)
class Ended:
    trigger_id: str
    state: Literal["finished", "left"]
    reason: str | None


@dataclass(frozen=True)
class Asked:
    """A person whose step is due: the planner decides. Holds personal data."""

    trigger_id: str
    customer_id: str
    step: Step
    due_at: datetime
    expires_at: datetime
    context: Mapping[str, Any] = field(repr=False)


@dataclass
class Moves:
    """What one tick does. `held`: due, but the person's ticket is open, or they had a mail of this flow today."""

    settled: list[Settled] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    held: int = 0


def moves(
    flow: Flow,
    rows: Iterable[Row],
    matches: Mapping[str, frozenset[str]],
    now: datetime,
    adopted_at: datetime | None = None,
) -> Moves:
    """`matches`: by expression, who it holds for; `adopted_at`: when a restored database was last taken into use.

    Steps are those of the flow as it is written now: whoever is inside takes them from the first that is not settled
    on, so an edit reaches everybody and repeats nothing.
    """
    found = Moves()
    asked: set[tuple[str, str]] = set()
    for row in rows:
        reason = leaves(flow, row, matches)
        if reason:
            found.ended.append(Ended(row["trigger_id"], "left", reason))
            continue
        _next(flow, row, matches, now, adopted_at, found, asked)
    return found


def leaves(flow: Flow, row: Row, matches: Mapping[str, frozenset[str]]) -> str | None:
    """Why a person who is inside leaves now."""
    if row["is_over"]:
        return "the time for it is over"
    if not row["still_holds"]:
        return "what set it off no longer holds"
    if not row["is_in_audience"]:
        return "no longer in the audience"
    for event in events(flow.exit_if):
        if row[event]:
            return event
    for condition in flow.exit_if:
        if row["customer_id"] in matches.get(condition, ()):
            return f"exit_if: {condition}"
    return None


def _next(
    flow: Flow,
    row: Row,
    matches: Mapping[str, frozenset[str]],
    now: datetime,
    adopted_at: datetime | None,
    found: Moves,
    asked: set[tuple[str, str]],
) -> None:
    trigger_id, done = row["trigger_id"], set(row["settled"])
    for step in flow.steps:
        if step.name in done:
            continue
        due_at = row["occurred_at"] + step.wait
        ends_at = min(filter(None, (due_at + flow.expiry(step), row["expires_at"])))
        if now < due_at:
            return
        if adopted_at and due_at <= adopted_at:
            found.settled.append(Settled(trigger_id, step.name, "lost", LOST))
        elif now >= ends_at:
            found.settled.append(Settled(trigger_id, step.name, "late", f"was due until {ends_at:%Y-%m-%d %H:%M} UTC"))
        elif step.only_if and row["customer_id"] not in matches.get(step.only_if, ()):
            found.settled.append(Settled(trigger_id, step.name, "skipped", f"only_if: {step.only_if}"))
        elif row["is_done_for_today"] or (flow.hold_while_ticket_open and row["has_open_ticket"]):
            found.held += 1
            return
        elif (row["customer_id"], step.name) in asked:
            # Another trigger of the same person has this step today.
            found.held += 1
            return
        else:
            asked.add((row["customer_id"], step.name))
            found.asked.append(Asked(trigger_id, row["customer_id"], step, due_at, ends_at, row["context"] or {}))
            return
    found.ended.append(Ended(trigger_id, "finished", None))


def after_planning(asked: Sequence[Asked], decided: Mapping[str, Row], occurrence_key: str) -> Moves:
    """What the planner's decisions about one step mean for the runs."""
    found = Moves()
    for person in asked:
        decision = decided.get(person.customer_id)
        if decision is None or decision["outcome"] in PASSING:
            continue
        outcome, reason = decision["outcome"], decision["reason"]
        found.settled.append(Settled(person.trigger_id, person.step.name, outcome, reason, occurrence_key))
        if outcome in FINAL:
            found.ended.append(Ended(person.trigger_id, "left", outcome))
    return found
