"""What the proof asks of Airflow beyond triggering and waiting."""

import time
from datetime import datetime

from rapport.demo.airflow import AirflowApi


class Api(AirflowApi):
    def waiting(self, dag_id: str, timeout: float) -> str:
        """Id of the run whose task waits for a person's answer."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            query = {"state": "awaiting_input", "limit": 1}
            found = self._call("GET", f"dags/{dag_id}/dagRuns/~/taskInstances", params=query)["task_instances"]
            if found:
                return str(found[0]["dag_run_id"])
            time.sleep(1)
        raise SystemExit(f"{dag_id} asked nobody within {timeout:.0f} s")

    def backfill(self, dag_id: str, since: datetime, until: datetime, timeout: float) -> int:
        """Runs every slot between the two once more, and waits; returns how many runs that made."""
        body = {
            "dag_id": dag_id,
            "from_date": since.isoformat(),
            "to_date": until.isoformat(),
            "reprocess_behavior": "completed",
        }
        made = self._call("POST", "backfills", json=body)["id"]
        deadline = time.monotonic() + timeout
        while self._call("GET", f"backfills/{made}")["completed_at"] is None:
            if time.monotonic() > deadline:
                raise SystemExit(f"the backfill is not done after {timeout:.0f} s")
            time.sleep(1)
        runs = self._call("GET", f"dags/{dag_id}/dagRuns", params={"run_type": "backfill", "limit": 1})
        return int(runs["total_entries"])

    def clear(self, dag_id: str, run_id: str) -> None:
        """Lets every task of a run that ended run again."""
        body = {"dry_run": False, "only_failed": False, "dag_run_id": run_id}
        self._call("POST", f"dags/{dag_id}/clearTaskInstances", json=body)
