"""### Pulls what changed in Zendesk and checks it.

#### What
Tickets and users from the incremental exports since the last cursor, merged into `raw_zendesk`; then gate 1
(`expectations/raw_zendesk.json`). A passed gate emits the asset `raw_zendesk`.

#### When
`RAPPORT_INGEST_SCHEDULE`, hourly unless it says otherwise. Zendesk holds the newest minute back. Without a
help desk connected there is nothing to load and the gate passes on empty tables.

#### Who cares
Marketers who leave out customers with an open complaint, and the analyst of support load.

#### What to do if it fails
- `load` with 401: e-mail and API token do not belong together; correct the connection `zendesk` and clear the
  task.
- `load` with 429: it waits as long as Zendesk asks and retries; no action unless it goes on for hours.
- `gate`: the log names the expectation and counts, Data Docs show the rows. Then clear `gate`.
"""

from airflow.sdk import dag, task
from rapport_airflow import steps
from rapport_airflow.assets import RAW
from rapport_airflow.connections import runtime
from rapport_airflow.house import HOUSE
from rapport_airflow.tags import Tag

from rapport import pipeline

VENDOR = "zendesk"


@dag(**HOUSE, schedule=steps.ingest_schedule(), tags=[Tag.INGEST], doc_md=__doc__)
def ingest_zendesk() -> None:
    @task
    def load() -> None:
        steps.load(VENDOR)

    @task(outlets=[RAW[VENDOR]])
    def gate() -> None:
        pipeline.gate(VENDOR, *runtime())

    load() >> gate()


ingest_zendesk()
