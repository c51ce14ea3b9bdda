"""What the processes of an installation run: the product's own entry points, and nothing else."""

import logging
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import uvicorn

from rapport.campaigns.folder.definition import load_campaign
from rapport.campaigns.planning.plan import plan
from rapport.clock import FixedClock, SystemClock
from rapport.delivery import Limits, reconcile_once, run_dispatcher
from rapport.errors import TransientError
from rapport.gateway import serve
from rapport.sandbox import mail
from rapport.settings import Settings
from tests.chaos.times import Times

HOURS = 3600.0


def begin(log: Path, target: Callable[..., None], *arguments: Any) -> None:
    """Runs `target` as a process of its own: what it says goes to the file, how it ended is its exit code."""
    logging.basicConfig(filename=log, level=logging.WARNING, format="%(asctime)s %(process)d %(name)s %(message)s")
    try:
        target(*arguments)
    except Exception:
        logging.getLogger(__name__).exception("%s ended", target.__name__)
        sys.exit(1)


def provider(directory: Path, port: int, options: mail.MailOptions) -> None:
    uvicorn.run(mail.app(directory, SystemClock(), options=options), port=port, log_config=None, access_log=False)


def gateway(settings: Settings, port: int) -> None:
    serve(settings, SystemClock(), port=port)


def dispatcher(settings: Settings, limits: Limits, concurrency: int) -> None:
    """Until it is killed, or Postgres stays away too long."""
    run_dispatcher(settings, SystemClock(), seconds=HOURS, limits=limits, concurrency=concurrency)


def planner(settings: Settings, name: str, at: datetime) -> None:
    """Plans what is due of one campaign at that moment."""
    plan(load_campaign(settings.campaigns_dir / name, settings), settings, FixedClock(at))


def reconciler(settings: Settings, times: Times, pause_seconds: float) -> None:
    """Pass after pass, until it is killed."""
    times.shorten_gate()
    while True:
        try:
            reconcile_once(settings, SystemClock(), limits=times.limits)
        except TransientError as lost:
            logging.getLogger(__name__).warning("%s", lost)
        time.sleep(pause_seconds)
