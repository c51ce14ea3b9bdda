"""One way to connect: by role, so that each schema keeps its one writer."""

from typing import Any, Literal

import psycopg
from psycopg.rows import dict_row

from rapport.errors import TransientError
from rapport.settings import Settings, get_settings

Role = Literal["loader", "transformer", "engine", "gateway", "bi_reader"]
Connection = psycopg.Connection[dict[str, Any]]


def database_url(settings: Settings | None = None) -> str:
    """RAPPORT_DATABASE_URL, else the running embedded server. Raises PermanentError when neither is there."""
    settings = settings or get_settings()
    if settings.database_url:
        return settings.database_url
    from rapport.db import embedded

    return embedded.running_url(settings, "rapport")


def connect(role: Role | None = None, *, autocommit: bool = False, settings: Settings | None = None) -> Connection:
    """A connection in UTC acting as `role`; rows are dicts. Raises TransientError when the server is away."""
    options = "-c timezone=UTC" + (f" -c role={role}" if role else "")
    try:
        return psycopg.connect(
            database_url(settings),
            autocommit=autocommit,
            row_factory=dict_row,
            connect_timeout=10,
            application_name=f"rapport:{role or 'owner'}",
            options=options,
        )
    except psycopg.OperationalError as error:
        first = str(error).strip().splitlines()[0]
        raise TransientError(f"Postgres cannot be reached: {first}") from error
