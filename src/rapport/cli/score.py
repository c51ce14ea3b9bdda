"""`rapport score`: lifetime value, churn, send time, recommendations, basket pairs and sales forecast."""

import typer

from rapport.clock import get_clock
from rapport.settings import get_settings


def score() -> None:
    """Score customers, products and days from the marts; a score worse than its naive rule is not published."""
    from rapport.scoring.run import score_all

    settings = get_settings()
    typer.echo("\n".join(score_all(settings, get_clock(settings).now()).lines()))


def register(app: typer.Typer) -> None:
    app.command()(score)
