"""### Imports the exports that lie in the inbox and checks them.

#### What
Every file under `.rapport/inbox/<mapping>/` goes through the mapping of that name, or the `mapping.yml`
beside it, into `raw_files`; rows that cannot be read go to `landing.quarantine` with their reason. Then gate
1 (`expectations/raw_files.json`). A passed gate emits the asset `raw_files`. A file is known by its bytes: it
may stay where it lies, it is not imported twice.

#### When
`RAPPORT_INGEST_SCHEDULE`, hourly unless it says otherwise. With no new file in the inbox the run is skipped.

#### Who cares
Shops that have exports instead of an API, and whoever brings in the history of an earlier system.

#### What to do if it fails
- `load` names the file and the column or the setting of the mapping that does not fit. Correct the mapping,
  clear the task.
- Many quarantined rows: read `select reason, count(*) from landing.quarantine group by 1`.
- `gate`: the log names the expectation and counts, Data Docs show the rows. Then clear `gate`.
"""

from airflow.sdk import dag, task
from rapport_airflow.assets import RAW
from rapport_airflow.connections import runtime
from rapport_airflow.house import HOUSE
from rapport_airflow.steps import import_inbox_or_skip, ingest_schedule
from rapport_airflow.tags import Tag

from rapport import pipeline


@dag(**HOUSE, schedule=ingest_schedule(), tags=[Tag.INGEST], doc_md=__doc__)
def ingest_files() -> None:
    @task
    def load() -> None:
        import_inbox_or_skip()

    @task(outlets=[RAW["files"]])
    def gate() -> None:
        pipeline.gate("files", *runtime())

    load() >> gate()


ingest_files()
