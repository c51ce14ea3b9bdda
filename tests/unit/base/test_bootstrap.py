"""The installer's choice of an interpreter, without installing anything."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "bootstrap.sh", tmp_path / "scripts")
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_text(f"# {name}\n")
    return tmp_path


def bootstrap(clone: Path, python: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(clone / "scripts" / "bootstrap.sh")],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(clone), "PYTHON": python},
    )


@pytest.mark.parametrize("python", ["no-such-python", "false"])
def test_a_named_python_that_does_not_fit_is_refused_rather_than_replaced(clone: Path, python: str) -> None:
    done = bootstrap(clone, python)
    assert done.returncode == 1
    assert f"PYTHON={python} does not run" in done.stderr
    assert not (clone / ".venv").exists()


def test_an_environment_that_is_as_the_lock_says_is_left_alone(clone: Path) -> None:
    programs = clone / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    (programs / "rapport").write_text("#!/bin/sh\n")
    (programs / "rapport").chmod(0o755)
    said = "cat requirements.lock pyproject.toml | cksum"
    state = subprocess.run(["sh", "-c", said], capture_output=True, text=True, check=True, cwd=clone).stdout
    (clone / ".venv" / ".rapport-installed").write_text(state)
    done = bootstrap(clone, sys.executable)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
