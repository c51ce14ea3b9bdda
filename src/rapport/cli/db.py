"""`rapport db …`: the embedded server and the migrations."""

import typer

from rapport.db import connect, database_url, migrate
from rapport.db.embedded import EmbeddedPostgres
from rapport.settings import get_settings

app = typer.Typer(help="The warehouse: start, stop, migrate.", no_args_is_help=True)


@app.command()
def start() -> None:
    """Start the embedded Postgres (making it first if there is none) and bring its schema up to date."""
    settings = get_settings()
    if settings.database_url:
        typer.echo("RAPPORT_DATABASE_URL names a database of yours; the embedded one stays off.")
    else:
        typer.echo(f"Postgres listens on 127.0.0.1:{EmbeddedPostgres(settings.home).start()}")
    migrate_command()


@app.command()
def stop() -> None:
    """Stop the embedded Postgres; its data stays."""
    EmbeddedPostgres(get_settings().home).stop()


@app.command("migrate")
def migrate_command() -> None:
    """Bring the schema up to date."""
    with connect(settings=get_settings()) as conn:
        applied = migrate(conn)
    typer.echo("\n".join(f"applied {name}" for name in applied) or "schema is up to date")


@app.command()
def url() -> None:
    """Print the connection URL, password included: psql "$(rapport db url)"."""
    typer.echo(database_url(get_settings()))
