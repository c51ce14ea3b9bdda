"""Log lines: one JSON document each for machines, and never a variable of a frame."""

import json
import os
import subprocess
import sys

SCRIPT = """
import logging
from rapport import logs
logs.configure()
log = logging.getLogger("rapport.test")
def fail():
    address = "ada@post.example"
    raise ValueError("no")
log.info("dispatched", extra={"accepted": 3})
try:
    fail()
except ValueError:
    log.exception("broken")
"""


def lines(**environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, env=dict(os.environ) | environment
    )
    return done.stderr.splitlines()


def test_a_line_is_a_json_document_with_its_figures() -> None:
    first, second = (json.loads(line) for line in lines(RAPPORT_LOG_FORMAT="json", RAPPORT_LOG_LEVEL="info"))
    assert (first["event"], first["level"], first["accepted"]) == ("dispatched", "info", 3)
    assert "ValueError: no" in second["exception"]
    assert "ada@" not in json.dumps(second)


def test_people_get_plain_lines_of_what_matters() -> None:
    found = lines(RAPPORT_LOG_FORMAT="", RAPPORT_LOG_LEVEL="nonsense")
    assert found[0] == "ERROR rapport.test: broken"
