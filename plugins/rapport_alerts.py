"""Registers the listener that says in one line which task failed and why."""

from airflow.plugins_manager import AirflowPlugin
from rapport_airflow import listener


class RapportAlerts(AirflowPlugin):
    """One listener for all DAGs, instead of alert arguments copied into each."""

    name = "rapport_alerts"
    listeners = [listener]  # noqa: RUF012 - how Airflow declares it
