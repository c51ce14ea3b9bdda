"""The whole sandbox as one process: the vendors' servers, the mailbox, and the people who live on."""

import asyncio
import fcntl
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from rapport.clock import Clock
from rapport.errors import PermanentError
from rapport.sandbox import bluesky, mail, mailbox, shopify, world, zendesk
from rapport.sandbox.life import Life
from rapport.sandbox.outbox import Gateway
from rapport.sandbox.ports import Ports
from rapport.sandbox.servers import Servers

log = structlog.get_logger(__name__)

EVENTS_PATH = "/sendgrid/events"
ENDPOINTS_FILE = "endpoints.json"


@dataclass(frozen=True)
class Options:
    """`customers`, `seed` and `months` count only when the world is made; its history ends at the clock's now.

    With `web_write_key`, one that the gateway knows, people browse as well. `public_host` is the name other machines
    reach this one by, if it is not `host`. Into `inbox` go files of systems that send files.
    """

    directory: Path
    clock: Clock
    customers: int = 3000
    seed: int = 7
    months: int = 18
    gateway_url: str | None = None
    web_write_key: str | None = None
    host: str = "127.0.0.1"
    public_host: str | None = None
    inbox: Path | None = None
    ports: Ports = field(default_factory=Ports)
    tick_seconds: float = 0.5
    say: Callable[[str], None] = print


def run(
    directory: Path,
    clock: Clock,
    *,
    customers: int = 3000,
    seed: int = 7,
    months: int = 18,
    gateway_url: str | None = None,
    web_write_key: str | None = None,
    host: str = "127.0.0.1",
    public_host: str | None = None,
    inbox: Path | None = None,
    ports: Ports | None = None,
) -> None:
    """Serves until SIGINT or SIGTERM. Raises PermanentError when another sandbox runs on the same directory."""
    options = Options(
        directory,
        clock,
        customers,
        seed,
        months,
        gateway_url,
        web_write_key,
        host,
        public_host,
        inbox,
        ports or Ports(),
    )
    asyncio.run(serve(options))


async def serve(options: Options, stop: asyncio.Event | None = None) -> None:
    """Makes the world if there is none, serves until `stop` is set or a signal comes, and ends everything it began.

    `<directory>/endpoints.json` exists exactly while all servers listen.
    """
    stop = stop or asyncio.Event()
    _stop_on_signals(stop)
    directory, endpoints = options.directory, options.directory / ENDPOINTS_FILE
    with _alone(directory):
        endpoints.unlink(missing_ok=True)
        await _make_world(options)
        seed = world_seed(directory, options.seed)
        servers = Servers(options.host)
        found = _add_servers(servers, options, seed)
        life = Life(directory, options.clock, seed, gateway=_gateway(options), inbox=options.inbox)
        try:
            await asyncio.to_thread(life.export)
            await servers.start()
            _write(endpoints, found)
            _tell(options, found)
            await _live(life, stop, options.tick_seconds)
        finally:
            endpoints.unlink(missing_ok=True)
            await servers.stop()
            life.close()


def _gateway(options: Options) -> Gateway | None:
    if options.gateway_url is None or options.web_write_key is None:
        return None
    return Gateway(options.gateway_url, options.web_write_key)


def world_seed(directory: Path, default: int) -> int:
    """The seed the world was made from, so that a restart with another one does not change what people do."""
    from rapport.sandbox.store import get_meta, open_world

    con = open_world(directory)
    try:
        return int(get_meta(con, "seed") or default)
    finally:
        con.close()


async def _make_world(options: Options) -> None:
    if world.is_generated(options.directory):
        return
    options.say(f"Making a shop with {options.customers} customers and {options.months} months of history.")
    rows = await asyncio.to_thread(
        world.generate,
        options.directory,
        seed=options.seed,
        customers=options.customers,
        origin=options.clock.now(),
        months=options.months,
    )
    options.say(f"The shop has {rows['shopify_orders']} orders and {rows['zendesk_tickets']} tickets.")


def _add_servers(servers: Servers, options: Options, seed: int) -> dict[str, dict[str, Any]]:
    directory, clock = options.directory, options.clock
    webhook = options.gateway_url.rstrip("/") + EVENTS_PATH if options.gateway_url else None
    ledger = mail.Ledger(directory)
    if webhook:
        ledger.set_setting("webhook_url", webhook)
    group, key = ledger.default_group, ledger.api_key
    ledger.close()
    apps: dict[str, Any] = {
        "shopify": shopify.app(directory, clock),
        "zendesk": zendesk.app(directory, clock),
        "bluesky": bluesky.app(directory, clock),
        "sendgrid": mail.app(directory, clock, options=mail.MailOptions(seed=seed)),
        "mailbox": mailbox.app(directory),
    }
    access: dict[str, dict[str, Any]] = {
        "shopify": {"token": shopify.TOKEN},
        "zendesk": {"email": zendesk.EMAIL, "token": zendesk.TOKEN},
        "bluesky": {"handle": bluesky.HANDLE, "app_password": bluesky.APP_PASSWORD},
        "sendgrid": {
            "api_key": key,
            "unsubscribe_group": group,
            "webhook_public_key": mail.public_key_base64(directory),
        },
        "mailbox": {},
    }
    host = options.public_host or ("127.0.0.1" if options.host == "0.0.0.0" else options.host)  # noqa: S104
    for name, app in apps.items():
        wanted = getattr(options.ports, name)
        port = servers.add(name, app, wanted)
        if wanted and port != wanted:
            options.say(f"Port {wanted} is taken; {name} listens on {port}.")
        access[name] = {"url": f"http://{host}:{port}"} | access[name]
    return access


async def _live(life: Life, stop: asyncio.Event, pause: float) -> None:
    while not stop.is_set():
        wait = pause
        try:
            counts = await asyncio.to_thread(life.tick)
            if counts:
                log.debug("life", **counts)
        except Exception as problem:  # one bad moment must not end the world; the agenda keeps what was not done
            log.warning("life stumbled", error=type(problem).__name__, detail=str(problem)[:200])
            wait = 5.0
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), wait)


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        # Only the main thread may listen to signals; elsewhere the caller sets the event.
        with suppress(RuntimeError, ValueError, NotImplementedError):
            loop.add_signal_handler(name, stop.set)


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "sandbox.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise PermanentError(
                f"another sandbox runs on {directory}: stop it, or name another place with --dir"
            ) from None
        yield


def _write(path: Path, found: dict[str, dict[str, Any]]) -> None:
    part = path.with_suffix(f".{os.getpid()}.part")
    part.touch(mode=0o600)
    part.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    part.replace(path)


def _tell(options: Options, found: dict[str, dict[str, Any]]) -> None:
    for name, access in found.items():
        options.say(f"{name:9} {access['url']}")
    options.say(f"Tokens and keys: {options.directory / ENDPOINTS_FILE}")
