"""An occurrence of a campaign becomes sends, in one transaction, with a reason kept for every person."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from rapport.campaigns import calendar, content, timing
from rapport.campaigns.approval import require_approval
from rapport.campaigns.decide import OUTCOMES, Candidate, Decider, Decision
from rapport.campaigns.definition import FILE
from rapport.campaigns.gate import check_gate
from rapport.campaigns.model import Campaign
from rapport.campaigns.problems import CampaignError, Problem
from rapport.campaigns.record import record
from rapport.clock import Clock
from rapport.db import Connection, connect, load_queries, require_known_secret
from rapport.errors import DataError, PermanentError, TransientError
from rapport.keys import uuid7
from rapport.settings import Settings

BATCH = 2000
# The first wave of a large occurrence: this share of it, but never fewer than what says something about the rest.
CANARY_SHARE = 0.01
CANARIES_LEAST = 500


@dataclass(frozen=True)
class PlanReport:
    """What a plan did. `waterfall`: `segment` persons, then how many fell out where; the parts sum to `segment`.

    `occurrence_key` is None when nothing is due. `changed` is False when the occurrence had been planned before.
    """

    campaign: str
    occurrence_key: str | None
    waterfall: dict[str, int] = field(default_factory=lambda: {"segment": 0, **dict.fromkeys(OUTCOMES, 0)})
    changed: bool = False

    @property
    def planned(self) -> int:
        return self.waterfall["planned"]


def plan(campaign: Campaign, settings: Settings, clock: Clock, *, dry_run: bool = False) -> PlanReport:
    """Plans the occurrence that is due now. Doing it again, or by several planners at once, changes nothing.

    A dry run counts the same way and writes nothing; with nothing due it looks at the next occurrence.
    Raises GateFailed when the audience may not be read or people have not approved it, CampaignError for a broadcast
    whose date is past, TransientError when Postgres goes away; in each case nothing was planned.
    """
    now = clock.now()
    occurrence = calendar.occurrence_at(campaign, now)
    if occurrence is None and dry_run:
        occurrence = calendar.next_occurrence(campaign, now)
    if occurrence is None:
        upcoming = calendar.next_occurrence(campaign, now)
        if campaign.kind == "broadcast" and upcoming is None:
            return _past_broadcast(campaign, settings)
        return PlanReport(campaign.name, None)
    templates = content.compile_campaign(campaign)
    try:
        with connect("engine", settings=settings) as conn, conn.transaction(force_rollback=dry_run):
            report = _Plan(conn, campaign, occurrence, templates, settings, now).run()
            if report.changed and not dry_run:
                require_approval(conn, campaign, occurrence, templates, report.waterfall, settings)
            return report
    except psycopg.OperationalError as error:
        first = str(error).strip().splitlines()[:1]
        raise TransientError(f"{campaign.name}: Postgres went away and nothing was planned: {first}") from error


def _past_broadcast(campaign: Campaign, settings: Settings) -> PlanReport:
    """A broadcast that was planned in its time is simply done; one that never was is a mistake to report."""
    assert campaign.schedule.at is not None  # noqa: S101 - holds for every broadcast; see model.Campaign
    key = f"{campaign.schedule.at:%Y-%m-%dT%H:%M}"
    with connect("engine", settings=settings) as conn:
        row = conn.execute(
            load_queries(__package__, "occurrence.sql")["planned_occurrence"],
            {"campaign_id": campaign.name, "occurrence_key": key},
        ).fetchone()
    if row:
        return PlanReport(campaign.name, key, row["waterfall"])
    told = f"{key} is past and was never planned; set a later date, or move the folder to archive/"
    raise CampaignError([Problem(f"{campaign.name}/{FILE}", None, "schedule.at", told)])


@dataclass
class _Plan:
    conn: Connection
    campaign: Campaign
    occurrence: calendar.Occurrence
    templates: list[content.Template]
    settings: Settings
    now: datetime

    def __post_init__(self) -> None:
        campaign, cap = self.campaign, self.campaign.frequency_cap
        self.queries = load_queries(__package__, "occurrence.sql", "audience.sql", "sends.sql")
        self._families: dict[str, str] = {}
        self.values: dict[str, Any] = {
            "campaign_id": campaign.name,
            "occurrence_key": self.occurrence.key,
            "topic": campaign.topic,
            "policy": campaign.policy,
            "canary_wait_seconds": int(campaign.canary_wait.total_seconds()),
            "canaries_least": CANARIES_LEAST,
            "canary_share": CANARY_SHARE,
            "earliest": max(self.occurrence.at, self.now),
            "segment": campaign.segment,
            "now": self.now,
            "slot_at": self.occurrence.at,
            "cap_days": cap.days if cap else 0,
            "repeat_days": campaign.repeat_after_days or 0,
        }

    def run(self) -> PlanReport:
        self._execute("lock_occurrence")
        done = self._execute("planned_occurrence").fetchone()
        if done:
            return PlanReport(self.campaign.name, self.occurrence.key, done["waterfall"])
        adopted = self._execute("adopted_since").fetchone()
        if adopted and adopted["adopted"]:
            raise PermanentError(
                f"{self.campaign.name} {self.occurrence.key}: a restored database was adopted after this slot, and the "
                "ledger that was lost may have sent it. It is not planned; the next occurrence is."
            )
        check_gate(self.conn, self.now)
        require_known_secret(self.conn, self.settings)
        # Caps count what other campaigns of the topic plan, so those wait for their turn.
        self._execute("lock_topic")
        self._write_campaign()
        self._families = {row["domain"]: row["family"] for row in self._execute("mailbox_families")}
        counts: Counter[str] = Counter()
        decider = Decider(self.campaign, self.occurrence, self.templates, self.settings, self.now)
        for people in self._people(decider):
            decisions = self._decide(decider, people)
            counts.update(decision.outcome for decision in decisions)
            self._write(decisions)
        waterfall = {"segment": counts.total(), **{outcome: counts[outcome] for outcome in OUTCOMES}}
        if self.campaign.canary_wait:
            self._execute("choose_canaries")
        self._execute("set_waterfall", waterfall=Jsonb(waterfall))
        self._verify(waterfall)
        return PlanReport(self.campaign.name, self.occurrence.key, waterfall, changed=True)

    def _people(self, decider: Decider) -> Iterator[list[list[Candidate]]]:
        """Batches of persons, each with the rows of all their addresses, through a server-side cursor."""
        with self.conn.cursor(name="audience") as cursor:
            cursor.itersize = BATCH
            cursor.execute(self.queries["audience"], self.values)
            batch: list[list[Candidate]] = []
            for _, rows in groupby(map(decider.candidate, cursor), key=lambda row: row.customer_id):
                batch.append(list(rows))
                if len(batch) == BATCH:
                    yield batch
                    batch = []
            if batch:
                yield batch

    def _decide(self, decider: Decider, people: list[list[Candidate]]) -> list[Decision]:
        keys = sorted({row.key for rows in people for row in rows if row.key})
        standing = {row["recipient_key"]: row for row in self._execute("standing", keys=keys)}
        return [decider.decide(rows, standing) for rows in people]

    def _write_campaign(self) -> None:
        record(self.conn, self.campaign, self.templates, self.now)
        self._execute("insert_occurrence")

    def _write(self, decisions: list[Decision]) -> None:
        planned = [decision for decision in decisions if decision.outcome == "planned"]
        self._rows("insert_recipients", [{"recipient_key": d.key, "address": d.address} for d in planned])
        self._rows("insert_sends", [self._send(decision) for decision in planned])
        self._rows(
            "insert_decisions",
            [
                {"customer_id": d.customer_id, "recipient_key": d.key, "outcome": d.outcome, "reason": d.reason}
                for d in decisions
            ],
        )

    def _verify(self, waterfall: dict[str, int]) -> None:
        row = self._execute("count_occurrence").fetchone() or {}
        if (row["sends"], row["decisions"]) != (waterfall["planned"], waterfall["segment"]):
            raise DataError(
                f"{self.campaign.name} {self.occurrence.key}: the plan does not add up "
                f"({dict(row)} in the tables, {waterfall} counted); nothing was planned"
            )

    def _send(self, decision: Decision) -> dict[str, Any]:
        due = decision.due
        assert due is not None  # noqa: S101 - holds for every planned decision; see decide.Decision
        return {
            "send_id": str(uuid7()),
            "recipient_key": decision.key,
            "customer_id": decision.customer_id,
            "due_at": due.at.isoformat(),
            "expires_at": due.expires_at.isoformat(),
            "open_during": multirange(due.open_during) if due.open_during else None,
            "mailbox": self._families.get(decision.address.rpartition("@")[2], "rest"),
            "template_version": decision.template_version,
            "context": dict(decision.context),
        }

    def _rows(self, query: str, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._execute(query, rows=Jsonb(rows))

    def _execute(self, query: str, **more: Any) -> psycopg.Cursor[dict[str, Any]]:
        return self.conn.execute(self.queries[query], {**self.values, **more})


@lru_cache(maxsize=1024)
def multirange(intervals: tuple[timing.Interval, ...]) -> str:
    """Half-open intervals as the text of a Postgres multirange."""
    return "{" + ",".join(f"[{start.isoformat()},{end.isoformat()})" for start, end in intervals) + "}"
