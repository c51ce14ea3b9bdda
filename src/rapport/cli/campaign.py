"""`rapport campaign …`: what a marketer does with a folder of text."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rapport.clock import get_clock
from rapport.settings import Settings, get_settings

if TYPE_CHECKING:
    from rapport.campaigns.folder.model import Campaign, Confirmation
    from rapport.campaigns.lifecycle.flow import Flow

app = typer.Typer(help="Campaign folders: write, check, rehearse, approve, plan, results.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Folder name under campaigns/.")]


@app.command("list")
def list_campaigns() -> None:
    """Every campaign, its segment and its next occurrence."""
    from rapport.campaigns.folder.definition import Confirmation, Flow, load_all
    from rapport.campaigns.planning.calendar import next_occurrence

    settings = get_settings()
    now = get_clock(settings).now()
    for campaign in load_all(settings.campaigns_dir):
        if isinstance(campaign, Confirmation):
            typer.echo(f"{campaign.name:24} {'':20} next: on request")
            continue
        if isinstance(campaign, Flow):
            typer.echo(f"{campaign.name:24} {'':20} next: on {campaign.trigger}")
            continue
        upcoming = next_occurrence(campaign, now)
        typer.echo(f"{campaign.name:24} {campaign.segment:20} next: {upcoming.key if upcoming else 'none'}")


@app.command()
def new(
    name: Name,
    example: Annotated[
        str | None, typer.Option("--from", help="Copy this folder of campaigns/examples, such as abandoned_cart.")
    ] = None,
) -> None:
    """Make a folder to start from."""
    from rapport.campaigns.folder.scaffold import new as scaffold

    made = scaffold(name, get_settings().campaigns_dir, example)
    typer.echo(f"made {made}: edit it, then rapport campaign check {name}")


@app.command()
def check(
    name: Annotated[str | None, typer.Argument(help="Folder name; left out: all of them.")] = None,
    samples: Annotated[
        bool, typer.Option("--samples", help="Also render it for 200 readers of the segment and 50 nasty profiles.")
    ] = False,
    links: Annotated[
        bool, typer.Option("--links", help="Also look at links, pictures, length and preheader of the rendered mail.")
    ] = False,
    fetch: Annotated[bool, typer.Option("--fetch", help="With --links: ask for each page of the shop.")] = False,
) -> None:
    """Check definition, content, calendar and the shop's policy; every problem with file, line and remedy."""
    from rapport.campaigns.folder.definition import CampaignError, load_campaign
    from rapport.campaigns.policy import disagreements, load_policy
    from rapport.pipeline import campaign_names

    settings = get_settings()
    broken = False
    policy = load_policy(settings)
    for each in [name] if name else campaign_names(settings):
        campaign = load_campaign(settings.campaigns_dir / each, settings, now=get_clock(settings).now())
        if problems := disagreements(campaign, policy):
            raise CampaignError(problems)
        fine = not samples or _show_samples(campaign, settings)
        if links:
            fine = _show_pages(campaign, settings, fetch) and fine
        typer.echo(f"{each}: fine" if fine else f"{each}: see above")
        broken = broken or not fine
    if broken:
        raise typer.Exit(1)


def _show_samples(campaign: "Campaign | Confirmation | Flow", settings: Settings) -> bool:
    from rapport.campaigns.mail.samples import render_samples
    from rapport.db import connect

    if campaign.kind == "confirmation":
        # It prints nothing of a reader's.
        return True
    with connect("engine", settings=settings) as conn:
        report = render_samples(campaign, conn, settings)
    typer.echo(str(report))
    return report.ok


def _show_pages(campaign: "Campaign | Confirmation | Flow", settings: Settings, fetch: bool) -> bool:
    from rapport.campaigns.mail.page_check import check_pages

    report = check_pages(campaign, settings, fetch=fetch)
    for kind, told in (("fault", report.faults), ("hint", report.hints)):
        for line in told:
            typer.echo(f"  {kind}: {line}")
    return not report.faults


