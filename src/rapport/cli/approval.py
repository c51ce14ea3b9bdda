"""`rapport campaign approve …`: people's answers, what holds a campaign, and the log of deeds."""

from typing import Annotated

import typer

from rapport.clock import get_clock
from rapport.settings import get_settings

Name = Annotated[str, typer.Argument(help="Folder name under campaigns/.")]
MaybeName = Annotated[str | None, typer.Argument(help="Folder name under campaigns/; left out: all of them.")]
Who = Annotated[str | None, typer.Option("--as", help="Who answers, for the record; left out: this machine's user.")]
Comment = Annotated[str, typer.Option(help="Why; it is kept and shown.")]


def approve(name: Name, who: Who = None, comment: Comment = "") -> None:
    """Let a campaign be sent: read the question with `approvals NAME` first. What is due is planned at once."""
    from rapport import pipeline

    settings = get_settings()
    request = pipeline.answer(name, settings, get_clock(settings), who, "approved", comment)
    if request is None:
        typer.echo(f"{name}: nothing is to approve")
        return
    given, needed = len(request["approved_by"]), request["people_needed"]
    if request["state"] != "approved":
        typer.echo(
            f"{name} {request['occurrence_key']}: {given} of {needed} people have approved it; another is needed"
        )
        return
    typer.echo(f"{name} {request['occurrence_key']}: approved for {request['audience']:,} people")
    for reason, count in pipeline.plan_if_due(name, settings, get_clock(settings)).items():
        typer.echo(f"{reason:24} {count:>10,}")


def refuse(name: Name, who: Who = None, comment: Comment = "") -> None:
    """Say no: nothing of this version is planned until it is edited or approved after all."""
    from rapport import pipeline

    settings = get_settings()
    request = pipeline.answer(name, settings, get_clock(settings), who, "refused", comment)
    told = f"{request['occurrence_key']}: refused" if request else "nothing is to approve"
    typer.echo(f"{name}: {told}")


def approvals(name: MaybeName = None) -> None:
    """Questions and answers, newest first; with a name, the question that is open now, as people read it."""
    from rich.console import Console

    from rapport.campaigns.approval_table import table
    from rapport.campaigns.requests import listed
    from rapport.delivery.release import ask

    settings = get_settings()
    clock = get_clock(settings)
    if name is not None:
        asked = ask(name, settings, clock, anew=True)
        typer.echo(asked.body if asked else f"{name}: nothing is to approve")
        return
    Console(highlight=False).print(table(listed(settings), clock.now()))


def status(name: MaybeName = None) -> None:
    """Of each campaign the last and the next occurrence, what holds it, and what to do."""
    from rich.console import Console

    from rapport.delivery.campaign_status import read, table

    settings = get_settings()
    Console(highlight=False).print(table(read(settings, get_clock(settings), name)))


def audit(
    thing: Annotated[str | None, typer.Argument(help="Such as 'campaign win_back'; left out: everything.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many lines, newest first.")] = 50,
) -> None:
    """Who did what: approvals, refusals, pauses, stops."""
    from rapport.campaigns.audit import deeds

    for deed in deeds(get_settings(), thing, limit):
        typer.echo(
            f"{deed['at']:%Y-%m-%d %H:%M} {deed['actor']:16} {deed['action']:16} {deed['object']} {deed['detail']}"
        )


def register(app: typer.Typer) -> None:
    """Adds the commands to `rapport campaign`."""
    for command in (approve, refuse, approvals, status, audit):
        app.command()(command)
