"""One readable line for each failed task, wherever alerts go."""

import logging
from collections.abc import Callable
from typing import Any

from airflow.listeners import hookimpl

from rapport.errors import RapportError

log = logging.getLogger("rapport.alert")

Channel = Callable[[str], None]

# Each channel gets the line; e-mail or chat is one more function here.
CHANNELS: list[Channel] = [log.error]


@hookimpl
def on_task_instance_failed(previous_state: Any, task_instance: Any, error: str | BaseException | None) -> None:
    """Airflow calls this when a task has failed for good or will be retried."""
    line = describe(task_instance, error)
    for channel in CHANNELS:
        try:
            channel(line)
        except Exception:
            # A broken channel must neither hide the others nor change the task's fate.
            log.exception("an alert channel failed")


def describe(task_instance: Any, error: str | BaseException | None) -> str:
    """Which task failed, in which run and try, why, and where to read what to do."""
    return (
        f"ALERT {task_instance.dag_id}.{task_instance.task_id} failed"
        f" (run {task_instance.run_id}, try {task_instance.try_number}): {_reason(error)}"
        f" - what to do stands in the notes of the DAG {task_instance.dag_id}"
    )


def _reason(error: str | BaseException | None) -> str:
    """Our own messages hold no personal data; those of other libraries may quote a row, so only their kind."""
    if isinstance(error, RapportError):
        return " ".join(str(error).split())[:1000]
    if isinstance(error, BaseException):
        return f"{type(error).__name__} (see the task's log)"
    return "set to failed by hand or by Airflow" if error else "no error given"
