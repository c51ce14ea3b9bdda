"""`rapport deliver …`: dispatch, reconcile, look, and stop everything."""

from typing import Annotated

import typer

from rapport.clock import get_clock
from rapport.db import connect
from rapport.settings import get_settings

app = typer.Typer(help="Sending: run, reconcile, status, stop, resume.", no_args_is_help=True)


@app.command()
def run(
    seconds: Annotated[
        float | None, typer.Option(help="Stop after so many seconds; left out: when nothing is due.")
    ] = None,
) -> None:
    """Send what is due."""
    from rapport.delivery import run_dispatcher

    settings = get_settings()
    typer.echo(run_dispatcher(settings, get_clock(settings), seconds=seconds, until_idle=seconds is None))


@app.command()
def reconcile() -> None:
    """Read the provider's events, settle what is unknown."""
    from rapport.delivery import reconcile_once

    settings = get_settings()
    typer.echo(reconcile_once(settings, get_clock(settings)))


@app.command()
def status() -> None:
    """Counts by campaign and state."""
    from rapport.delivery.status import status as read_status

    typer.echo(read_status(get_settings()))


@app.command()
def stop() -> None:
    """Kill switch: no message is claimed from now on, by any worker."""
    _switch(on=True)
    typer.echo("stopped; `rapport deliver resume` lifts it")


@app.command()
def resume() -> None:
    """Lift the kill switch."""
    _switch(on=False)
    typer.echo("sending goes on")


def _switch(*, on: bool) -> None:
    with connect("engine", settings=get_settings()) as conn:
        conn.execute(
            "update ops.control set value = to_jsonb(%s::boolean), changed_at = clock_timestamp()"
            " where name = 'kill_switch'",
            (on,),
        )
