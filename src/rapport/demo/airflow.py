"""Airflow's parts as children of one command: metadata migration, start, health and stop."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import httpx
import psycopg

from rapport.db import database_url
from rapport.db.embedded import free_port
from rapport.demo.airflow_api import AirflowApi
from rapport.demo.airflow_settings import METADATA_DATABASE, airflow_env, kept_passwords, metadata_url
from rapport.errors import PermanentError, TransientError
from rapport.settings import Settings

__all__ = ["AirflowApi", "AirflowLauncher", "airflow_env"]

PREFERRED_PORT = 8080
# Tasks are forks of the scheduler: what it has imported, none of them imports again (4 s of Great Expectations, 2 s of
# dbt). It does so while the api-server starts, and goes on at a line from us; at an end of file we are gone.
SCHEDULER = """
import sys, dbt.adapters.postgres, dbt.cli.main, great_expectations
from airflow.__main__ import main
if sys.stdin.readline():
    main()
"""
# Its own log server is left out: the api-server reads the same disk.
COMPONENTS = {
    "api-server": ("-m", "airflow", "api-server"),
    "scheduler": ("-c", SCHEDULER, "scheduler", "--skip-serve-logs"),
    "dag-processor": ("-m", "airflow", "dag-processor"),
}
START_SECONDS = 120.0
# Enough for the request under way. The scheduler would wait for its tasks, and those of `deliver` stay for a minute.
STOP_SECONDS = 3.0
HEALTHY_PARTS = ("metadatabase", "scheduler", "dag_processor")


@dataclass
class AirflowLauncher:
    """Starts, watches and stops Airflow. `env` is what its processes see besides Airflow's own settings."""

    settings: Settings
    env: Mapping[str, str] | None = None
    port: int = 0
    user: str = "admin"
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.port = free_port(self.port or PREFERRED_PORT)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def password(self) -> str:
        return self.password_of(self.user)

    def password_of(self, user: str) -> str:
        return str(kept_passwords(self.settings.home / "airflow")[user])

    def migrate(self) -> bool:
        """Brings Airflow's metadata database to this version; False when it was there already. Takes up to 30 s."""
        marker = self.settings.home / "airflow" / "migrated.json"
        release = version("apache-airflow-core")
        known = json.loads(marker.read_text()) if marker.exists() else {}
        if known.get("release") == release and known.get("revision") == _revision(self.settings):
            return False
        log = self._log("airflow-migrate")
        with log.open("ab") as out:
            done = subprocess.run(
                [sys.executable, "-m", "airflow", "db", "migrate"],
                env=self._environment(),
                stdout=out,
                stderr=out,
                check=False,
                timeout=300,
            )
        if done.returncode:
            raise TransientError(f"airflow db migrate ended with code {done.returncode}: {_tail(log)} (see {log})")
        marker.write_text(json.dumps({"release": release, "revision": _revision(self.settings)}))
        return True

    def start(self) -> None:
        """Starts the parts, each in its own session, so that Ctrl-C reaches only us; the scheduler last.

        A task that starts before the api-server answers would fail. Raises TransientError when a part ends.
        """
        kept_passwords(self.settings.home / "airflow")
        env = self._environment()
        for name in COMPONENTS:
            self._spawn(name, env)
        self._wait_for_api("/api/v2/version", START_SECONDS)
        self._release_scheduler()
        # The Execution API is built on its first request, while the scheduler starts: no task should wait for that.
        self._wait_for_api("/execution/health", START_SECONDS)

    def _release_scheduler(self) -> None:
        stdin = self.running["scheduler"].stdin
        # One that has ended by itself is reported by the next check.
        with contextlib.suppress(BrokenPipeError):
            if stdin is not None:
                stdin.write(b"go\n")
                stdin.close()

    def _spawn(self, name: str, env: Mapping[str, str]) -> None:
        with self._log(f"airflow-{name}").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, *COMPONENTS[name]],
                env=dict(env),
                stdout=log,
                stderr=log,
                stdin=subprocess.PIPE if name == "scheduler" else subprocess.DEVNULL,
                cwd=self.settings.project_dir,
                start_new_session=True,
            )

    def _wait_for_api(self, path: str, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            self.check()
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}{path}", timeout=30).is_success:
                    return
            time.sleep(0.2)
        raise TransientError(
            f"Airflow's api-server does not answer after {timeout:.0f} s (see {self._log('airflow-api-server')})"
        )

    def pids(self) -> dict[str, int]:
        """Process group by part."""
        return {f"airflow-{name}": child.pid for name, child in self.running.items()}

    def check(self) -> None:
        """Raises TransientError naming a part that ended by itself, and where its log lies."""
        for name, child in self.running.items():
            if child.poll() is not None:
                log = self._log(f"airflow-{name}")
                raise TransientError(f"airflow {name} ended with code {child.returncode}: {_tail(log)} (see {log})")

    def wait_healthy(self, timeout: float) -> None:
        """Returns once every part is healthy and tasks can be served. `timeout` in seconds; TransientError after."""
        deadline = time.monotonic() + timeout
        state: object = "no answer yet"
        with httpx.Client(base_url=self.url) as client:
            while time.monotonic() < deadline:
                self.check()
                with contextlib.suppress(httpx.HTTPError, ValueError):
                    health = client.get("/api/v2/monitor/health", timeout=5).json()
                    state = {part: (health.get(part) or {}).get("status") for part in HEALTHY_PARTS}
                    if all(value == "healthy" for value in state.values()):
                        return
                time.sleep(0.3)
        raise TransientError(
            f"Airflow is not healthy after {timeout:.0f} s: {state} (see {self.settings.home / 'logs'})"
        )

    def stop(self, grace: float = STOP_SECONDS) -> None:
        """Ends every part: SIGTERM to its group, SIGKILL after `grace` seconds. Cut-off tasks are retried later."""
        sessions = [child.pid for child in self.running.values()]
        _signal_sessions(sessions, signal.SIGTERM)
        deadline = time.monotonic() + grace
        for child in self.running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(0.1, deadline - time.monotonic()))
        _signal_sessions(sessions, signal.SIGKILL)
        for child in self.running.values():
            child.wait()
        self.running.clear()

    def _environment(self) -> dict[str, str]:
        env = dict(os.environ if self.env is None else self.env)
        # Without bytecode every process compiles Airflow anew: 8 s of CPU instead of 3.
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        # Airflow starts `airflow` helpers by name.
        env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', '')}"
        env.setdefault("RAPPORT_DATABASE_URL", database_url(self.settings))
        env.setdefault("RAPPORT_HOME", str(self.settings.home))
        env.setdefault("RAPPORT_PROJECT_DIR", str(self.settings.project_dir))
        return env | airflow_env(self.settings, self.port)

    def _log(self, name: str) -> Path:
        folder = self.settings.home / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}.log"


