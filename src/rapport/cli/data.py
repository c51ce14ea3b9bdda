"""`rapport load | import | gate | run | rollback | bench | docs`: from raw data to an audience."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from rapport.clock import get_clock
from rapport.settings import get_settings


def load(vendor: Annotated[str, typer.Argument(help="shopify, zendesk or bluesky")]) -> None:
    """Pull what is new from one vendor into its raw tables."""
    from rapport import pipeline
    from rapport.errors import PermanentError

    if vendor not in pipeline.VENDORS:
        raise PermanentError(f"no source {vendor!r}; there are {', '.join(pipeline.VENDORS)}")
    settings = get_settings()
    typer.echo(pipeline.load(vendor, settings, get_clock(settings)))


def import_files(
    files: Annotated[list[Path], typer.Argument(help="CSV, TSV, JSON Lines, Excel, OpenDocument or Parquet.")],
    mapping: Annotated[str, typer.Option(help="Mapping file, or the name of one that ships (online_retail_ii).")],
    again: Annotated[bool, typer.Option("--again", help="Read files that were imported before once more.")] = False,
) -> None:
    """Read exports of orders, customers, products or loyalty points by a mapping file; again changes nothing."""
    from rapport.landing.files import import_file
    from rapport.sources.files import load_mapping

    settings = get_settings()
    chosen = load_mapping(mapping)
    for path in files:
        report = import_file(path, chosen, settings, get_clock(settings), again=again, progress=_progress)
        typer.echo("\n".join(report.lines()))


def gate(suite: Annotated[str, typer.Argument(help="File name under expectations/ without .json.")]) -> None:
    """Run one expectation suite; exit code 1 and the reasons when it fails."""
    from rapport.quality import require_gate

    settings = get_settings()
    require_gate(suite, settings, get_clock(settings))
    typer.echo(f"{suite}: passed")


def run(
    plan: Annotated[bool, typer.Option(help="Also plan the campaigns that are due.")] = True,
) -> None:
    """The main job: load, gate, dbt, identity, segments, audience, scores, plan. Sends nothing."""
    from rapport import pipeline

    settings = get_settings()
    summary = pipeline.run(settings, get_clock(settings), campaigns=None if plan else (), progress=typer.echo)
    tables: list[tuple[str, Mapping[str, int | str]]] = [
        ("rows", summary.counts),
        ("revenue", summary.revenue),
        ("segments", summary.segments),
        *((f"plan of {name}", waterfall) for name, waterfall in summary.planned.items()),
    ]
    for title, rows in tables:
        typer.echo(f"\n{title}")
        for name, value in rows.items():
            typer.echo(f"  {name:24} {value:>16,}" if isinstance(value, int) else f"  {name:24} {value:>16}")


def rollback() -> None:
    """Put the build before the last one back in place; a second call undoes the first."""
    from rapport import transform

    typer.echo(transform.rollback(get_settings()))


def bench(
    name: Annotated[str | None, typer.Argument(help="One benchmark; left out: all.")] = None,
    rows: Annotated[
        int | None, typer.Option(help="Rows, messages or events; left out: the size that counts for each.")
    ] = None,
) -> None:
    """Run benchmarks and print one table: figure, unit, ceiling measured beside it, ratio."""
    from rapport.bench import run_benchmarks

    if not run_benchmarks([name] if name else None, rows=rows):
        raise typer.Exit(1)


def docs() -> None:
    """Generate dbt's documentation of every table; prints where the page lies."""
    from rapport import transform
    from rapport.db import connect, migrate
    from rapport.db.embedded import awake

    settings = get_settings()
    with awake(settings):
        with connect(settings=settings) as conn:
            migrate(conn)
        typer.echo(transform.generate_docs(settings, get_clock(settings).now()))


def register(app: typer.Typer) -> None:
    app.command()(load)
    app.command("import")(import_files)
    app.command()(gate)
    app.command()(run)
    app.command()(rollback)
    app.command()(bench)
    app.command()(docs)


def _progress(rows: int) -> None:
    typer.echo(f"{rows:,} rows read")
