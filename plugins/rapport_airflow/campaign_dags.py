"""One DAG for each campaign folder; a folder that cannot be read gets a DAG that says why, and harms no other."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pendulum
from airflow.sdk import DAG, CronTriggerTimetable, EventsTimetable, get_parsing_context, task

from rapport import pipeline
from rapport.campaigns.folder.definition import FILE, Campaign, Confirmation, Flow, load_campaign
from rapport.campaigns.planning.timing import to_utc
from rapport.settings import Settings, get_settings
from rapport_airflow.approval import CampaignApproval
from rapport_airflow.assets import CAMPAIGN_AUDIENCE
from rapport_airflow.connections import runtime
from rapport_airflow.house import HOUSE
from rapport_airflow.tags import Tag

PREFIX = "campaign_"

NOTES = """### {title}

#### What
Plans the campaign `{name}` for the segment `{segment}`: who gets it, when, and for everybody else why not.
Sends nothing itself: the DAG `deliver` does, each message at its recipient's own time. First `approve` looks
whether people must say yes: to a new version, to each broadcast, and to what is unusual. It waits for them without
holding a slot; without a yes nothing is planned.

#### When
{when}

#### Who cares
{owner}.

#### What to do if it fails
- `approve` waits: read its question (Required actions) and answer, or `rapport campaign approve {name}`.
- `approve` failed because nobody answered in time: clear it to ask once more, while the occurrence lasts.
- The audience is stale or has not passed its gate: see `build_customers`; then clear what failed. Planning twice
  plans nothing twice.
- A problem in the campaign's folder is named with file and line: correct it, or ask {owner}.
- It succeeded and somebody did not get it: `ops.decision` holds the reason for every person and occurrence.
"""

CONFIRMATION_NOTES = """### {title}

#### What
Plans a mail for each request for mail that the gateway took and that has none yet (`ops.opt_in`): whoever asked
confirms by the link in it. Sends nothing itself: the DAG `deliver` does, in the same minute or the next.

#### When
Every minute.

#### Who cares
{owner}, and whoever has just filled in the shop's form and waits for the mail.

#### What to do if it fails
- Requests wait for seven days and lose nothing; there are no retries, the next minute is the retry.
- A problem in the campaign's folder is named with file and line: correct it, or ask {owner}.
- It succeeded and a mail did not come: `ops.decision` and `ops.send` hold the reason, under the key of the request.
"""

FLOW_NOTES = """### {title}

#### What
Moves everybody in the flow `{name}` as far as they are due: who comes in because of `{trigger}`, who leaves, and whose
step is planned. Sends nothing itself: the DAG `deliver` does, each message at its recipient's own time. First `approve`
looks whether a person must say yes to a new version of it; without a yes nobody is moved.

#### When
Every quarter of an hour. What it knows of people is the newest build.

#### Who cares
{owner}.

#### What to do if it fails
- The audience is stale or has not passed its gate: see `build_customers`. Steps wait; those that come too late are left
  out by themselves. Running it twice moves nobody twice.
- A problem in the campaign's folder is named with file and line: correct it, or ask {owner}.
- It succeeded and somebody did not get a step: `rapport campaign flow {name}` and `ops.flow_step` hold the reasons.
"""

BROKEN_NOTES = """### The campaign `{name}` cannot be read

#### What
This DAG plans nothing. Its task `check` fails with the list below until the folder `campaigns/{name}` is
correct; then the DAG becomes the campaign's own.

{problems}

#### When
Only by hand; `maintain` reports it daily.

#### Who cares
Whoever edited the folder last.

#### What to do if it fails
- Correct what is named above; `rapport campaign check {name}` says at once whether it is right.
"""


def campaign_dags() -> Iterator[DAG]:
    """The DAGs of all folders; when Airflow is about to run one of them, only that one."""
    settings = get_settings()
    wanted = get_parsing_context().dag_id
    for folder in campaign_folders(settings.campaigns_dir):
        if wanted is None or wanted == dag_id_of(folder):
            yield campaign_dag(folder, settings)


def campaign_folders(directory: Path) -> list[Path]:
    """Folders with a definition, by name; `archive` and names that begin with `_` or `.` are put aside."""
    folders = sorted(file.parent for file in directory.glob(f"*/{FILE}"))
    return [f for f in folders if f.name != "archive" and not f.name.startswith(("_", "."))]


def dag_id_of(folder: Path) -> str:
    """A folder's name may hold what Airflow refuses in an id; the definition will say that it is no fitting name."""
    return PREFIX + re.sub(r"[^A-Za-z0-9_.-]", "_", folder.name)[:200]


