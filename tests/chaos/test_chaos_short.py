"""A short proof of delivery, so that a change that breaks it is noticed before the long one runs."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("part", "recipients"), [("run", 300), ("controls", 200), ("failpoints", 0), ("sweep", 0)])
def test_the_short_proof_holds(part: str, recipients: int) -> None:
    command = [sys.executable, "-m", "tests.chaos", part, "--short", "--seed", "3", "--recipients", str(recipients)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("held"), done.stdout
