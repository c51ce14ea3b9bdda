"""The whole way against the simulated provider: real HTTP, real signatures, events late, doubled and out of order."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import uvicorn

from rapport.clock import DemoClock
from rapport.db.embedded import free_port
from rapport.delivery import Limits, reconcile_once, run_dispatcher
from rapport.gateway import create_app
from rapport.sandbox.mail.app import app as provider_app
from rapport.sandbox.mail.faults import Fault, Faults
from rapport.sandbox.mail.ledger import Ledger, accepted_send_ids
from rapport.sandbox.mail.options import MailOptions
from rapport.sandbox.mail.signing import public_key_base64

LIMITS = Limits(connect_seconds=2, read_seconds=4, deadline_seconds=8, lease_seconds=10, window_seconds=600)


@contextmanager
def served(application: Any, port: int) -> Iterator[str]:
    server = uvicorn.Server(
        uvicorn.Config(application, host="127.0.0.1", port=port, log_level="error", access_log=False)
    )
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def test_every_send_ends_accepted_once_whatever_the_provider_does(shop: Any, tmp_path: Path) -> None:
    directory, start = tmp_path / "mail", shop.clock.at
    clock = DemoClock(tmp_path / "clock.json")
    clock.set(datetime.fromisoformat(start.isoformat()), 60)
    faults = Faults(
        [Fault("drop_after", count=6), Fault("error_after", count=6), Fault("rate_limited", count=3)], seed=3
    )
    gateway_port = free_port(8190)
    options = MailOptions(
        webhook_url=f"http://127.0.0.1:{gateway_port}/sendgrid/events",
        doubled_share=0.5,
        late_share=0.2,
        late_seconds=60,
    )
    ids = shop.plan(80)
    with served(provider_app(directory, clock, faults, options), free_port(8191)) as url:
        settings = shop.settings.model_copy(
            update={
                "sendgrid_url": url,
                "sendgrid_api_key": Ledger(directory).api_key,
                "sendgrid_webhook_public_keys": (public_key_base64(directory),),
                "gateway_url": f"http://127.0.0.1:{gateway_port}",
            }
        )
        with served(create_app(settings, clock), gateway_port):
            report = run_dispatcher(settings, clock, until_idle=True, concurrency=8, limits=LIMITS)
            assert report.unknown == 12
            assert report.retried == 3

            def all_known() -> bool:
                reconcile_once(settings, clock)
                return bool(shop.states() == {"accepted": 80})

            wait_for(all_known)
            assert run_dispatcher(settings, clock, until_idle=True, limits=LIMITS).accepted == 0
    assert Counter(accepted_send_ids(directory)) == Counter(str(send_id) for send_id in ids)
