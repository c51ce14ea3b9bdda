"""One dbt command inside this process: environment in, node results out."""

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from rapport.db import database_url, lost, tells_of_loss
from rapport.errors import DataError, PermanentError
from rapport.settings import Settings
from rapport.transform.report import NodeResult, readable

logger = logging.getLogger(__name__)


def run_dbt(
    command: str, settings: Settings, as_of: datetime, arguments: Sequence[str] = (), *, schema_suffix: str = "_next"
) -> tuple[NodeResult, ...]:
    """Runs `dbt <command>`; returns each node's result, failed ones included. Layers that others read are built in
    schemas whose names end in `schema_suffix`.

    Raises TransientError when the database is away, DataError when the project itself cannot be parsed or run.
    """
    if as_of.tzinfo is None:
        raise PermanentError("as_of needs a time zone")
    from dbt.cli.main import dbtRunner

    folder = settings.home / "dbt"
    folder.mkdir(parents=True, exist_ok=True)
    with _environment(_variables(settings, as_of, folder) | {"RAPPORT_DBT_SCHEMA_SUFFIX": schema_suffix}):
        answer = dbtRunner(callbacks=[_log_node]).invoke([*command.split(), *_common(settings), *arguments])
    if answer.exception is not None:
        text = readable(str(answer.exception))
        raise lost(f"dbt {command}", text) if tells_of_loss(str(answer.exception)) else DataError(f"dbt: {text}")
    results = tuple(_node_result(result) for result in getattr(answer.result, "results", None) or ())
    away = [node for node in results if node.broken and tells_of_loss(node.message)]
    if away:
        raise lost(f"dbt {command}, {away[0].node}", away[0].message)
    return results


def project_version(settings: Settings) -> int:
    """A number of 63 bits that another text of a model, macro, seed or variable changes: rows made by another version
    are made anew."""
    digest = hashlib.sha256(json.dumps(_shop(settings)).encode())
    files = [settings.dbt_dir / "dbt_project.yml"]
    for folder, suffix in (("models", "sql"), ("macros", "sql"), ("seeds", "csv")):
        files += sorted((settings.dbt_dir / folder).rglob(f"*.{suffix}"))
    for path in files:
        digest.update(path.relative_to(settings.dbt_dir).as_posix().encode() + path.read_bytes())
    return int.from_bytes(digest.digest()[:8]) >> 1


def _shop(settings: Settings) -> dict[str, str]:
    return {"shop_time_zone": settings.shop_time_zone, "default_country": settings.default_country}


def _common(settings: Settings) -> list[str]:
    # as_of travels in the environment: a changed --vars would make dbt parse the whole project anew at each run.
    shop = _shop(settings)
    return [
        "--project-dir", str(settings.dbt_dir), "--profiles-dir", str(settings.dbt_dir), "--vars", json.dumps(shop),
        "--log-level", "none", "--log-level-file", "none", "--no-use-colors", "--no-version-check",
    ]  # fmt: skip


def _variables(settings: Settings, as_of: datetime, folder: Path) -> dict[str, str]:
    parts = {key: str(value) for key, value in conninfo_to_dict(database_url(settings)).items() if value is not None}
    return {
        "RAPPORT_DBT_HOST": parts.get("host", "127.0.0.1"),
        "RAPPORT_DBT_PORT": parts.get("port", "5432"),
        "RAPPORT_DBT_USER": parts.get("user", ""),
        "RAPPORT_DBT_PASSWORD": parts.get("password", ""),
        "RAPPORT_DBT_DBNAME": parts.get("dbname", ""),
        "RAPPORT_DBT_AS_OF": as_of.isoformat(),
        "RAPPORT_DBT_PROJECT_VERSION": str(project_version(settings)),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
        "PGTZ": "UTC",
        "PGAPPNAME": "rapport:transformer",
        **({"PGSSLMODE": parts["sslmode"]} if "sslmode" in parts else {}),
        **({"PGSSLROOTCERT": parts["sslrootcert"]} if "sslrootcert" in parts else {}),
    }


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """dbt and libpq read the environment; it is put back afterwards."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _node_result(result: Any) -> NodeResult:
    node = result.node
    kind = str(node.resource_type).rsplit(".", 1)[-1].replace("NodeType.", "")
    schema = getattr(node, "schema", "")
    name = f"{schema}.{node.name}" if kind in ("model", "seed") else node.name
    status = str(getattr(result.status, "value", result.status))
    rows = result.failures if kind in ("test", "unit_test") else result.adapter_response.get("rows_affected")
    return NodeResult(
        node=name,
        kind=kind,
        status=status,
        seconds=round(float(result.execution_time), 3),
        rows=rows if isinstance(rows, int) and rows >= 0 else None,
        message=readable(result.message or ""),
    )


def _log_node(event: Any) -> None:
    if event.info.name != "NodeFinished":
        return
    info, result = event.data.node_info, event.data.run_result
    level = logging.DEBUG if info.node_status == "pass" else logging.INFO
    say: Callable[..., None] = logger.error if info.node_status in ("error", "fail") else logger.info
    if say == logger.error or logger.isEnabledFor(level):
        relation = info.node_relation.schema or ""
        name = f"{relation}.{info.node_name}" if info.resource_type == "model" else info.node_name
        text = readable(result.message or "") if say == logger.error else ""
        say("dbt %s %s: %s in %.2f s %s", info.resource_type, name, info.node_status, result.execution_time, text)
