"""### Pulls what changed in the Shopify store and checks it.

#### What
Customers, orders and products that changed since the last run, with an overlap of the cursor, merged into
`raw_shopify`; then gate 1 (`expectations/raw_shopify.json`). A passed gate emits the asset `raw_shopify`.

#### When
`RAPPORT_INGEST_SCHEDULE`, hourly unless it says otherwise. Without a store
connected there is nothing to load and the gate passes on empty tables.

#### Who cares
Everyone: without it orders and consent stay as of the last good run. Yesterday's marts stay in place; nothing
half-built is read.

#### What to do if it fails
- `load` with 401 or 403: the access token is wrong or lacks a scope; renew it in the connection `shopify` and
  clear the task.
- `load` with a throttling or 5xx error: it retries by itself and the next run takes up the same cursor; no
  action.
- `gate`: the log names the expectation and counts, Data Docs show the rows. Correct the store or the suite,
  then clear `gate`.
"""

from airflow.sdk import dag, task
from rapport_airflow import steps
from rapport_airflow.assets import RAW
from rapport_airflow.connections import runtime
from rapport_airflow.house import HOUSE
from rapport_airflow.tags import Tag

from rapport import pipeline

VENDOR = "shopify"


@dag(**HOUSE, schedule=steps.ingest_schedule(), tags=[Tag.INGEST], doc_md=__doc__)
def ingest_shopify() -> None:
    @task
    def load() -> None:
        steps.load(VENDOR)

    @task(outlets=[RAW[VENDOR]])
    def gate() -> None:
        pipeline.gate(VENDOR, *runtime())

    load() >> gate()


ingest_shopify()
