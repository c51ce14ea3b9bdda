"""What a person meets at the command line: help for everything, one sentence for what goes wrong."""

import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
import typer

from rapport.cli import app

ROOT = Path(__file__).resolve().parents[3]


def commands(group: click.Command, path: str = "rapport") -> list[tuple[str, click.Command]]:
    found = [(path, group)]
    for name, command in getattr(group, "commands", {}).items():
        found += commands(command, f"{path} {name}")
    return found


@pytest.mark.parametrize(("path", "command"), commands(typer.main.get_command(app)))
def test_every_command_and_option_is_explained(path: str, command: click.Command) -> None:
    assert command.help, path
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.name != "help":
            assert parameter.help, f"{path} {parameter.name}"


def run(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from rapport.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"RAPPORT_HOME": str(home), "PATH": "/usr/bin:/bin"},
    )


def test_an_expected_error_is_one_sentence_without_a_traceback(tmp_path: Path) -> None:
    done = run("db", "migrate", home=tmp_path)
    assert done.returncode == 1
    assert "rapport db start" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_source_is_named_with_those_that_exist(tmp_path: Path) -> None:
    done = run("load", "shopyfi", home=tmp_path)
    assert done.returncode == 1
    assert "shopyfi" in done.stderr
    assert "shopify, zendesk, bluesky" in done.stderr


def test_help_does_not_import_what_takes_seconds() -> None:
    heavy = ("dlt", "dbt", "pandas", "airflow", "pyarrow")
    code = f"import sys, rapport.cli; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


SLEEPING = """
import sys, time
from types import SimpleNamespace
import rapport.bench as bench

def run(rows):
    try:
        print("up", flush=True)
        time.sleep(60)
    finally:
        print("stopped its servers", flush=True)

sys.modules["rapport.bench.sleeping"] = SimpleNamespace(run=run)
bench.NAMES = ("sleeping",)
bench.run_benchmarks(None, rows=None)
"""


def test_a_benchmark_that_is_told_to_end_stops_what_it_started() -> None:
    with subprocess.Popen([sys.executable, "-c", SLEEPING], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.terminate()
        said, _ = process.communicate(timeout=30)
    assert said == "stopped its servers\n"
    assert process.returncode == 128 + signal.SIGTERM
