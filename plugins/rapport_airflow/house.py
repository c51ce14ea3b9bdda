"""What every DAG has in common, said once."""

from datetime import timedelta
from typing import Any

from rapport_airflow.retries import RapportRetryPolicy

OWNER = "data-engineering"

TASKS: dict[str, Any] = {
    "owner": OWNER,
    "retries": 3,
    "retry_delay": timedelta(seconds=10),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
    "retry_policy": RapportRetryPolicy(),
    # Longer than any step needs on a large shop; a hung connection must not hold a slot for days.
    "execution_timeout": timedelta(hours=2),
}

# Two runs of one DAG would write the same tables, and the past is loaded by cursors, not by runs: no catch-up.
HOUSE: dict[str, Any] = {"catchup": False, "max_active_runs": 1, "default_args": TASKS}
