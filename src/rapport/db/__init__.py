"""Connections, named SQL and migrations of the shop's warehouse."""

from rapport.db.connection import Connection, Role, connect, database_url
from rapport.db.migrate import migrate
from rapport.db.queries import Queries, load_queries

__all__ = ["Connection", "Queries", "Role", "connect", "database_url", "load_queries", "migrate"]
