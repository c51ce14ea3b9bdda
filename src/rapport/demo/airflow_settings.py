"""Every setting of Airflow that the demo makes, and the secrets that it keeps for it."""

import json
import os
import secrets
from base64 import urlsafe_b64encode
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from rapport.db import database_url
from rapport.settings import Settings

METADATA_DATABASE = "airflow"
USERS = {"admin": "admin", "marketer": "user", "viewer": "viewer"}


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


def _kept_secrets(home: Path) -> dict[str, str]:
    made = {
        "jwt_secret": secrets.token_urlsafe(64),
        "session_key": secrets.token_urlsafe(32),
        "fernet_key": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }
    return _kept(home / "secrets.json", made)


def kept_passwords(home: Path) -> dict[str, str]:
    """Password by user, made once and readable by their owner only."""
    return _kept(home / "passwords.json", {name: secrets.token_urlsafe(12) for name in USERS})


def _kept(path: Path, made: dict[str, str]) -> dict[str, str]:
    """What the file holds; made at first, readable by its owner only."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            json.dump(made, handle)
    return dict(json.loads(path.read_text()))
