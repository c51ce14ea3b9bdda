"""`rapport preflight`: may mail leave, and what is to be done if not."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from rapport.clock import get_clock
from rapport.settings import get_settings

if TYPE_CHECKING:
    from rapport.delivery.preflight import PreflightReport

COLOURS = {"green": "green", "yellow": "yellow", "red": "bold red", "skipped": "dim"}


def preflight(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Check DNS, links, keys and clocks before anything is sent; exit code 1 while a check is red."""
    from rapport.delivery.preflight import run_preflight

    settings = get_settings()
    report = run_preflight(settings, get_clock(settings))
    if as_json:
        typer.echo(_json(report))
    else:
        _print_table(report)
    if not report.passed:
        raise typer.Exit(1)


def _json(report: "PreflightReport") -> str:
    verdicts = [asdict(verdict) for verdict in report.verdicts]
    document = {"ran_at": report.ran_at.isoformat(), "passed": report.passed, "verdicts": verdicts}
    return json.dumps(document, indent=2, ensure_ascii=False)


def _print_table(report: "PreflightReport") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("check", "", "found", "to do")
    for verdict in report.verdicts:
        # Text, not markup: what others publish in DNS must not colour or link our table.
        level = Text(verdict.level, style=COLOURS[verdict.level])
        table.add_row(Text(verdict.check), level, Text(verdict.found), Text(verdict.todo))
    console = Console()
    console.print(table)
    console.print(
        "mail may leave" if report.passed else f"nothing is sent: {len(report.red)} red, see docs/preflight.md"
    )


def register(app: typer.Typer) -> None:
    app.command()(preflight)
