"""One installation on this machine: Postgres, the simulated provider and the gateway, each a process of its own."""

import json
import logging
import multiprocessing
import os
import random
import shutil
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Self, TypeVar

import psycopg

from rapport.db import Connection, connect, embedded, migrate
from rapport.db.embedded import EmbeddedPostgres, free_port
from rapport.errors import TransientError
from rapport.sandbox.mail import Ledger, MailOptions, public_key_base64
from rapport.settings import Settings
from tests.chaos import children

# Children are forked from one small process that has imported everything: a start costs milliseconds, not a second.
FORK = multiprocessing.get_context("forkserver")
FORK.set_forkserver_preload(["tests.chaos.children", "tests.chaos.rivals", "tests.chaos.victims"])
# Below the range from which the system takes ports for outgoing connections: a port stays ours over a restart.
PORTS = range(15_000, 30_000)
# Each process draws its own ports, so that two proofs may run side by side.
_draw = random.Random(os.getpid())
_ports = threading.Lock()
_START_SECONDS = 30.0
T = TypeVar("T")


class Postgres(EmbeddedPostgres):
    """A server that can be made to crash and come back on its port."""

    def crash(self) -> None:
        """An immediate stop, as after a power cut, and a start."""
        self._run("pg_ctl", "-D", str(self.data), "-m", "immediate", "-w", "-t", "60", "restart")


class House:
    """Use as a context; everything it began ends with it."""

    def __init__(self, options: MailOptions) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="rapport-chaos-"))
        self.postgres = Postgres(self.directory / "home")
        self.mail = self.directory / "mail"
        self._options = options
        self._children: list[BaseProcess] = []
        self._faults: dict[str, Any] = {}
        self.settings = Settings(home=self.directory / "home", environment="chaos", installation_id="chaos")

    def __enter__(self) -> Self:
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._children:
            child.kill()
        for child in self._children:
            child.join()
        self.postgres.stop("immediate")
        shutil.rmtree(self.directory, ignore_errors=True)

    def _build(self) -> None:
        with _ports:
            embedded.PREFERRED_PORT = free_below()
            self.postgres.start()
            self.provider_port, self.gateway_port = free_below(), free_below()
        ledger = Ledger(self.mail)
        ledger.set_setting("webhook_url", f"http://127.0.0.1:{self.gateway_port}/sendgrid/events")
        self.settings = Settings(
            home=self.directory / "home",
            database_url=self.postgres.url(),
            environment="chaos",
            installation_id="chaos",
            secret_key="a-key-for-chaos-only",
            shop_name="Test Shop Ltd",
            shop_postal_address="1 Test Street, Testville",
            gateway_url=f"http://127.0.0.1:{self.gateway_port}",
            sendgrid_url=f"http://127.0.0.1:{self.provider_port}",
            sendgrid_api_key=ledger.api_key,
            sendgrid_webhook_public_keys=(public_key_base64(self.mail),),
        )
        ledger.close()
        with connect(settings=self.settings) as conn:
            migrate(conn)
        with connect(settings=self.settings, autocommit=True) as conn:
            # The checker asks when a suppression was committed.
            conn.execute("alter system set track_commit_timestamp = on")
        self.postgres.crash()
        self.start_provider()
        self.start_gateway()

    def spawn(self, target: Callable[..., None], *arguments: Any) -> BaseProcess:
        log = self.directory / "log.txt"
        child = FORK.Process(target=children.begin, args=(log, target, *arguments), daemon=True)
        child.start()
        self._children = [other for other in self._children if other.is_alive()]
        self._children.append(child)
        return child

    def start_provider(self) -> None:
        self.provider = self.spawn(children.provider, self.mail, self.provider_port, self._options)
        _until_answers(f"http://127.0.0.1:{self.provider_port}/_sandbox/state")
        if self._faults:
            self._tell("faults", self._faults)

    def start_gateway(self) -> None:
        self.gateway = self.spawn(children.gateway, self.settings, self.gateway_port)
        _until_answers(f"http://127.0.0.1:{self.gateway_port}/healthz")

    def connect(self) -> Connection:
        """As the owner of the database, each statement for itself."""
        return connect(settings=self.settings, autocommit=True)

    def set_faults(self, **body: Any) -> None:
        """Switches of the simulated provider (`faults`, `seed`, `events`), thrown again whenever it is restarted."""
        self._faults |= body
        self._tell("faults", body)

    def resend_events(self) -> None:
        """Events that the provider lost are found again."""
        self._tell("webhook", {"resend": True})

    def _tell(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.provider_port}/_sandbox/{path}"
        request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return dict(json.load(answer))

    def provider_state(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.provider_port}/_sandbox/state", timeout=10) as answer:
            return dict(json.load(answer))


def kill(child: BaseProcess) -> bool:
    """SIGKILL; whether it was what ended the process."""
    child.kill()
    child.join()
    return child.exitcode == -9


def retrying(work: Callable[[], T], seconds: float = 30.0) -> T:
    """`work` again while Postgres or a server is on its way back."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return work()
        except (psycopg.Error, OSError, TransientError) as error:
            if time.monotonic() > deadline:
                raise
            logging.getLogger(__name__).info("again, after %s", type(error).__name__)
            time.sleep(0.1)


def free_below() -> int:
    """A port below the range from which the system takes those of outgoing connections."""
    while True:
        port = _draw.choice(PORTS)
        if free_port(port) == port:
            return port


def _until_answers(url: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
