import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rapport.demo.processes import Children, alone, end_running
from rapport.errors import PermanentError, TransientError

SLEEPER = [
    sys.executable,
    "-c",
    "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])",
]


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_stopping_ends_the_children_of_children_too(tmp_path: Path) -> None:
    children = Children(tmp_path)
    child = children.start("sleeper", SLEEPER, os.environ)
    children.stop()
    assert not alive(child.pid)


def test_a_child_that_ends_by_itself_is_reported_with_its_last_words(tmp_path: Path) -> None:
    children = Children(tmp_path)
    child = children.start("failing", [sys.executable, "-c", "raise SystemExit('no such port')"], os.environ)
    child.wait()
    with pytest.raises(TransientError, match=r"failing ended with code 1: no such port"):
        children.check()


def test_a_later_demo_ends_what_a_killed_one_left(tmp_path: Path) -> None:
    child = Children(tmp_path).start("left", SLEEPER, os.environ)
    assert Children(tmp_path).stop_left_over() == ["left"]
    child.wait()
    deadline = time.monotonic() + 10
    while alive(child.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(child.pid)


def test_a_second_demo_is_refused_rather_than_ending_the_first(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(PermanentError, match=r"already.*rapport demo --stop"), alone(tmp_path):
        pass
    with alone(tmp_path):
        pass


RUNNING = """
import signal, sys, time
from pathlib import Path
from rapport.demo.processes import alone

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
with alone(Path(sys.argv[1])):
    try:
        print("up", flush=True)
        time.sleep(60)
    finally:
        (Path(sys.argv[1]) / "cleaned").touch()
"""


def test_a_running_demo_is_asked_to_end_and_has_cleaned_up(tmp_path: Path) -> None:
    assert not end_running(tmp_path)
    with subprocess.Popen([sys.executable, "-c", RUNNING, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        assert end_running(tmp_path)
        assert (tmp_path / "cleaned").exists()
    assert process.returncode == 0
    assert not end_running(tmp_path)
