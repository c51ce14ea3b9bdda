"""Connections, named SQL and migrations of the shop's warehouse."""

from rapport.db.connection import Connection, Role, connect, database_url, lost, postgres_needed, tells_of_loss
from rapport.db.migrate import migrate
from rapport.db.queries import Queries, load_queries
from rapport.db.secret import require_known_secret

__all__ = [
    "Connection",
    "Queries",
    "Role",
    "connect",
    "database_url",
    "load_queries",
    "lost",
    "migrate",
    "postgres_needed",
    "require_known_secret",
    "tells_of_loss",
]
