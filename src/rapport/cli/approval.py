"""`rapport campaign …` before anything leaves: rehearse, compare, answer, see what holds it and who did what."""

from typing import TYPE_CHECKING, Annotated

import typer

from rapport.clock import get_clock
from rapport.errors import PermanentError
from rapport.settings import get_settings

if TYPE_CHECKING:
    from rapport.campaigns.folder.model import Campaign

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

    from rapport.campaigns.approving.approval_table import table
    from rapport.campaigns.approving.requests import listed
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


def replay(
    name: Name,
    days: Annotated[int, typer.Option(help="How far back.")] = 90,
    listed: Annotated[
        bool, typer.Option("--list", help="Print occurrence and customer id, a line each, only.")
    ] = False,
) -> None:
    """Rehearse it against the past, beside the folder's other campaigns: who would have got it, and to what effect.

    Filters are asked of each day as far as anybody knows what was so then; what is left out is named. Writes nothing.
    """
    from rich.console import Console

    from rapport.campaigns.rehearsal.replay import replay as rehearse
    from rapport.campaigns.rehearsal.replay_text import render

    settings = get_settings()
    found = rehearse(_to_a_segment(name), settings, get_clock(settings), days)
    if listed:
        for occurrence, customer in found.got:
            typer.echo(f"{occurrence},{customer}")
        return
    console = Console(highlight=False)
    for part in render(found):
        console.print(part)


def diff(
    name: Name,
    against: Annotated[
        str | None, typer.Option(help="A commit, or the version planned last; left out: the latter.")
    ] = None,
) -> None:
    """What an edit changes: in the definition, in what readers see, in who is meant."""
    from rapport.campaigns.rehearsal import diff as differences

    for line in differences.render(differences.diff(_to_a_segment(name), get_settings(), against)):
        typer.echo(line)


def _to_a_segment(name: str) -> "Campaign":
    from rapport.campaigns.folder.definition import Campaign, load_named

    campaign = load_named(name, get_settings())
    if not isinstance(campaign, Campaign):
        raise PermanentError(
            f"{name} goes to no segment on a calendar; only such a campaign can be rehearsed or compared"
        )
    return campaign


def audit(
    thing: Annotated[str | None, typer.Argument(help="Such as 'campaign win_back'; left out: everything.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many lines, newest first.")] = 50,
) -> None:
    """Who did what: approvals, refusals, pauses, stops."""
    from rapport.campaigns.approving.audit import deeds

    for deed in deeds(get_settings(), thing, limit):
        typer.echo(
            f"{deed['at']:%Y-%m-%d %H:%M} {deed['actor']:16} {deed['action']:16} {deed['object']} {deed['detail']}"
        )


def register(app: typer.Typer) -> None:
    """Adds the commands to `rapport campaign`."""
    for command in (approve, refuse, approvals, status, replay, diff, audit):
        app.command()(command)
