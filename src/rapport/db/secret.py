"""One database, one secret: under another one every recipient would be a stranger whom nobody ever unsubscribed."""

from rapport.db.connection import Connection
from rapport.db.queries import load_queries
from rapport.errors import PermanentError
from rapport.keys import key_id
from rapport.settings import Settings

SQL = load_queries("rapport.db", "secret.sql")


def require_known_secret(conn: Connection, settings: Settings) -> None:
    """Raises PermanentError unless RAPPORT_SECRET_KEY is the one this database's recipients are known by. The first
    call decides which one that is; `conn` acts as engine."""
    row = conn.execute(SQL["meet_secret"], {"key_id": key_id(settings.secret_key)}).fetchone()
    # Two processes that meet an unmet database at once: the loser sees no row in its snapshot, and no difference.
    if row is not None and row["same"] is False:
        raise PermanentError(
            "RAPPORT_SECRET_KEY is not the one under which this database knows its recipients: with another one it "
            "would not find who unsubscribed. Nothing is planned or sent; set the former key again "
            "(docs/runbook/leaked-key.md)."
        )
