"""Several web applications in one process and one event loop, each on its own port, stopped together."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn

from rapport.errors import TransientError

START_SECONDS = 30.0
GRACE_SECONDS = 3


class _Quiet(uvicorn.Server):
    """Leaves signals to whoever runs all servers."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Servers:
    """Applications by name; sockets are bound at `add`, so a port is known before anything is served."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._servers: dict[str, tuple[uvicorn.Server, socket.socket]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def add(self, name: str, app: Any, port: int) -> int:
        """Binds `port`, or a free one if it is taken or 0; returns the port bound."""
        bound = _bind(self._host, port)
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            lifespan="auto",
            timeout_graceful_shutdown=GRACE_SECONDS,
            ws="none",
        )
        self._servers[name] = (_Quiet(config), bound)
        return int(bound.getsockname()[1])

    async def start(self) -> None:
        """Returns once every application answers. Raises TransientError when one does not come up."""
        for server, bound in self._servers.values():
            self._tasks.append(asyncio.create_task(server.serve(sockets=[bound])))
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        while not all(server.started for server, _ in self._servers.values()):
            if any(task.done() for task in self._tasks) or asyncio.get_running_loop().time() > deadline:
                await self.stop()
                raise TransientError("a server of the sandbox did not start; its reason stands above")
            await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """Ends all applications; open requests get a few seconds."""
        for server, _ in self._servers.values():
            server.should_exit = True
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for _, bound in self._servers.values():
            bound.close()


def _bind(host: str, port: int) -> socket.socket:
    for candidate in (port, 0):
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, candidate))
        except OSError:
            bound.close()
            continue
        return bound
    raise TransientError(f"no port can be bound on {host}")