def _revision(settings: Settings) -> str | None:
    """Revision of the metadata database, None when it is empty; makes the database when the server lacks it."""
    url = metadata_url(settings).replace("+psycopg2", "")
    try:
        with psycopg.connect(url, connect_timeout=10) as conn:
            if conn.execute("select to_regclass('alembic_version')").fetchone() == (None,):
                return None
            row = conn.execute("select version_num from alembic_version").fetchone()
            return str(row[0]) if row else None
    except psycopg.OperationalError as error:
        if "does not exist" not in str(error):
            raise TransientError(f"Airflow's metadata database cannot be reached: {str(error).strip()}") from error
    try:
        with psycopg.connect(database_url(settings), autocommit=True) as conn:
            conn.execute(psycopg.sql.SQL("create database {}").format(psycopg.sql.Identifier(METADATA_DATABASE)))
    except psycopg.Error as error:
        raise PermanentError(
            f"Airflow needs a database {METADATA_DATABASE!r} on the warehouse's server and it cannot be made: "
            f"{str(error).strip()}. Make it by hand, owned by the user of RAPPORT_DATABASE_URL."
        ) from error
    return None


def _tail(log: Path) -> str:
    return " | ".join(log.read_text(errors="replace").strip().splitlines()[-3:])


def _signal_sessions(sessions: Sequence[int], number: signal.Signals) -> None:
    """Signals every process of the sessions: Airflow puts tasks into process groups of their own."""
    listed = subprocess.run(["ps", "-A", "-o", "pid="], capture_output=True, text=True, check=True).stdout.split()
    for pid in map(int, listed):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) in sessions:
                os.kill(pid, number)
