"""Airflow's parts as children of one command: environment, metadata migration, start, health and stop."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg

from rapport.db import database_url
from rapport.db.embedded import free_port
from rapport.demo.airflow_api import AirflowApi
from rapport.errors import PermanentError, TransientError
from rapport.settings import Settings

__all__ = ["AirflowApi", "AirflowLauncher", "airflow_env"]

PREFERRED_PORT = 8080
METADATA_DATABASE = "airflow"
USERS = {"admin": "admin", "marketer": "user", "viewer": "viewer"}
# The scheduler's own log server is left out: the api-server reads the same disk.
COMPONENTS = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
}
START_SECONDS = 120.0
# Enough for the request under way. The scheduler would wait for its tasks, and those of `deliver` stay for a minute.
STOP_SECONDS = 3.0
HEALTHY_PARTS = ("metadatabase", "scheduler", "dag_processor")


def metadata_url(settings: Settings) -> str:
    """Airflow's own database: `airflow` on the warehouse's server, through the driver that Airflow uses."""
    parts = urlsplit(database_url(settings))
    return urlunsplit(parts._replace(scheme="postgresql+psycopg2", path=f"/{METADATA_DATABASE}"))


def airflow_env(settings: Settings, port: int) -> dict[str, str]:
    """Every setting of Airflow that the launcher makes, as environment variables; secrets are made once and kept."""
    home = settings.home / "airflow"
    kept = _kept_secrets(home)
    url = f"http://127.0.0.1:{port}"
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(settings.project_dir / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(settings.project_dir / "plugins"),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        # 32 by default, each a process that idles. Two are `deliver`'s, whose tasks mostly sleep.
        "AIRFLOW__CORE__PARALLELISM": "6",
        # 5 s by default: for so long a task that has ended may hold its slot, and an answer that a person gives in the
        # meantime to what it asked is taken for a crash.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in USERS.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__FERNET_KEY": kept["fernet_key"],
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": metadata_url(settings),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": kept["session_key"],
        "AIRFLOW__API_AUTH__JWT_SECRET": kept["jwt_secret"],
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
        # 300 s by default: a new campaign folder should be seen at once.
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__COSMOS__ENABLE_TELEMETRY": "False",
        "DO_NOT_TRACK": "1",
        "GX_ANALYTICS_ENABLED": "false",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "PROVIDERS__ENABLE_AIRFLOW_SECRETS": "false",
    }


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
        return str(_kept_passwords(self.settings.home / "airflow")[user])

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
                _command("db", "migrate"), env=self._environment(), stdout=out, stderr=out, check=False, timeout=300
            )
        if done.returncode:
            raise TransientError(f"airflow db migrate ended with code {done.returncode}: {_tail(log)} (see {log})")
        marker.write_text(json.dumps({"release": release, "revision": _revision(self.settings)}))
        return True

    def start(self) -> None:
        """Starts the parts, each in its own session, so that Ctrl-C reaches only us; the scheduler last.

        A task that starts before the api-server answers would fail. Raises TransientError when a part ends.
        """
        _kept_passwords(self.settings.home / "airflow")
        env = self._environment()
        self._spawn("api-server", env)
        self._spawn("dag-processor", env)
        self._wait_for_api("/api/v2/version", START_SECONDS)
        self._spawn("scheduler", env)
        # The Execution API is built on its first request, while the scheduler starts: no task should wait for that.
        self._wait_for_api("/execution/health", START_SECONDS)

    def _spawn(self, name: str, env: Mapping[str, str]) -> None:
        with self._log(f"airflow-{name}").open("ab") as log:
            self.running[name] = subprocess.Popen(
                _command(*COMPONENTS[name]),
                env=dict(env),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
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


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "airflow", *arguments]


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


def _kept_secrets(home: Path) -> dict[str, str]:
    made = {
        "jwt_secret": secrets.token_urlsafe(64),
        "session_key": secrets.token_urlsafe(32),
        "fernet_key": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }
    return _kept(home / "secrets.json", made)


def _kept_passwords(home: Path) -> dict[str, str]:
    return _kept(home / "passwords.json", {name: secrets.token_urlsafe(12) for name in USERS})


def _kept(path: Path, made: dict[str, str]) -> dict[str, str]:
    """What the file holds; made at first, readable by its owner only."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            json.dump(made, handle)
    return dict(json.loads(path.read_text()))


def _tail(log: Path) -> str:
    return " | ".join(log.read_text(errors="replace").strip().splitlines()[-3:])


def _signal_sessions(sessions: Sequence[int], number: signal.Signals) -> None:
    """Signals every process of the sessions: Airflow puts tasks into process groups of their own."""
    listed = subprocess.run(["ps", "-A", "-o", "pid="], capture_output=True, text=True, check=True).stdout.split()
    for pid in map(int, listed):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) in sessions:
                os.kill(pid, number)
