"""The tick of a flow: who comes in, who leaves, and whose step is due, in one transaction that can run at any time."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from rapport.campaigns.approving.approval import require_approved_version
from rapport.campaigns.audience.conditions import compile_condition
from rapport.campaigns.audience.gate import check_gate, check_triggers_gate
from rapport.campaigns.folder.problems import CampaignError, Problem
from rapport.campaigns.lifecycle import triggers
from rapport.campaigns.lifecycle.flow import Flow, Step, by_step, expressions
from rapport.campaigns.lifecycle.flow_runs import Asked, Moves, after_planning, moves
from rapport.campaigns.mail import content
from rapport.campaigns.planning.plan import Given, plan_given
from rapport.campaigns.planning.record import record
from rapport.clock import Clock
from rapport.db import Connection, connect, load_queries, require_known_secret
from rapport.errors import GateFailed, TransientError
from rapport.settings import Settings

SQL = load_queries("rapport.campaigns.lifecycle", "flows.sql", "flow_inside.sql", "flow_standing.sql")
# Days of one person at one step are told apart by their occurrence's key.
AT = "@"


@dataclass(frozen=True)
class Standing:
    """Where people are: `waiting` by the step they have before them, `settled` by step and outcome, `ended` by state
    and reason."""

    waiting: Mapping[str, int] = field(default_factory=dict)
    settled: Mapping[tuple[str, str], int] = field(default_factory=dict)
    ended: Mapping[tuple[str, str], int] = field(default_factory=dict)


def run_flow(flow: Flow, settings: Settings, clock: Clock, *, dry_run: bool = False) -> dict[str, int]:
    """Moves everybody as far as they are due; counts of what this tick did. Doing it again changes nothing.

    A dry run counts the same way and writes nothing. Raises GateFailed when the audience may not be read or
    nobody has approved this version, TransientError when Postgres goes away; in each case nobody was moved.
    """
    templates = by_step(flow, content.compile_versions(flow))
    try:
        with connect("engine", settings=settings) as conn, conn.transaction(force_rollback=dry_run):
            if not dry_run:
                every = [template for made in templates.values() for template in made]
                require_approved_version(conn, flow, every, settings)
            return _Tick(conn, flow, templates, settings, clock.now()).run()
    except psycopg.errors.UndefinedTable:
        raise GateFailed(
            f"{flow.name}: activation.campaign_triggers was never built; run `rapport run` first"
        ) from None
    except psycopg.OperationalError as error:
        first = str(error).strip().splitlines()[:1]
        raise TransientError(f"{flow.name}: Postgres went away and nobody was moved: {first}") from error


def standing(flow: Flow, settings: Settings) -> Standing:
    """Where people of a flow are now, by the steps of the flow as it is written."""
    values = {"campaign_id": flow.name}
    with connect("engine", settings=settings) as conn:
        waiting = Counter(
            next((step.name for step in flow.steps if step.name not in row["settled"]), "the end")
            for row in conn.execute(SQL["standing_inside"], values)
        )
        settled = {
            (row["step"], row["outcome"]): row["people"] for row in conn.execute(SQL["standing_by_step"], values)
        }
        ended = {(row["state"], row["reason"]): row["people"] for row in conn.execute(SQL["standing_ended"], values)}
    return Standing(waiting, settled, ended)


@dataclass
class _Tick:
    conn: Connection
    flow: Flow
    templates: Mapping[str, Sequence[content.Template]]
    settings: Settings
    now: datetime

    def __post_init__(self) -> None:
        first = self.flow.steps[0]
        self.local_date = self.now.astimezone(ZoneInfo(self.settings.shop_time_zone)).date()
        self.values: dict[str, Any] = {
            "campaign_id": self.flow.name,
            "trigger": self.flow.trigger,
            "now": self.now,
            "local_date": self.local_date.isoformat(),
            "reenter_after": self.flow.reenter_after,
            "first_step_ends": first.wait + self.flow.expiry(first),
        }
        self.adopted_at: datetime | None = None
        self.counts: Counter[str] = Counter()

    def run(self) -> dict[str, int]:
        self._execute("lock_flow")
        check_gate(self.conn, self.now)
        check_triggers_gate(self.conn, self.now)
        require_known_secret(self.conn, self.settings)
        every = [template for made in self.templates.values() for template in made]
        record(self.conn, self.flow, every, self.now)
        self.adopted_at = self._execute("adopted_at").fetchone()["adopted_at"]
        self._execute("follow_merges")
        # Who is done makes room for what has happened to them since.
        self._move_all()
        self._enter()
        self._move_all()
        return dict(self.counts)

    def _enter(self) -> None:
        rows = []
        newcomers = self._execute("newcomers").fetchall()
        wanted = self.flow.enter_if
        matches = self._matches([wanted], newcomers) if wanted else {}
        for found in newcomers:
            reason = None
            if found["is_back_too_soon"]:
                reason = f"was in this flow within {self.flow.reenter_after.days} days"
            elif found["is_another"]:
                reason = "a newer trigger of the same person came in"
            elif wanted and found["customer_id"] not in matches[wanted]:
                reason = f"enter_if: {wanted}"
            self.counts["refused" if reason else "entered"] += 1
            rows.append(
                {
                    "trigger_id": found["trigger_id"],
                    "customer_id": found["customer_id"],
                    "occurred_at": found["occurred_at"].isoformat(),
                    "reason": reason,
                }
            )
        self._rows("insert_runs", rows)

    def _move_all(self) -> None:
        """A step that is settled without a mail may leave the next one due at once."""
        for _ in range(len(self.flow.steps) + 1):
            if not self._move():
                return

    def _move(self) -> bool:
        """One step for everybody who is due. False when there was nothing to do."""
        today = [self._occurrence(step) for step in self.flow.steps]
        had = {
            (row["customer_id"], row["occurrence_key"].partition(AT)[0])
            for row in self._execute("asked_today", occurrences=today)
        }
        rows = self._execute("inside").fetchall()
        asked = [*expressions(self.flow.exit_if), *(step.only_if for step in self.flow.steps if step.only_if)]
        found = moves(self.flow, rows, self._matches(asked, rows), self.now, self.adopted_at)
        self._settle(found)
        for step in self.flow.steps:
            due = [
                person for person in found.asked if person.step is step and (person.customer_id, step.name) not in had
            ]
            if due:
                self._plan(step, due)
        return bool(found.settled or found.asked)

    def _matches(self, asked: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, frozenset[str]]:
        """By condition, for whom of these people it holds in the newest build."""
        people = sorted({row["customer_id"] for row in rows})
        found = {}
        for text in dict.fromkeys(asked):
            condition = compile_condition(text)
            query = sql.SQL(SQL["who_matches"]).format(condition=condition.where)
            values = {**condition.values(self.now), "people": people}
            try:
                found[text] = frozenset(row["customer_id"] for row in self.conn.execute(query, values))
            except psycopg.errors.UndefinedColumn:
                told = f"{text!r} looks at what the audience does not have yet; run `rapport run`"
                raise CampaignError([Problem(f"{self.flow.name}/campaign.yml", None, "", told)]) from None
        return found

    def _plan(self, step: Step, due: Sequence[Asked]) -> None:
        key = self._occurrence(step)
        stored = {"survey": self.flow.survey} if self.flow.survey else {}
        campaign, templates = self.flow.planned_as(step), self.templates[step.name]
        # What no mail of the step prints is not kept with it.
        read = content.trigger_read(templates)
        people = [
            Given(each.customer_id, {triggers.FIELD: _part(each.context, read), **stored}, each.due_at, each.expires_at)
            for each in due
        ]
        decided = plan_given(self.conn, campaign, key, templates, people, self.settings, self.now)
        self._settle(after_planning(due, decided, key))
        self.counts.update(row["outcome"] for row in decided.values())

    def _occurrence(self, step: Step) -> str:
        return f"{step.name}{AT}{self.local_date.isoformat()}"

    def _settle(self, found: Moves) -> None:
        self._rows("insert_steps", [asdict(each) for each in found.settled])
        self._rows("end_runs", [asdict(each) for each in found.ended])
        self.counts.update(each.outcome for each in found.settled if each.occurrence_key is None)
        self.counts.update(each.state for each in found.ended)

    def _rows(self, query: str, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._execute(query, rows=Jsonb(rows))

    def _execute(self, query: str, **more: Any) -> Any:
        return self.conn.execute(SQL[query], {**self.values, **more})


def _part(context: Mapping[str, Any], read: frozenset[str] | None) -> Mapping[str, Any]:
    return context if read is None else {name: value for name, value in context.items() if name in read}
