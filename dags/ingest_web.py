"""### Checks what visitors' events the gateway has taken in.

#### What
Nothing is pulled: the shop's pages and apps send to the gateway, which writes `raw_web`. Gate 1
(`expectations/raw_web.json`) looks at it: times, ids, no identifier without consent, numbers that can be read. A
passed gate emits the asset `raw_web`.

#### When
`RAPPORT_INGEST_SCHEDULE`, hourly unless it says otherwise, so that one build serves one round. A shop without web
tracking has empty tables, and the gate passes on them.

#### Who cares
Whoever runs the shop's pages; the marketer of carts and views.

#### What to do if it fails
- `gate`: the log names the expectation and counts, Data Docs show the events' ids. What a page sends wrongly is
  corrected there; rows that are in can be taken out as role `loader`. Then clear `gate`.
- That no events come any more is no failure here: `maintain` says so, and `docs/runbook/web-events-stopped.md`
  what to do.
"""

from airflow.sdk import dag, task
from rapport_airflow import steps
from rapport_airflow.assets import RAW
from rapport_airflow.connections import runtime
from rapport_airflow.house import HOUSE
from rapport_airflow.tags import Tag

from rapport import pipeline


@dag(**HOUSE, schedule=steps.ingest_schedule(), tags=[Tag.INGEST], doc_md=__doc__)
def ingest_web() -> None:
    @task(outlets=[RAW["web"]])
    def gate() -> None:
        pipeline.gate("web", *runtime())

    gate()


ingest_web()
