"""Children of the demo: each in its own process group, logged to a file, stopped together."""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import psutil

from rapport.errors import PermanentError, TransientError

GRACE_SECONDS = 15.0
END_SECONDS = 60.0
LOCK = "demo.lock"


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


@contextlib.contextmanager
def alone(home: Path) -> Iterator[None]:
    """Holds the only place for a demo on `home`; raises PermanentError while another one holds it."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / LOCK).open("a+") as lock:
        if not _locked(lock):
            raise PermanentError(
                f"a demo runs on {home} already: press Ctrl-C where it runs, or end it with `rapport demo --stop`"
            )
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def end_running(home: Path) -> bool:
    """Asks the demo that runs on `home` to end and waits until it has cleaned up; False when none runs.

    Raises TransientError when it takes longer than a minute.
    """
    if not (home / LOCK).exists():
        return False
    with (home / LOCK).open("r+") as lock:
        asked, deadline = False, time.monotonic() + END_SECONDS
        while time.monotonic() < deadline:
            if _locked(lock):
                return asked
            lock.seek(0)
            if not asked and (pid := lock.read()):
                asked = True
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGTERM)
            time.sleep(0.2)
    raise TransientError(f"the demo on {home} did not end within {END_SECONDS:.0f} s; look at its terminal")


def _locked(lock: TextIO) -> bool:
    """Whether the lock is ours now."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


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
