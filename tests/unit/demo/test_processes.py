import os
import sys
import time
from pathlib import Path

import pytest

from rapport.demo.processes import Children
from rapport.errors import TransientError

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
