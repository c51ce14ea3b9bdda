"""What the DAG `deliver` does within its minute."""

import logging
import time

from rapport.clock import Clock
from rapport.settings import Settings

log = logging.getLogger(__name__)

# The rest of the minute is for starting and ending tasks, so that runs do not pile up.
SECONDS = 50.0
PAUSE_SECONDS = 2.0


def dispatch(settings: Settings, clock: Clock) -> None:
    """Sends what is due until nothing is, at most for the minute. Preflight is run anew some times a day. Raises
    PermanentError while it is red."""
    from rapport.delivery import run_dispatcher
    from rapport.delivery.preflight import refresh_preflight

    refresh_preflight(settings, clock)
    run_dispatcher(settings, clock, seconds=SECONDS, until_idle=not _stays(settings))


def reconcile(settings: Settings, clock: Clock) -> None:
    """Settles what is known by now."""
    from rapport.delivery import reconcile_once

    deadline = time.monotonic() + (SECONDS if _stays(settings) else 0)
    while True:
        log.info(reconcile_once(settings, clock))
        if time.monotonic() >= deadline:
            return
        time.sleep(PAUSE_SECONDS)


def _stays(settings: Settings) -> bool:
    """On a demo clock hours pass within a minute, so its tasks stay for the whole of it."""
    return settings.clock_file is not None
