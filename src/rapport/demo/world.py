"""The simulated shop and the gateway as children of the demo, and the environment that everything shares."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from rapport.clock import DemoClock
from rapport.db import connect, database_url, migrate
from rapport.db.embedded import PREFERRED_PORT, EmbeddedPostgres, free_port
from rapport.demo.processes import Children, rapport_command
from rapport.errors import TransientError
from rapport.landing.inbox import FOLDER
from rapport.sandbox.catalogue import SHOP
from rapport.sandbox.ports import Ports
from rapport.settings import Settings, get_settings

GATEWAY_PORT = 8090
START_SECONDS = 90.0


@dataclass(frozen=True)
class DemoWorld:
    """Where everything is, once it runs."""

    settings: Settings
    clock: DemoClock
    env: dict[str, str]
    endpoints: dict[str, Any]


def start_clock(settings: Settings, pace: float) -> DemoClock:
    """The demo's clock: goes on where the last demo stopped, else starts this morning at six in the shop's zone."""
    path = settings.home / "clock.json"
    clock = DemoClock(path)
    if path.exists():
        clock.set_pace(pace)
    else:
        from zoneinfo import ZoneInfo

        morning = datetime.now(ZoneInfo(settings.shop_time_zone)).replace(hour=6, minute=0, second=0, microsecond=0)
        clock.set(morning.astimezone(UTC), pace)
    return clock


def start_warehouse(settings: Settings, say: Callable[[str], None]) -> None:
    """Starts Postgres if it is ours, and migrates."""
    if not settings.database_url:
        tell_port("Postgres", PREFERRED_PORT, EmbeddedPostgres(settings.home).start(), say)
    with connect(settings=settings) as conn:
        migrate(conn)


def tell_port(what: str, wanted: int, port: int, say: Callable[[str], None]) -> None:
    """Says where something listens that could not have its usual port."""
    if port != wanted:
        say(f"Port {wanted} is taken; {what} listens on {port}.")


def start_world(
    base: Settings, children: Children, *, customers: int, seed: int, say: Callable[[str], None], pace: float
) -> DemoWorld:
    """Sandbox and gateway around a warehouse that runs. The sandbox is up when this returns; `wait_for_gateway` knows
    when the gateway is."""
    clock = start_clock(base, pace)
    gateway_port = free_port(GATEWAY_PORT)
    tell_port("the gateway", GATEWAY_PORT, gateway_port, say)
    gateway_url = f"http://127.0.0.1:{gateway_port}"
    directory = base.home / "sandbox"
    (directory / "endpoints.json").unlink(missing_ok=True)
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    env |= {
        "RAPPORT_DATABASE_URL": database_url(base),
        "RAPPORT_CLOCK_FILE": str(base.home / "clock.json"),
        "RAPPORT_ENVIRONMENT": "demo",
        "RAPPORT_GATEWAY_URL": gateway_url,
        # It stands in the shop's pages for all to read, so any will do.
        "RAPPORT_WEB_WRITE_KEYS": ",".join(base.web_write_keys) or "demo-pages",
        "RAPPORT_WEB_ORIGINS": ",".join(base.web_origins) or SHOP,
        "RAPPORT_SHOP_NAME": base.shop_name,
        "RAPPORT_SHOP_POSTAL_ADDRESS": base.shop_postal_address or "1 Demo Street, London, United Kingdom",
    }
    arguments: tuple[str, ...] = ("--dir", str(directory), "--customers", str(customers), "--seed", str(seed))
    arguments += ("--gateway-url", gateway_url, "--inbox", str(base.home / FOLDER))
    children.start("sandbox", rapport_command("sandbox", *arguments), env)
    endpoints = _wait_for_endpoints(directory, children)
    for name, wanted in asdict(Ports()).items():
        tell_port(f"the sandbox's {name}", wanted, urlsplit(endpoints[name]["url"]).port or 0, say)
    env |= vendor_environment(endpoints)
    children.start("gateway", rapport_command("gateway", "--port", str(gateway_port)), env)
    os.environ.update({k: v for k, v in env.items() if k.startswith("RAPPORT_")})
    get_settings.cache_clear()
    return DemoWorld(get_settings(), clock, env, endpoints | {"gateway": gateway_url})


def vendor_environment(endpoints: dict[str, Any]) -> dict[str, str]:
    """The sandbox's addresses and keys as the settings a shop would set for the real vendors."""
    shopify, zendesk, bluesky, sendgrid = (endpoints[name] for name in ("shopify", "zendesk", "bluesky", "sendgrid"))
    return {
        "RAPPORT_SHOPIFY_URL": shopify["url"],
        "RAPPORT_SHOPIFY_TOKEN": shopify["token"],
        "RAPPORT_ZENDESK_URL": zendesk["url"],
        "RAPPORT_ZENDESK_EMAIL": zendesk["email"],
        "RAPPORT_ZENDESK_TOKEN": zendesk["token"],
        "RAPPORT_BLUESKY_URL": bluesky["url"],
        "RAPPORT_BLUESKY_HANDLE": bluesky["handle"],
        "RAPPORT_BLUESKY_APP_PASSWORD": bluesky["app_password"],
        "RAPPORT_SENDGRID_URL": sendgrid["url"],
        "RAPPORT_SENDGRID_API_KEY": sendgrid["api_key"],
        "RAPPORT_SENDGRID_WEBHOOK_PUBLIC_KEYS": sendgrid["webhook_public_key"],
        "RAPPORT_SENDGRID_UNSUBSCRIBE_GROUP": str(sendgrid["unsubscribe_group"]),
    }


def wait_for_gateway(world: DemoWorld, children: Children) -> None:
    """Returns once it answers 200; raises TransientError when a child dies or the time is over."""
    url = f"{world.endpoints['gateway']}/healthz"
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        children.check()
        try:
            if httpx.get(url, timeout=2).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise TransientError(f"{url} did not answer within {START_SECONDS:.0f} s; see the logs folder")


def _wait_for_endpoints(directory: Path, children: Children) -> dict[str, Any]:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        children.check()
        path = directory / "endpoints.json"
        if path.exists():
            return dict(json.loads(path.read_text()))
        time.sleep(0.2)
    raise TransientError(f"the sandbox did not come up within {START_SECONDS:.0f} s; see the logs folder")
