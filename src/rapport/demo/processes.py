"""Children of the demo: each in its own process group, logged to a file, stopped together."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from rapport.errors import TransientError

GRACE_SECONDS = 15.0


@dataclass
class Children:
    """Starts children and remembers them in a file, so that a later `--stop` finds what a crash left."""

    home: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def _file(self) -> Path:
        return self.home / "demo.pids"

    def start(self, name: str, command: list[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        logs = self.home / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        with (logs / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(
                command, env=dict(env), stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        self.running[name] = child
        self.remember(name, child.pid)
        return child

    def remember(self, name: str, pid: int) -> None:
        """Notes a process group that somebody else started."""
        known = self._known()
        # A pid may be given to a stranger later; its start time tells them apart.
        known[name] = (pid, psutil.Process(pid).create_time())
        self._file.write_text(json.dumps(known))

    def check(self) -> None:
        """Raises TransientError naming a child that ended by itself, and where its log lies."""
        for name, child in self.running.items():
            if child.poll() is not None:
                log = self.home / "logs" / f"{name}.log"
                tail = log.read_text(errors="replace").strip().splitlines()[-3:]
                raise TransientError(f"{name} ended with code {child.returncode}: {' | '.join(tail)} (see {log})")

    def stop(self) -> None:
        """Ends every child, politely first."""
        for child in self.running.values():
            _signal_group(child.pid, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        for child in self.running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(0.1, deadline - time.monotonic()))
            _signal_group(child.pid, signal.SIGKILL)
            child.wait()
        self.running.clear()
        self._file.unlink(missing_ok=True)

    def stop_left_over(self) -> list[str]:
        """Ends what an earlier demo that was killed left running; returns the names."""
        ended = []
        for name, (pid, started) in self._known().items():
            if _started(pid) == started:
                _signal_group(pid, signal.SIGTERM)
                time.sleep(1)
                _signal_group(pid, signal.SIGKILL)
                ended.append(name)
        self._file.unlink(missing_ok=True)
        return ended

    def _known(self) -> dict[str, tuple[int, float]]:
        return dict(json.loads(self._file.read_text())) if self._file.exists() else {}


def rapport_command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from rapport.cli import main; main()", *arguments]


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _started(pid: int) -> float | None:
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return None
