"""`rapport privacy …`: what a person may ask of the shop."""

from typing import Annotated

import typer

from rapport.clock import get_clock
from rapport.settings import get_settings

app = typer.Typer(help="Erase what is kept of a person.", no_args_is_help=True)


@app.callback()
def privacy() -> None:
    """Erase what is kept of a person."""


@app.command()
def erase(
    address: Annotated[str, typer.Argument(help="The person's e-mail address.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would go, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a person from raw tables, identity, scores and mails, for good, and never write to the address again.

    Erase in the store and the help desk first: what a source still has, the next load may bring back.
    """
    from rapport.privacy import erase as remove

    settings = get_settings()
    clock = get_clock(settings)
    planned = remove(settings, clock, address, dry_run=True)
    typer.echo("\n".join(planned.lines()))
    if dry_run:
        typer.echo("nothing was changed")
        return
    if not yes:
        typer.confirm("Erase all this? It cannot be undone.", abort=True)
    remove(settings, clock, address)
    typer.echo("erased; the tables for analysis lose it at the next `rapport run`")
