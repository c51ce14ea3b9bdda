"""`rapport identity …`: who is who, what likeness leaves open, and taking back what was wrong."""

from getpass import getuser
from typing import Annotated

import typer

from rapport.clock import get_clock
from rapport.settings import get_settings

app = typer.Typer(help="Which records are one person, and a person's word on it.", no_args_is_help=True)
By = Annotated[str, typer.Option(help="Who says so; left out: the user of this session.")]


@app.command()
def review() -> None:
    """List pairs that may be one person, the likeliest first."""
    from rapport.identity import open_reviews

    waiting = open_reviews(get_settings())
    for pair in waiting:
        typer.echo(f"{pair.review_id:>6}  {pair.probability:.2f}  {pair.profile_key_a}  {pair.profile_key_b}")
        typer.echo(f"              {pair.evidence}")
    typer.echo(f"{len(waiting):,} open. Decide: rapport identity decide REVIEW_ID --same | --different")


@app.command()
def decide(
    review_id: Annotated[int, typer.Argument(help="Number in `rapport identity review`.")],
    same: Annotated[bool, typer.Option("--same/--different", help="One person, or two.")],
    by: By = "",
) -> None:
    """Say whether a pair is one person; the next run and every later one obeys."""
    from rapport.identity import decide as settle

    settings = get_settings()
    settle(settings, review_id, is_same=same, by=by or getuser(), at=get_clock(settings).now())
    typer.echo(f"review {review_id}: {'the same person' if same else 'two persons'}, from the next run on")


@app.command()
def undo(
    change_id: Annotated[int, typer.Argument(help="Number in `rapport identity show`.")],
    by: By = "",
) -> None:
    """Take a merge, a join or a split back and keep it so."""
    from rapport.identity import undo as take_back

    settings = get_settings()
    pairs = take_back(settings, change_id, by=by or getuser(), at=get_clock(settings).now())
    typer.echo(f"change {change_id}: {pairs:,} pairs decided, in force from the next run on")


@app.command()
def show(customer_id: Annotated[str, typer.Argument(help="Today's id or an older one.")]) -> None:
    """What a customer is made of, by which rules, and every change there was."""
    from rapport.identity import show as tell

    story = tell(get_settings(), customer_id)
    typer.echo(f"customer {story.customer_id}")
    for title, lines in (
        ("older ids", story.older_ids),
        ("profiles", story.profiles),
        ("links", story.links),
        ("changes", story.changes),
    ):
        if lines:
            typer.echo(f"\n{title}")
            typer.echo("\n".join(f"  {line}" for line in lines))
