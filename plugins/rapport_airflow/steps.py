"""Steps that the ingest DAGs share."""

import logging

from airflow.sdk.exceptions import AirflowSkipException

from rapport import pipeline
from rapport.settings import get_settings
from rapport_airflow.connections import runtime

log = logging.getLogger(__name__)


def ingest_schedule() -> str:
    """The shop's own schedule for pulling, from RAPPORT_INGEST_SCHEDULE."""
    return get_settings().ingest_schedule


def load(vendor: str) -> None:
    """Pulls what is new from one vendor. One that the shop does not use has nothing new, which holds up nobody."""
    settings, clock = runtime(vendor)
    log.info(pipeline.load(vendor, settings, clock))


def import_inbox_or_skip() -> None:
    """Imports every new file of the inbox. With none the run is skipped, so that nothing is built for nothing."""
    from rapport.landing.inbox import import_inbox

    reports = import_inbox(*runtime())
    for report in reports:
        log.info(report)
    if not reports:
        raise AirflowSkipException("no new file in the inbox")
