"""`rapport demo | sandbox | gateway`: what runs until it is stopped."""

from pathlib import Path
from typing import Annotated

import typer

from rapport.clock import get_clock
from rapport.settings import get_settings


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="One whole cycle, then the summary; exit 0 if it adds up.")
    ] = False,
    customers: Annotated[int, typer.Option(help="People in the simulated shop (first start only).")] = 3000,
    seed: Annotated[int, typer.Option(help="Seed of the simulated shop (first start only).")] = 7,
    stop: Annotated[bool, typer.Option("--stop", help="End a running demo, or what an interrupted one left.")] = False,
) -> None:
    """A simulated shop, the whole of Rapport around it, and a live view of what happens."""
    from rapport.demo import run_demo, stop_demo

    settings = get_settings()
    if stop:
        stop_demo(settings)
        return
    raise typer.Exit(run_demo(settings, once=once, customers=customers, seed=seed))


def gateway(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8090,
) -> None:
    """The public web service: events of the mail provider and of visitors, and the pages that mails link to."""
    from rapport.gateway import serve

    settings = get_settings()
    serve(settings, get_clock(settings), host=host, port=port)


def sandbox(
    directory: Annotated[Path | None, typer.Option("--dir", help="Where the world is kept.")] = None,
    customers: Annotated[int, typer.Option(help="People in the world, when it is made.")] = 3000,
    seed: Annotated[int, typer.Option(help="Seed of the world, when it is made.")] = 7,
    months: Annotated[int, typer.Option(help="Months of history, when it is made.")] = 18,
    gateway_url: Annotated[
        str | None,
        typer.Option(help="Where the mail provider's and, with RAPPORT_WEB_WRITE_KEYS, visitors' events go."),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    public_host: Annotated[str | None, typer.Option(help="Name by which other machines reach this one.")] = None,
    inbox: Annotated[
        Path | None, typer.Option(help="Folder that gets the weekly file of a loyalty programme, with its mapping.")
    ] = None,
) -> None:
    """The simulated shop alone, behind the vendors' own API shapes."""
    from rapport.sandbox.serve import run

    settings = get_settings()
    run(
        directory or settings.home / "sandbox",
        get_clock(settings),
        customers=customers,
        seed=seed,
        months=months,
        gateway_url=gateway_url,
        web_write_key=next(iter(settings.web_write_keys), None),
        host=host,
        public_host=public_host,
        inbox=inbox,
    )


def register(app: typer.Typer) -> None:
    app.command()(demo)
    app.command()(gateway)
    app.command()(sandbox)
