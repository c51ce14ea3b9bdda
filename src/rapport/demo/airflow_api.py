"""A small client of Airflow's REST API: trigger a run, wait for it, read why it failed."""

import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx

from rapport.errors import PermanentError, TransientError

FINISHED = ("success", "failed")
TASK_ENDED = ("success", "failed", "skipped", "upstream_failed")
# A DAG file is parsed some seconds after the start.
PARSE_SECONDS = 60.0
POLL_SECONDS = 0.3


class AirflowApi:
    """One user of one Airflow. Raises TransientError when it does not answer, PermanentError when it refuses."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._user, self._password = user, password
        self._client = httpx.Client(base_url=url, timeout=20)
        self._token = ""

    def trigger(self, dag_id: str, logical_date: datetime | None = None, conf: dict[str, Any] | None = None) -> str:
        """Starts a run and returns its id; waits for a DAG that is not parsed yet."""
        self.wait_dag(dag_id)
        body = {"logical_date": logical_date.astimezone(UTC).isoformat() if logical_date else None, "conf": conf or {}}
        return str(self._call("POST", f"dags/{dag_id}/dagRuns", json=body)["dag_run_id"])

    def wait_dag(self, dag_id: str, timeout: float = PARSE_SECONDS) -> None:
        """Returns once Airflow knows the DAG. `timeout` in seconds; PermanentError after, with the import errors."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self._call("GET", f"dags/{dag_id}", missing_ok=True):
                return
            time.sleep(POLL_SECONDS)
        errors = [e["filename"] for e in self._call("GET", "importErrors")["import_errors"]]
        raise PermanentError(f"Airflow knows no DAG {dag_id!r} after {timeout:.0f} s; files that failed: {errors}")

    def wait_run(self, dag_id: str, run_id: str, timeout: float) -> str:
        """The state in which the run ended, `success` or `failed`. `timeout` in seconds; TransientError after."""
        deadline = time.monotonic() + timeout
        state = "unknown"
        while time.monotonic() < deadline:
            state = self._call("GET", f"dags/{dag_id}/dagRuns/{quote(run_id, safe='')}")["state"]
            if state in FINISHED:
                return str(state)
            time.sleep(POLL_SECONDS)
        raise TransientError(f"the run {run_id} of {dag_id} is still {state} after {timeout:.0f} s")

    def wait_question(self, dag_id: str, run_id: str, task_id: str, timeout: float) -> bool:
        """Whether the task waits for a person's answer; False when it ended without asking. `timeout` in seconds."""
        path = f"dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances/{task_id}"
        deadline = time.monotonic() + timeout
        state = "unknown"
        while time.monotonic() < deadline:
            state = self._call("GET", path).get("state") or "none"
            if state == "awaiting_input" or state in TASK_ENDED:
                return state == "awaiting_input"
            time.sleep(POLL_SECONDS)
        raise TransientError(f"{dag_id}.{task_id} is still {state} after {timeout:.0f} s")

    def answer(self, dag_id: str, run_id: str, task_id: str, option: str, comment: str = "") -> None:
        """Answers the question of a task as this user. Raises PermanentError when it is answered or not theirs."""
        path = f"dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances/{task_id}/-1/hitlDetails"
        self._call("PATCH", path, json={"chosen_options": [option], "params_input": {"comment": comment}})

    def latest_run(self, dag_id: str) -> str | None:
        """Id of the newest run, None when there was none."""
        self.wait_dag(dag_id)
        runs = self._call("GET", f"dags/{dag_id}/dagRuns", params={"order_by": "-run_after", "limit": 1})["dag_runs"]
        return str(runs[0]["dag_run_id"]) if runs else None

    def run_under_way(self, dag_id: str) -> str | None:
        """Id of a run that is queued or running, None when there is none."""
        self.wait_dag(dag_id)
        return self._under_way(dag_id)

    def forget_assets(self, dag_id: str) -> None:
        """The DAG waits for all of its assets anew, those that have come since its last run included."""
        self.wait_dag(dag_id)
        self._call("DELETE", f"dags/{dag_id}/assets/queuedEvents", missing_ok=True)

    def wait_quiet(self, dag_id: str, timeout: float) -> None:
        """Returns once no run of the DAG is queued or running: the runs that assets caused are over as well."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self._under_way(dag_id) is None:
                return
            time.sleep(POLL_SECONDS)
        raise TransientError(f"{dag_id} still has runs after {timeout:.0f} s")

    def _under_way(self, dag_id: str) -> str | None:
        parameters = {"state": ["queued", "running"], "order_by": "run_after", "limit": 1}
        runs = self._call("GET", f"dags/{dag_id}/dagRuns", params=parameters)["dag_runs"]
        return str(runs[0]["dag_run_id"]) if runs else None

    def failed_tasks(self, dag_id: str, run_id: str) -> list[str]:
        """For each failed task of a run its name and the last error of its log."""
        path = f"dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances"
        tasks = self._call("GET", path, params={"state": "failed"})["task_instances"]
        return [
            f"{t['task_id']}: {last_error(self.task_log(dag_id, run_id, t['task_id'], t['try_number']))}" for t in tasks
        ]

    def task_log(self, dag_id: str, run_id: str, task_id: str, try_number: int = 1) -> str:
        """The log of one try, one event a line."""
        path = f"dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances/{task_id}/logs/{try_number}"
        content = self._call("GET", path, params={"full_content": "true"}).get("content") or []
        return "\n".join(_line(entry) for entry in content)

    def _call(self, method: str, path: str, *, missing_ok: bool = False, **arguments: Any) -> dict[str, Any]:
        for attempt in (1, 2):
            if not self._token:
                self._sign_in()
            answer = self._send(
                method, f"/api/v2/{path}", headers={"Authorization": f"Bearer {self._token}"}, **arguments
            )
            if answer.status_code != httpx.codes.UNAUTHORIZED or attempt == 2:
                break
            self._token = ""
        if answer.status_code == httpx.codes.NOT_FOUND and missing_ok:
            return {}
        return _checked(answer)

    def _sign_in(self) -> None:
        answer = self._send("POST", "/auth/token", json={"username": self._user, "password": self._password})
        self._token = _checked(answer)["access_token"]

    def _send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, **arguments)
        except httpx.HTTPError as error:
            raise TransientError(f"Airflow does not answer {method} {path}: {type(error).__name__}") from error


def last_error(log: str) -> str:
    """The last line of a task's log that names an error."""
    lines = [line for line in log.splitlines() if "rror" in line or "Failed" in line]
    return lines[-1].strip()[:500] if lines else "no error in its log"


def _line(entry: Any) -> str:
    """Airflow gives events as objects; an exception stands beside the event's text."""
    if not isinstance(entry, dict):
        return str(entry)
    details = "; ".join(
        f"{e.get('exc_type')}: {e.get('exc_value')}" for e in entry.get("error_detail") or [] if isinstance(e, dict)
    )
    return f"{entry.get('event', '')} {details}".strip()


def _checked(answer: httpx.Response) -> dict[str, Any]:
    request = f"{answer.request.method} {answer.request.url.path}"
    if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise TransientError(f"Airflow answers {answer.status_code} to {request}")
    if answer.is_error:
        raise PermanentError(f"Airflow answers {answer.status_code} to {request}: {answer.text[:300]}")
    return dict(answer.json()) if answer.content else {}
