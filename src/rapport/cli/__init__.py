"""`rapport …`: one command a verb; each imports what it needs when it is called, so that `--help` is quick."""

import sys

import typer

from rapport import logs
from rapport.cli import (
    approval,
    campaign,
    coupons,
    data,
    db,
    deliver,
    evidence,
    identity,
    preflight,
    privacy,
    score,
    services,
    why,
)
from rapport.errors import RapportError

app = typer.Typer(
    name="rapport",
    help="Customer relationship management as code for online shops.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.add_typer(db.app, name="db")
app.add_typer(campaign.app, name="campaign")
app.add_typer(coupons.app, name="coupons")
app.add_typer(identity.app, name="identity")
app.add_typer(privacy.app, name="privacy")
approval.register(campaign.app)
evidence.register(deliver.app)
app.add_typer(deliver.app, name="deliver")
data.register(app)
preflight.register(app)
score.register(app)
services.register(app)
why.register(app, campaign.app)


def main() -> None:
    """Entry point: an expected error is one plain sentence and exit code 1, never a traceback."""
    logs.configure()
    try:
        app()
    except RapportError as error:
        print(f"rapport: {error}", file=sys.stderr)
        sys.exit(1)
