"""Vendor keys from Airflow's connections, where there are any; else they stay as the environment says."""

import logging
from typing import Any

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from rapport.clock import Clock, get_clock
from rapport.settings import Settings, get_settings

log = logging.getLogger(__name__)

# Connection id -> part of the connection -> setting.
FIELDS: dict[str, dict[str, str]] = {
    "shopify": {"url": "shopify_url", "password": "shopify_token"},
    "zendesk": {"url": "zendesk_url", "login": "zendesk_email", "password": "zendesk_token"},
    "bluesky": {"url": "bluesky_url", "login": "bluesky_handle", "password": "bluesky_app_password"},
    "sendgrid": {
        "url": "sendgrid_url",
        "password": "sendgrid_api_key",
        "unsubscribe_group": "sendgrid_unsubscribe_group",
    },
    "smtp": {
        "host": "smtp_host",
        "port": "smtp_port",
        "login": "smtp_user",
        "password": "smtp_password",
        "security": "smtp_security",
    },
}


def runtime(*vendors: str) -> tuple[Settings, Clock]:
    """Settings and clock of this task; keys of `vendors` come from their Airflow connections first."""
    settings = with_connections(get_settings(), *vendors)
    return settings, get_clock(settings)


def with_connections(settings: Settings, *vendors: str) -> Settings:
    """Settings overridden by the connections named as the vendors; what a connection leaves empty stays."""
    changes: dict[str, Any] = {}
    for vendor in vendors:
        connection = _find(vendor)
        if connection is None:
            continue
        parts = _parts(connection)
        found = {setting: parts[part] for part, setting in FIELDS[vendor].items() if parts.get(part)}
        log.info("connection %s sets %s", vendor, ", ".join(sorted(found)) or "nothing")
        changes |= found
    return settings.model_copy(update=changes) if changes else settings


def _find(vendor: str) -> Connection | None:
    try:
        found: Connection = Connection.get(vendor)
    except AirflowNotFoundException:
        return None
    return found


def _parts(connection: Connection) -> dict[str, Any]:
    extra = connection.extra_dejson
    group = extra.get("unsubscribe_group")
    return {
        "url": _url(connection),
        "host": connection.host,
        "port": connection.port,
        "login": connection.login,
        "password": connection.password,
        "unsubscribe_group": int(group) if group else None,
        "security": extra.get("security"),
    }


def _url(connection: Connection) -> str | None:
    """The host may be a whole address or a bare name; a bare name means https."""
    if not connection.host:
        return None
    host = connection.host if "://" in connection.host else f"{connection.schema or 'https'}://{connection.host}"
    return f"{host}:{connection.port}" if connection.port else host
