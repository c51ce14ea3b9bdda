"""What the launcher sets for Airflow, without starting it."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from rapport.demo.airflow import AirflowLauncher, airflow_env
from rapport.demo.airflow_api import AirflowApi, last_error
from rapport.errors import PermanentError, TransientError
from rapport.settings import Settings


@pytest.fixture
def shop(tmp_path: Path) -> Settings:
    url = "postgresql://rapport:pw@127.0.0.1:5433/rapport?sslmode=disable"
    return Settings(home=tmp_path / ".rapport", database_url=url, secret_key="k", installation_id="i")


def test_every_setting_is_one_that_airflow_knows(airflow_home: Any, shop: Settings) -> None:
    from airflow.configuration import conf

    known = {(s.lower(), o.lower()) for s, d in conf.configuration_description.items() for o in d["options"]}
    keys = [key for key in airflow_env(shop, 8080) if key.startswith("AIRFLOW__")]
    assert len(keys) > 15
    for key in keys:
        _, section, option = key.lower().split("__")
        assert (section, option) in known or section == "cosmos", key


def test_the_metadata_lie_in_their_own_database_on_the_same_server(shop: Settings) -> None:
    url = airflow_env(shop, 8080)["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    assert url == "postgresql+psycopg2://rapport:pw@127.0.0.1:5433/airflow?sslmode=disable"


def test_secrets_are_made_once_kept_and_private(shop: Settings) -> None:
    first, second = airflow_env(shop, 8080), airflow_env(shop, 9090)
    assert first["AIRFLOW__API_AUTH__JWT_SECRET"] == second["AIRFLOW__API_AUTH__JWT_SECRET"]
    assert len(first["AIRFLOW__API_AUTH__JWT_SECRET"]) >= 64
    assert second["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:9090/execution/"
    launcher = AirflowLauncher(shop)
    passwords = json.loads((shop.home / "airflow" / "passwords.json").read_text()) if launcher.password else {}
    assert set(passwords) == {"admin", "marketer", "viewer"}
    for name in ("secrets.json", "passwords.json"):
        assert (shop.home / "airflow" / name).stat().st_mode & 0o077 == 0


def test_children_compile_bytecode_and_see_the_warehouse(shop: Settings) -> None:
    launcher = AirflowLauncher(shop, env={"PYTHONDONTWRITEBYTECODE": "1", "PATH": "/bin", "RAPPORT_SHOP_NAME": "Shop"})
    env = launcher._environment()
    assert "PYTHONDONTWRITEBYTECODE" not in env
    assert env["RAPPORT_DATABASE_URL"] == shop.database_url
    assert env["RAPPORT_SHOP_NAME"] == "Shop"


def test_a_taken_port_is_replaced_by_a_free_one(shop: Settings) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert AirflowLauncher(shop, port=port).port not in {0, port}


def _api(answer: Any) -> AirflowApi:
    api = AirflowApi("http://airflow", "admin", "pw")
    api._client = httpx.Client(base_url="http://airflow", transport=httpx.MockTransport(answer))
    return api


def test_an_expired_token_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = iter(["old", "new"])

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/token":
            return httpx.Response(201, json={"access_token": next(tokens)})
        if request.headers["Authorization"] != "Bearer new":
            return httpx.Response(401)
        return httpx.Response(200, json={"state": "success"})

    assert _api(answer).wait_run("deliver", "manual__1", timeout=1) == "success"


def test_errors_say_which_request_was_refused() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/token":
            return httpx.Response(201, json={"access_token": "t"})
        return httpx.Response(503 if "deliver" in request.url.path else 403, text="no")

    with pytest.raises(TransientError, match="503 to GET /api/v2/dags/deliver"):
        _api(answer).wait_dag("deliver")
    with pytest.raises(PermanentError, match="403 to GET /api/v2/dags/maintain"):
        _api(answer).wait_dag("maintain")


def test_failed_tasks_come_with_the_last_error_of_their_log() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/token":
            return httpx.Response(201, json={"access_token": "t"})
        if request.url.path.endswith("/taskInstances"):
            return httpx.Response(200, json={"task_instances": [{"task_id": "gate", "try_number": 1}]})
        detail = [{"exc_type": "GateFailed", "exc_value": "id is not unique"}]
        content = [{"event": "starting"}, {"event": "Task failed", "error_detail": detail}, {"event": "done"}]
        return httpx.Response(200, json={"content": content})

    assert _api(answer).failed_tasks("ingest_shopify", "r") == ["gate: Task failed GateFailed: id is not unique"]
    assert last_error("all well") == "no error in its log"
