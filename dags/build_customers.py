"""### Makes customers, marts, segments and the audience from the raw tables.

#### What
1. `prepare`: dbt's staging and intermediate layers: profiles, identifiers, edges.
2. `identify`: clusters with stable customer ids.
3. `publish`: marts, segments with their history, `activation.campaign_audience`; consent facts move to where
   sending checks them.
4. `check_audience`: gate 2. Passed, it emits the asset `activation.campaign_audience`.

#### When
Once a round of ingests has passed its gates, or at once for imported files; so one build serves one round. And
every night in any case, so that a vendor that is down for long keeps nobody else's news out.

#### Who cares
Everyone: campaigns read the audience, the analyst reads the marts. While it fails, the last good state stays
and campaigns that are due refuse to plan on an audience that is too old.

#### What to do if it fails
- `prepare` or `publish`: the log names the dbt node and its message; `ops.build_node` keeps every node's
  result. A failed test is a statement about the data: read its SQL under `dbt_project/`, correct source or
  model, clear the task.
- `identify`: the log says which rule broke; nothing was written. Clear it after the cause is gone.
- `check_audience`: the log names the expectation (an address twice, no consent, ...). Nothing is planned
  until it passes.
"""

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task
from rapport_airflow.assets import CAMPAIGN_AUDIENCE, RAW
from rapport_airflow.connections import runtime
from rapport_airflow.house import HOUSE
from rapport_airflow.tags import Tag

from rapport import pipeline
from rapport.settings import get_settings

NIGHTLY = CronTriggerTimetable("30 3 * * *", timezone=get_settings().shop_time_zone)
ONE_ROUND = (RAW["shopify"] & RAW["zendesk"] & RAW["bluesky"]) | RAW["files"]


@dag(
    **HOUSE,
    schedule=AssetOrTimeSchedule(timetable=NIGHTLY, assets=ONE_ROUND),
    tags=[Tag.TRANSFORM, Tag.URGENT],
    doc_md=__doc__,
)
def build_customers() -> None:
    @task
    def prepare() -> None:
        pipeline.prepare(*runtime())

    @task
    def identify() -> None:
        print(pipeline.identify(*runtime()))

    @task
    def publish() -> None:
        pipeline.publish(*runtime())

    @task(outlets=[CAMPAIGN_AUDIENCE])
    def check_audience() -> None:
        pipeline.check_audience(*runtime())

    prepare() >> identify() >> publish() >> check_audience()


build_customers()
