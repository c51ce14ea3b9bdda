"""`rapport why`, `rapport campaign waterfall`: who did or did not get a mail, and why."""

from typing import Annotated

import typer

from rapport.settings import get_settings


def why(person: Annotated[str, typer.Argument(help="An e-mail address, or a customer id.")]) -> None:
    """For one person: each occurrence with its outcome, the reason, and what became of the mail. Newest first."""
    from rapport.campaigns.planning.why import why as ask

    reasons = ask(person, get_settings())
    if not reasons:
        typer.echo("nothing was decided about this person: they were in no segment that a campaign went to")
    for reason in reasons:
        typer.echo(str(reason))


def waterfall(
    name: Annotated[str, typer.Argument(help="Folder name under campaigns/.")],
    occurrence: Annotated[str | None, typer.Argument(help="Such as 2027-03-01T06:00; left out: the newest.")] = None,
) -> None:
    """How many of the segment fell out where in an occurrence, and what its sends have become."""
    from rapport.campaigns.planning.why import waterfall as ask

    key, counts = ask(name, get_settings(), occurrence)
    typer.echo(f"{name} {key}")
    for outcome, count in counts.items():
        typer.echo(f"{outcome:24} {count:>10,}")


def register(app: typer.Typer, campaigns: typer.Typer) -> None:
    app.command()(why)
    campaigns.command()(waterfall)
