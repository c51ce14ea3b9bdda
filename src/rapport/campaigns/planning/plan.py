"""An occurrence of a campaign becomes sends, in one transaction, with a reason kept for every person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from rapport.campaigns.approving.approval import require_approval
from rapport.campaigns.audience.conditions import compile_condition
from rapport.campaigns.audience.gate import check_gate
from rapport.campaigns.folder.definition import FILE
from rapport.campaigns.folder.model import Campaign
from rapport.campaigns.folder.problems import CampaignError, Problem
from rapport.campaigns.mail import content
from rapport.campaigns.outcome import variants
from rapport.campaigns.planning import arbitrate, calendar, needs
from rapport.campaigns.planning.decide import OUTCOMES
from rapport.campaigns.planning.record import record
from rapport.campaigns.planning.stage import Stage, people_query
from rapport.campaigns.policy import load_policy
from rapport.clock import Clock
from rapport.db import Connection, connect, load_queries, require_known_secret
from rapport.errors import DataError, PermanentError, TransientError
from rapport.settings import Settings

# The first wave of a large occurrence: this share of it, but never fewer than what says something about the rest.
CANARY_SHARE = 0.01
CANARIES_LEAST = 500
# Between so many people a holdout is drawn by its exact share; in a longer list the law of large numbers sees to it.
EXACT_HOLDOUT = (10, 1000)
# Sorting an audience must not go to disk; nothing is held once the transaction is over.
_WORK_MEM = "set local work_mem = '128MB'"


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


@dataclass(frozen=True)
class Given:
    """A person that a flow wants to write to. `context` stands beside their own fields when the mail is rendered;
    the mail leaves between `earliest` and `expires_at`, in the hours of the campaign."""

    customer_id: str
    context: Mapping[str, Any]
    earliest: datetime
    expires_at: datetime


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
                require_approval(conn, campaign, occurrence, templates, report.waterfall, settings, now)
            return report
    except psycopg.OperationalError as error:
        first = str(error).strip().splitlines()[:1]
        raise TransientError(f"{campaign.name}: Postgres went away and nothing was planned: {first}") from error


def plan_given(
    conn: Connection,
    campaign: Campaign,
    occurrence_key: str,
    templates: Sequence[content.Template],
    people: Sequence[Given],
    settings: Settings,
    now: datetime,
) -> dict[str, Mapping[str, Any]]:
    """Plans people who are named, in the transaction of the caller, who has put campaign and templates on record.

    Returns outcome and reason by customer. Everything holds that holds for a segment: consent, suppression, caps,
    holdout, hours. Whoever is not in the audience is `no_address`. The occurrence may hold others already: whoever was
    decided in it before keeps that decision. Raises GateFailed when the audience may not be read.
    """
    last = max((person.expires_at for person in people), default=now + campaign.expires_after)
    occurrence = calendar.Occurrence(occurrence_key, now.date(), f"{now:%H:%M}", now, last)
    return _Plan(conn, campaign, occurrence, list(templates), settings, now, people).run_given()


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
    given: Sequence[Given] | None = None

    def __post_init__(self) -> None:
        campaign = self.campaign
        self.policy = load_policy(self.settings)
        self.queries = load_queries(
            __package__, "occurrence.sql", "audience.sql", "judge.sql", "settle.sql", "planned.sql"
        )
        self.values: dict[str, Any] = {
            "campaign_id": campaign.name,
            "occurrence_key": self.occurrence.key,
            "topic": campaign.topic,
            "policy": campaign.policy,
            "canary_wait_seconds": int(campaign.canary_wait.total_seconds()),
            "earliest": max(self.occurrence.at, self.now),
            "segment": campaign.segment,
            "now": self.now,
            "slot_at": self.occurrence.at,
            "repeat_days": campaign.repeat_after_days or 0,
            "exclude_segments": campaign.exclude_segments,
            "holdout_percent": campaign.holdout_percent,
            "template_versions": [template.template_version for template in self.templates],
        }

    def run(self) -> PlanReport:
        """The whole occurrence, unless it was planned before."""
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
        self._open()
        record(self.conn, self.campaign, self.templates, self.now)
        waterfall = self._plan()
        return PlanReport(self.campaign.name, self.occurrence.key, waterfall, changed=True)

    def run_given(self) -> dict[str, Mapping[str, Any]]:
        """The people given, added to those whom the occurrence holds."""
        self._execute("lock_occurrence")
        self._open()
        customers = [person.customer_id for person in self.given or ()]
        known = {row["customer_id"] for row in self._execute("decided", customers=customers)}
        self.given = [person for person in self.given or () if person.customer_id not in known]
        self._plan()
        return {row["customer_id"]: row for row in self._execute("decided", customers=customers)}

    def _open(self) -> None:
        check_gate(self.conn, self.now)
        require_known_secret(self.conn, self.settings)

    def _plan(self) -> dict[str, int]:
        decide_at = variants.decision_at(self.campaign, self.occurrence.at)
        lot = variants.lot(self.campaign, self.templates)
        self._execute("insert_occurrence", lot=Jsonb(lot), decide_at=decide_at)
        self.conn.execute(_WORK_MEM)
        self._stage()
        self._judge()
        judged = self._counts("counted")
        self._write(judged.get("planned", 0))
        counts = judged if self.given is None else self._counts("decisions")
        waterfall = {"segment": sum(counts.values()), **{outcome: counts.get(outcome, 0) for outcome in OUTCOMES}}
        self._execute("set_waterfall", waterfall=Jsonb(waterfall))
        self._verify(waterfall)
        return waterfall

    def _counts(self, query: str) -> dict[str, int]:
        return {row["outcome"]: row["people"] for row in self._execute(query)}

    def _stage(self) -> None:
        self._columns = needs.columns_of(self.conn)
        self.conn.execute(self.queries["create_tables"])
        condition = compile_condition(self.campaign.filter) if self.campaign.filter else None
        if condition and (unknown := condition.columns - self._columns.keys()):
            raise self._filter_fault(f"the audience has no {', '.join(sorted(unknown))} yet; run `rapport run`")
        source = "audience" if self.given is None else "given"
        query = people_query(source, self._columns, condition.where if condition else None)
        people = [
            {**vars(one), "earliest": one.earliest.isoformat(), "expires_at": one.expires_at.isoformat()}
            for one in self.given or ()
        ]
        values = {**self.values, "people": Jsonb(people), **(condition.values(self.now) if condition else {})}
        stage = Stage(self.conn, self.campaign, self.occurrence, self.templates, self.settings, self.now, self.policy)
        self._execute("limit_reading")
        try:
            stage.fill(query, values)
        except psycopg.errors.QueryCanceled:
            told = "reading the audience took longer than two minutes; make the filter simpler"
            raise self._filter_fault(told) from None
        self._execute("lift_limit")

    def _filter_fault(self, told: str) -> CampaignError:
        return CampaignError([Problem(f"{self.campaign.name}/{FILE}", None, "filter", told)])

    def _judge(self) -> None:
        self.conn.execute(needs.judge_query(self.templates, self._columns), self.values)
        self.conn.execute(self.queries["analyze_judged"])
        needs.refuse_who_lack(self.conn, self.templates, self.settings)
        self._execute("give_up_duplicates")
        self._execute("one_a_person", outcomes=list(OUTCOMES))
        # Caps count what other campaigns plan, so from here on those wait for their turn.
        self._execute("lock_pressure")
        caps = arbitrate.caps_of(self.campaign, self.policy)
        arbitrate.record_caps(self.conn, self.policy)
        arbitrate.arbitrate(self.conn, self.campaign, caps, self.values)
        self._execute("hold_out_of_all")
        if self.campaign.holdout_percent:
            # People of a flow come a few at a time: each must be held out, or not, in every step of it.
            least, most = EXACT_HOLDOUT if self.given is None else (1, 0)
            self._execute("hold_out", exact_from=least, exact_to=most)
        if self.campaign.limit is not None:
            self._execute("keep_within_limit", limit=self.campaign.limit)

    def _write(self, planned: int) -> None:
        wave = 0
        if self.campaign.canary_wait and planned >= 2 * CANARIES_LEAST:
            wave = max(CANARIES_LEAST, ceil(planned * CANARY_SHARE))
        self._execute("plan_recipients")
        drawn = self._execute("last_of_first_wave", wave=wave).fetchone() or {}
        self._execute("plan_sends", wave=wave, last_lot=drawn["lot"])
        self._execute("plan_decisions")
        arbitrate.apply_moves(self.conn, self.values)

    def _verify(self, waterfall: dict[str, int]) -> None:
        row = self._execute("count_occurrence").fetchone() or {}
        if (row["sends"], row["decisions"]) != (waterfall["planned"], waterfall["segment"]):
            raise DataError(
                f"{self.campaign.name} {self.occurrence.key}: the plan does not add up "
                f"({dict(row)} in the tables, {waterfall} counted); nothing was planned"
            )

    def _execute(self, query: str, **more: Any) -> psycopg.Cursor[dict[str, Any]]:
        return self.conn.execute(sql.SQL(self.queries[query]), {**self.values, **more})