@app.command()
def preview(
    name: Name,
    out: Annotated[Path | None, typer.Option(help="Write the HTML here instead of printing the text part.")] = None,
    variant: Annotated[str, typer.Option(help="The version of an experiment to look at.")] = "a",
    step: Annotated[str | None, typer.Option(help="The step of a flow to look at; left out: the first.")] = None,
    language: Annotated[str | None, typer.Option(help="Such as ar; left out: the reader's or the default.")] = None,
    reader: Annotated[
        str | None,
        typer.Option("--for", metavar="CUSTOMER_ID", help="A customer of the audience; see marts.customers."),
    ] = None,
) -> None:
    """Render the mail for a made-up reader, or as a customer would get it."""
    from rapport.campaigns.folder.definition import load_campaign
    from rapport.campaigns.mail.preview import preview as render_preview
    from rapport.campaigns.mail.preview import profile

    settings = get_settings()
    campaign = load_campaign(settings.campaigns_dir / name)
    context = None if reader is None else profile(reader, settings)
    language = language or (context or {}).get("language")
    message = render_preview(campaign, settings, context, language=language, variant=variant, step=step)
    typer.echo(f"Subject: {message.subject}\n")
    if out:
        out.write_text(message.html, encoding="utf-8")
        typer.echo(f"wrote {out}")
    else:
        typer.echo(message.text)


@app.command()
def plan(
    name: Name,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count who would get it; write nothing.")] = False,
) -> None:
    """Plan the occurrence that is due now and print who falls out where. Planning twice changes nothing."""
    from rapport import pipeline

    settings = get_settings()
    for reason, count in pipeline.plan(name, settings, get_clock(settings), dry_run=dry_run).items():
        typer.echo(f"{reason:24} {count:>10,}")


@app.command()
def results(
    name: Name,
    occurrence: Annotated[
        str | None,
        typer.Option(help="Such as 2027-03-01T06:00, or second@2027-03-01 of a flow; left out: the newest."),
    ] = None,
    pooled: Annotated[
        bool, typer.Option("--pooled", help="All occurrences of a period together; a flow is shown so by itself.")
    ] = False,
    days: Annotated[
        int | None,
        typer.Option(min=1, max=3660, help="The period: so many days before the newest build. [default: 90]"),
    ] = None,
) -> None:
    """What a campaign brought: mails, orders, the increment over people held out, and which version did better."""
    from rich.console import Console

    from rapport.campaigns.outcome.pooled import DAYS, is_flow, read_pooled
    from rapport.campaigns.outcome.results import read
    from rapport.campaigns.outcome.results_text import render

    settings = get_settings()
    if occurrence and (pooled or days):
        raise typer.BadParameter("an occurrence stands for itself; leave out --pooled and --days")
    together = pooled or days or (occurrence is None and is_flow(name, settings))
    found = read_pooled(name, settings, days or DAYS) if together else [read(name, settings, occurrence)]
    console = Console(highlight=False)
    for each in found:
        console.print(render(each))


@app.command("decide-winners")
def decide_winners() -> None:
    """Choose the version that the rest gets, wherever its time has come. Deciding twice changes nothing."""
    from rapport import pipeline

    settings = get_settings()
    for line in pipeline.decide_winners(settings, get_clock(settings)) or ["nothing is to decide now"]:
        typer.echo(line)


@app.command()
def flow(name: Name) -> None:
    """Where the people of a flow stand: who waits for which step, how steps came out, and why people left."""
    from rapport.campaigns.folder.definition import Flow, load_named
    from rapport.campaigns.lifecycle.flows import standing
    from rapport.errors import PermanentError

    settings = get_settings()
    found = load_named(name, settings)
    if not isinstance(found, Flow):
        raise PermanentError(f"{name} is of kind {found.kind}, not a flow; `rapport campaign plan {name} --dry-run`")
    stand = standing(found, settings)
    for step in found.steps:
        typer.echo(f"{step.name:24} {stand.waiting.get(step.name, 0):>10,} waiting")
        for (at, outcome), people in stand.settled.items():
            if at == step.name:
                typer.echo(f"  {outcome:22} {people:>10,}")
    for (state, reason), people in stand.ended.items():
        typer.echo(f"{state + ': ' + reason:60} {people:>10,}")


@app.command()
def schema() -> None:
    """The JSON schema of campaign.yml, for editors."""
    from rapport.campaigns.folder.definition import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))
