"""`rapport privacy …`: what a person may ask of the shop."""

from pathlib import Path
from typing import Annotated

import typer

from rapport.clock import get_clock
from rapport.settings import get_settings

app = typer.Typer(help="Hand out or erase what is kept of a person.", no_args_is_help=True)


@app.callback()
def privacy() -> None:
    """Hand out or erase what is kept of a person."""


@app.command()
def export(
    address: Annotated[str | None, typer.Argument(help="The person's e-mail address.", show_default=False)] = None,
    customer: Annotated[
        str | None,
        typer.Option("--customer", metavar="ID", help="Instead of an address: customer_id of marts.customers."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE.zip", help="A file that is not there yet; else named after the time."),
    ] = None,
) -> None:
    """Write everything held of a person into one zip: JSON lines by table, and a README.txt in plain words.

    Profiles that only probably are the person's are counted, not exported. Be sure who asks before you hand it over.
    """
    from rapport.privacy import export as write

    if (address is None) == (customer is None):
        raise typer.BadParameter("give either an address or --customer, as in: rapport privacy export ada@example.com")
    settings = get_settings()
    clock = get_clock(settings)
    path = output or Path(f"personal-data-{clock.now():%Y%m%dT%H%M%S}.zip")
    typer.echo("\n".join(write(settings, clock, path, address=address, customer_id=customer).lines()))


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
