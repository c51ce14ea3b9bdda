"""### Pulls what people say to the shop on Bluesky and checks it.

#### What
Mentions, replies, quotes, likes, reposts and follows, and the profiles of their authors, merged into
`raw_bluesky`; then gate 1 (`expectations/raw_bluesky.json`). A passed gate emits the asset `raw_bluesky`.

#### When
`RAPPORT_INGEST_SCHEDULE`, hourly unless it says otherwise. Without an account
connected there is nothing to load and the gate passes on empty tables.

#### Who cares
The analyst of social interactions; no campaign depends on it.

#### What to do if it fails
- `load` with an authentication error: make a new app password and put it into the connection `bluesky`; then
  clear the task.
- `load` with 429 or 5xx: it retries by itself; no action.
- `gate`: the log names the expectation and counts, Data Docs show the rows. Then clear `gate`.
"""

from airflow.sdk import dag, task
from rapport_airflow import steps
from rapport_airflow.assets import RAW
from rapport_airflow.connections import runtime
from rapport_airflow.house import HOUSE
from rapport_airflow.tags import Tag

from rapport import pipeline

VENDOR = "bluesky"


@dag(**HOUSE, schedule=steps.ingest_schedule(), tags=[Tag.INGEST], doc_md=__doc__)
def ingest_bluesky() -> None:
    @task
    def load() -> None:
        steps.load(VENDOR)

    @task(outlets=[RAW[VENDOR]])
    def gate() -> None:
        pipeline.gate(VENDOR, *runtime())

    load() >> gate()


ingest_bluesky()