def campaign_dag(folder: Path, settings: Settings) -> DAG:
    """The campaign's own DAG, or the one that says what is wrong with its folder."""
    try:
        campaign = load_campaign(folder, settings)
        if isinstance(campaign, Flow):
            return _flow_dag(campaign)
        return _confirmation_dag(campaign) if isinstance(campaign, Confirmation) else _planning_dag(campaign)
    except Exception as error:  # whatever is wrong with one folder must not reach the others
        return _broken_dag(folder, error)


def _planning_dag(campaign: Campaign) -> DAG:
    name = campaign.name
    with DAG(
        PREFIX + name,
        **HOUSE,
        schedule=_timetable(campaign),
        tags=[Tag.CAMPAIGN],
        doc_md=NOTES.format(
            title=campaign.title, name=name, segment=campaign.segment, owner=campaign.owner, when=_when(campaign)
        ),
    ) as dag:

        @task(inlets=[CAMPAIGN_AUDIENCE])
        def plan() -> None:
            _plan(name)

        CampaignApproval(task_id="approve", campaign=name, inlets=[CAMPAIGN_AUDIENCE]) >> plan()
    return dag


def _confirmation_dag(confirmation: Confirmation) -> DAG:
    name = confirmation.name
    with DAG(
        PREFIX + name,
        **HOUSE,
        schedule="* * * * *",
        tags=[Tag.CAMPAIGN],
        doc_md=CONFIRMATION_NOTES.format(title=confirmation.title, owner=confirmation.owner),
    ) as dag:

        @task(retries=0)
        def plan() -> None:
            _plan(name)

        plan()
    return dag


def _flow_dag(flow: Flow) -> DAG:
    name = flow.name
    with DAG(
        PREFIX + name,
        **HOUSE,
        schedule="*/15 * * * *",
        tags=[Tag.CAMPAIGN],
        doc_md=FLOW_NOTES.format(title=flow.title, name=name, trigger=flow.trigger, owner=flow.owner),
    ) as dag:

        @task(inlets=[CAMPAIGN_AUDIENCE], retries=0)
        def plan() -> None:
            _plan(name)

        CampaignApproval(task_id="approve", campaign=name, inlets=[CAMPAIGN_AUDIENCE]) >> plan()
    return dag


def _plan(name: str) -> None:
    for outcome, count in pipeline.plan(name, *runtime()).items():
        print(f"{outcome}: {count}")


def _broken_dag(folder: Path, error: Exception) -> DAG:
    problems = "\n".join(f"    {line}" for line in str(error).splitlines()) or f"    {type(error).__name__}"
    with DAG(
        dag_id_of(folder),
        **HOUSE,
        schedule=None,
        tags=[Tag.CAMPAIGN, Tag.BROKEN],
        dag_display_name=f"{dag_id_of(folder)} (cannot be read)",
        doc_md=BROKEN_NOTES.format(name=folder.name, problems=problems),
    ) as dag:

        @task(retries=0)
        def check() -> None:
            load_campaign(folder, get_settings())

        check()
    return dag


def _timetable(campaign: Campaign) -> Any:
    zone = _zone(campaign)
    if campaign.schedule.at is not None:
        return EventsTimetable([pendulum.instance(to_utc(campaign.schedule.at, zone))])
    return CronTriggerTimetable(str(campaign.schedule.cron), timezone=zone.key)


def _when(campaign: Campaign) -> str:
    at = campaign.schedule.at
    moment = f"Once, at {at.isoformat(sep=' ', timespec='minutes')}" if at else f"`{campaign.schedule.cron}`"
    return f"{moment}, {_zone(campaign).key}."


def _zone(campaign: Campaign) -> ZoneInfo:
    return ZoneInfo(campaign.schedule.time_zone or get_settings().shop_time_zone)
