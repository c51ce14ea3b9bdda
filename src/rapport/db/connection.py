"""One way to connect: by role, so that each schema keeps its one writer."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import psycopg
from psycopg.rows import dict_row

from rapport.errors import TransientError
from rapport.settings import Settings, get_settings

Role = Literal["loader", "transformer", "engine", "gateway", "bi_reader"]
Connection = psycopg.Connection[dict[str, Any]]

# What Postgres and its drivers say when a session is over; dbt and Great Expectations hand on these words only.
_LOST = re.compile(
    r"could not connect|connection refused|server closed the connection|terminating connection|deadlock detected"
    r"|connection (already|has been) closed|starting up|shutting down|recovery mode|too many clients",
    re.IGNORECASE,
)


def database_url(settings: Settings | None = None) -> str:
    """RAPPORT_DATABASE_URL, else the running embedded server. Raises PermanentError when neither is there."""
    settings = settings or get_settings()
    if settings.database_url:
        return settings.database_url
    from rapport.db import embedded

    return embedded.running_url(settings, "rapport")


def connect(role: Role | None = None, *, autocommit: bool = False, settings: Settings | None = None) -> Connection:
    """A connection in UTC acting as `role`; rows are dicts. Raises TransientError when the server is away."""
    # A host that vanished is noticed within a minute, on either side: a dead session's locks must not live for hours.
    alive = "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
    options = f"-c timezone=UTC {alive}" + (f" -c role={role}" if role else "")
    try:
        return psycopg.connect(
            database_url(settings),
            autocommit=autocommit,
            row_factory=dict_row,
            connect_timeout=10,
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
            tcp_user_timeout=60_000,
            application_name=f"rapport:{role or 'owner'}",
            options=options,
        )
    except psycopg.OperationalError as error:
        first = str(error).strip().splitlines()[0]
        raise TransientError(f"Postgres cannot be reached: {first}") from error


@contextmanager
def postgres_needed(step: str) -> Iterator[None]:
    """Raises TransientError in place of psycopg's own when Postgres goes away in the middle of `step`."""
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise lost(step, type(error).__name__) from error


def lost(step: str, said: str) -> TransientError:
    """The error for a step that Postgres left in the middle."""
    return TransientError(
        f"{step}: Postgres went away in the middle ({said}); what was not finished is undone. "
        "Run it again once Postgres is back."
    )


def tells_of_loss(message: str) -> bool:
    """Whether the words of a library's error mean that Postgres went away."""
    return bool(_LOST.search(message))
