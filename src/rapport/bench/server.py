"""A server as docs/warehouse.md advises it for a million customers."""

from psycopg import connect, sql

from rapport.db.embedded import EmbeddedPostgres

ADVISED = {
    "shared_buffers": "2GB",
    "work_mem": "256MB",
    "maintenance_work_mem": "1GB",
    "max_wal_size": "16GB",
    "effective_cache_size": "6GB",
}


def start_advised(server: EmbeddedPostgres) -> None:
    """Starts it with the settings advised, twice: the first of them is read at a start only."""
    server.start()
    with connect(server.url(), autocommit=True) as conn:
        for name, value in ADVISED.items():
            conn.execute(sql.SQL("alter system set {} = {}").format(sql.Identifier(name), sql.Literal(value)))
    server.stop()
    server.start()
