"""Forward-only migrations, numbered files applied once each in one transaction under a lock."""

import hashlib
import re
from importlib.resources import files

from rapport.db.connection import Connection
from rapport.errors import PermanentError

_LOCK = 7_291_001
_FILE = re.compile(r"^(\d{4})_\w+\.sql$")


def migrate(conn: Connection) -> list[str]:
    """Brings the database up to this version; returns the names applied. Connect as the owner (no role).

    Raises PermanentError when a migration that was applied before has been edited since.
    """
    applied = []
    with conn.transaction():
        conn.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        conn.execute("create schema if not exists rapport_meta")
        conn.execute(
            "create table if not exists rapport_meta.migration"
            " (name text primary key, sha256 text not null, applied_at timestamptz not null default clock_timestamp())"
        )
        known = {row["name"]: row["sha256"] for row in conn.execute("select name, sha256 from rapport_meta.migration")}
        for name, text in migrations():
            digest = hashlib.sha256(text.encode()).hexdigest()
            if name in known:
                if known[name] != digest:
                    raise PermanentError(f"migration {name} was edited after it was applied; add a new one instead")
                continue
            conn.execute(text)
            conn.execute("reset role")
            conn.execute("insert into rapport_meta.migration (name, sha256) values (%s, %s)", (name, digest))
            applied.append(name)
    return applied


def migrations() -> list[tuple[str, str]]:
    """Name and text of every migration in order."""
    folder = files("rapport.db") / "migrations"
    found = sorted(entry.name for entry in folder.iterdir() if _FILE.match(entry.name))
    return [(name, (folder / name).read_text(encoding="utf-8")) for name in found]
