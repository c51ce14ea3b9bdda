"""Questions put to people and what they answer, in Airflow or at a command line: both come through here."""

import subprocess
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from rapport.campaigns.approving.approval import ANY_OCCURRENCE, SQL, Question, question, version_question
from rapport.campaigns.approving.audit import audit
from rapport.campaigns.folder.model import Campaign
from rapport.campaigns.lifecycle.flow import Flow
from rapport.campaigns.lifecycle.flows import run_flow
from rapport.campaigns.mail import content
from rapport.campaigns.planning import calendar
from rapport.campaigns.planning.plan import PlanReport, plan
from rapport.campaigns.policy import Policy, load_policy
from rapport.clock import Clock, FixedClock
from rapport.db import Connection, connect
from rapport.errors import PermanentError
from rapport.keys import uuid7
from rapport.settings import Settings

Request = Mapping[str, Any]
Verdict = Literal["approved", "refused"]


def look(
    campaign: Campaign | Flow, settings: Settings, clock: Clock, *, anew: bool = False
) -> tuple[PlanReport, Question | None]:
    """What would be planned, by a dry run, and what people must allow first; None when nothing.

    `anew`: a refusal stands in nobody's way; for a person who decides again. Raises as plan.plan, and ApprovalRefused.
    """
    now = clock.now()
    if isinstance(campaign, Flow):
        return _look_at_flow(campaign, settings, FixedClock(now), anew)
    report = plan(campaign, settings, FixedClock(now), dry_run=True)
    occurrence = calendar.occurrence_at(campaign, now) or calendar.next_occurrence(campaign, now)
    if occurrence is None or not report.changed:
        return report, None
    with connect("engine", settings=settings) as conn:
        templates = content.compile_campaign(campaign)
        asked = question(
            conn, campaign, occurrence, templates, report.waterfall, load_policy(settings), after_refusal=anew
        )
    return report, asked


def _look_at_flow(flow: Flow, settings: Settings, clock: Clock, anew: bool) -> tuple[PlanReport, Question | None]:
    """A flow is approved as a version: how many people a day brings is nobody's to say beforehand."""
    moved = run_flow(flow, settings, clock, dry_run=True)
    with connect("engine", settings=settings) as conn:
        templates = content.compile_campaign(flow)
        asked = version_question(conn, flow, templates, load_policy(settings), after_refusal=anew)
    return PlanReport(flow.name, ANY_OCCURRENCE, {"planned": 0, **moved}, changed=True), asked


def ask(
    campaign: Campaign | Flow, asked: Question, settings: Settings, clock: Clock, *, requested_by: str | None = None
) -> Request:
    """Puts a question on record, or finds the one that is open already; returns its row of ops.approval."""
    now = clock.now()
    with connect("engine", settings=settings) as conn:
        values = {
            "campaign_id": asked.campaign_id,
            "version": asked.version,
            "occurrence_key": asked.occurrence_key,
            "covers": asked.covers,
            "people_needed": asked.people_needed,
            "now": now,
        }
        conn.execute(SQL["lock_requests"], values)
        found = conn.execute(SQL["open_request"], values).fetchone()
        if found and found["audience"] >= asked.audience:
            return found
        request_id = uuid7()
        conn.execute(
            SQL["insert_request"],
            {
                **values,
                "request_id": request_id,
                "reasons": [reason.told for reason in asked.reasons],
                "audience": asked.audience,
                "requested_by": requested_by,
                "edited_by": editor(campaign.folder),
                "expires_at": _expiry(campaign, now, load_policy(settings)),
            },
        )
        audit(
            conn,
            requested_by or "calendar",
            "approval asked",
            f"campaign {asked.campaign_id}",
            at=now,
            occurrence=asked.occurrence_key,
            version=asked.version,
            audience=asked.audience,
            reasons=[reason.code for reason in asked.reasons],
        )
        return read(conn, request_id)


def answer(
    settings: Settings, request_id: object, actor: str, verdict: Verdict, now: datetime, *, comment: str = ""
) -> Request:
    """Keeps a person's answer; returns the request as it then stands (state `open`: another person is needed).

    Raises PermanentError when the question is closed, or when this person's yes does not count.
    """
    actor = actor.strip()
    with connect("engine", settings=settings) as conn:
        conn.execute(SQL["lock_requests"], {"campaign_id": read(conn, request_id)["campaign_id"]})
        request = read(conn, request_id)
        _check(request, actor, verdict, now)
        values = {"request_id": request_id, "actor": actor, "answer": verdict, "comment": comment[:1000], "now": now}
        if conn.execute(SQL["insert_answer"], values).fetchone() is None:
            raise PermanentError(f"{actor} has answered this already; another person is needed")
        name, key = request["campaign_id"], request["occurrence_key"]
        audit(conn, actor, verdict, f"campaign {name}", at=now, occurrence=key, version=request["version"])
        return read(conn, request_id)


def read(conn: Connection, request_id: object) -> Request:
    """One request with what became of it. Raises PermanentError for an unknown one."""
    row = conn.execute(SQL["request"], {"request_id": request_id}).fetchone()
    if row is None:
        raise PermanentError(f"there is no question {request_id}; `rapport campaign approvals` lists them")
    return row


def listed(settings: Settings, campaign_id: str | None = None, limit: int = 50) -> list[Request]:
    """The newest questions first."""
    with connect("engine", settings=settings) as conn:
        return list(conn.execute(SQL["requests"], {"campaign_id": campaign_id, "limit": limit}).fetchall())


def state_at(request: Request, now: datetime) -> str:
    """approved, refused, open or expired."""
    return "expired" if request["state"] == "open" and request["expires_at"] <= now else str(request["state"])


def editor(folder: Path) -> str | None:
    """The e-mail address under which the folder was last committed; None where git does not know."""
    command = ["git", "-C", str(folder), "log", "-1", "--format=%ae", "--", "."]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip().lower() or None


def _expiry(campaign: Campaign | Flow, now: datetime, policy: Policy) -> datetime:
    """What is approved after the occurrence has expired would send nothing."""
    if isinstance(campaign, Flow):
        return now + policy.approval.expires_after
    occurrence = calendar.occurrence_at(campaign, now) or calendar.next_occurrence(campaign, now)
    late = now + policy.approval.expires_after
    return min(late, occurrence.expires_at) if occurrence else late


def _check(request: Request, actor: str, verdict: Verdict, now: datetime) -> None:
    if not actor:
        raise PermanentError("an answer needs somebody who gives it; say who with --as")
    state = state_at(request, now)
    if state == "expired":
        raise PermanentError(f"the question was open until {request['expires_at']:%Y-%m-%d %H:%M} UTC; ask anew")
    if state != "open":
        raise PermanentError(f"the question is {state} already, by {_by(request)}")
    if verdict == "approved" and request["people_needed"] > 1:
        for role in ("requested_by", "edited_by"):
            if same_person(actor, request[role]):
                told = role.removesuffix("_by")
                raise PermanentError(f"two people must agree to this many messages, and {actor} {told} it; ask others")


def same_person(actor: str, other: str | None) -> bool:
    """Airflow knows a name where git knows an address, so an address counts by the part before its @ as well."""
    if other is None:
        return False
    return actor.lower() in (other.lower(), other.lower().partition("@")[0])


def _by(request: Request) -> str:
    return str(request["refused_by"] or ", ".join(request["approved_by"]))
