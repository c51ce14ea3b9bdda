"""The shell turns Rapport's errors, keys and failures into Airflow's terms."""

import logging
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from rapport.errors import AmbiguousError, DataError, GateFailed, PermanentError, TransientError
from rapport.settings import Settings


@pytest.mark.parametrize(
    "error", [PermanentError("no key"), DataError("bad row"), GateFailed("twice"), AmbiguousError("?")]
)
def test_what_a_retry_cannot_help_fails_at_once(airflow_home: Any, error: Exception) -> None:
    from airflow.sdk import RetryAction
    from rapport_airflow.retries import RapportRetryPolicy

    decision = RapportRetryPolicy().evaluate(error, 1, 3)
    assert decision.action is RetryAction.FAIL
    assert str(error) in str(decision.reason)


@pytest.mark.parametrize(("asked", "waits"), [(42.0, timedelta(seconds=42)), (86400.0, timedelta(minutes=15))])
def test_a_retry_comes_when_the_other_side_asked_for_it(airflow_home: Any, asked: float, waits: timedelta) -> None:
    from airflow.sdk import RetryAction
    from rapport_airflow.retries import RapportRetryPolicy

    decision = RapportRetryPolicy().evaluate(TransientError("busy", retry_after=asked), 1, 3)
    assert (decision.action, decision.retry_delay) == (RetryAction.RETRY, waits)


@pytest.mark.parametrize("error", [TransientError("away"), OSError("disk")])
def test_other_errors_follow_the_tasks_own_retries(airflow_home: Any, error: Exception) -> None:
    from airflow.sdk import RetryAction
    from rapport_airflow.retries import RapportRetryPolicy

    assert RapportRetryPolicy().evaluate(error, 1, 3).action is RetryAction.DEFAULT


def test_a_connection_overrides_the_environment(
    airflow_home: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rapport_airflow.connections import with_connections

    monkeypatch.setenv("AIRFLOW_CONN_ZENDESK", "http://agent%40shop.example:secret@shop.zendesk.example")
    seen = with_connections(settings.model_copy(update={"shopify_token": "from-env"}), "zendesk", "shopify")
    assert seen.zendesk_email == "agent@shop.example"
    assert seen.zendesk_token == "secret"
    assert seen.zendesk_url is not None
    assert seen.zendesk_url.endswith("://shop.zendesk.example")
    assert seen.shopify_token == "from-env"


def test_an_address_in_the_host_stays_as_it_is(
    airflow_home: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rapport_airflow.connections import with_connections

    monkeypatch.setenv(
        "AIRFLOW_CONN_SENDGRID",
        '{"conn_type": "http", "host": "http://127.0.0.1:9", "password": "k", "extra": {"unsubscribe_group": "17"}}',
    )
    seen = with_connections(settings, "sendgrid")
    assert (seen.sendgrid_url, seen.sendgrid_api_key, seen.sendgrid_unsubscribe_group) == (
        "http://127.0.0.1:9",
        "k",
        17,
    )


def test_a_mail_servers_connection_names_host_port_login_and_security(
    airflow_home: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rapport_airflow.connections import with_connections

    monkeypatch.setenv(
        "AIRFLOW_CONN_SMTP",
        '{"conn_type": "smtp", "host": "mail.shop.example", "port": 465, "login": "shop", "password": "k",'
        ' "extra": {"security": "tls"}}',
    )
    seen = with_connections(settings, "sendgrid", "smtp")
    assert (seen.smtp_host, seen.smtp_port, seen.smtp_security) == ("mail.shop.example", 465, "tls")
    assert (seen.smtp_user, seen.smtp_password) == ("shop", "k")
    assert seen.sendgrid_url == settings.sendgrid_url


def test_a_source_that_the_shop_does_not_use_holds_up_nobody(
    airflow_home: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from rapport_airflow import connections, steps

    monkeypatch.setattr(connections, "get_settings", lambda: settings)
    with caplog.at_level(logging.INFO):
        steps.load("zendesk")
    assert "zendesk: not connected, nothing to load" in caplog.text


FAILED = SimpleNamespace(dag_id="ingest_shopify", task_id="load", run_id="manual__1", try_number=2)


def test_an_alert_is_one_line_that_names_task_reason_and_remedy(
    airflow_home: Any, caplog: pytest.LogCaptureFixture
) -> None:
    from rapport_airflow import listener

    with caplog.at_level(logging.ERROR, logger="rapport.alert"):
        listener.on_task_instance_failed(
            None, FAILED, GateFailed("raw_shopify: 3 of 20 checks failed\nid is not unique")
        )
    (record,) = caplog.records
    line = record.getMessage()
    assert "\n" not in line
    for part in ("ingest_shopify.load", "manual__1", "try 2", "id is not unique", "notes of the DAG ingest_shopify"):
        assert part in line


def test_an_alert_quotes_no_foreign_error_as_it_may_hold_a_person(airflow_home: Any) -> None:
    from rapport_airflow.listener import describe

    line = describe(FAILED, ValueError("Key (email)=(ann@shop.example) already exists"))
    assert "ValueError" in line
    assert "ann@" not in line


def test_a_broken_channel_does_not_hide_the_others(airflow_home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from rapport_airflow import listener

    def broken(line: str) -> None:
        raise OSError(line)

    got: list[str] = []
    monkeypatch.setattr(listener, "CHANNELS", [broken, got.append])
    listener.on_task_instance_failed(None, FAILED, None)
    assert len(got) == 1


def test_airflow_loads_the_alert_plugin_and_leaves_packages_alone(airflow_home: Any) -> None:
    from airflow.plugins_manager import _get_plugins

    plugins, errors = _get_plugins()
    assert errors == {}
    assert [plugin.name for plugin in plugins if plugin.name.startswith("rapport")] == ["rapport_alerts"]
