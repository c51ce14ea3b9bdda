"""### Makes customers, marts, segments and the audience from the raw tables.

#### What
1. `prepare`: dbt's staging and intermediate layers: profiles, identifiers, edges.
2. `identify`: clusters with stable customer ids.
3. `build`: marts, segments and `activation.campaign_audience`, beside those that are read; consent facts move
   to where sending checks them.
4. `publish`: gate 2; passed, what was built takes the place of what is read, in one moment, and the asset
   `activation.campaign_audience` is emitted. The build before it is kept: `rapport rollback`.

#### When
Once a round of ingests has passed its gates, or at once for imported files; so one build serves one round. And
every night in any case, so that a vendor that is down for long keeps nobody else's news out.

#### Who cares
Everyone: campaigns read the audience, the analyst reads the marts. While it fails, the last good state stays
and campaigns that are due refuse to plan on an audience that is too old.

#### What to do if it fails
- `prepare` or `build`: the log names the dbt node and its message; `ops.build_node` keeps every node's
  result. A failed test is a statement about the data: read its SQL under `dbt_project/`, correct source or
  model, clear the task.
- `identify`: the log says which rule broke; nothing was written. Clear it after the cause is gone.
- `publish`: the log names the expectation (an address twice, no consent, ...); nothing is published and
  nothing is planned until it passes. If only `activation.campaign_triggers` failed, an error in the log
  says so: all is published, and flows stand still until a build passes. When readers hold the old tables
  for too long it is tried again.
"""

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task
from rapport_airflow.assets import CAMPAIGN_AUDIENCE, RAW
from rapport_airflow.connections import runtime
from rapport_airflow.house import HOUSE
from rapport_airflow.tags import Tag

from rapport import pipeline
from rapport.settings import get_settings

NIGHTLY = CronTriggerTimetable("30 3 * * *", timezone=get_settings().shop_time_zone)
ONE_ROUND = (RAW["shopify"] & RAW["zendesk"] & RAW["bluesky"] & RAW["web"]) | RAW["files"]


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
    def build() -> None:
        pipeline.build(*runtime())

    @task(outlets=[CAMPAIGN_AUDIENCE])
    def publish() -> None:
        print(pipeline.publish(*runtime()))

    prepare() >> identify() >> build() >> publish()


build_customers()
