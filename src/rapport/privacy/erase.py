"""Removes a person from raw tables, identity, scores and the ledger: everything else is derived and follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import sql

from rapport.campaigns.approving.audit import audit, local_user
from rapport.clock import Clock
from rapport.db import Connection, connect, load_queries, postgres_needed
from rapport.keys import canonical_address
from rapport.landing import prepare_raw
from rapport.privacy.person import find_person, is_there
from rapport.privacy.tables import HELD, Held
from rapport.settings import Settings

SQL = load_queries("rapport.privacy", "erase.sql")


@dataclass(frozen=True)
class Erasure:
    """Rows removed or emptied by table, profiles of the person, and profiles that only probably are the person's."""

    rows: dict[str, int]
    profiles: int
    probable_profiles: int

    def lines(self) -> list[str]:
        told = [f"{name}: {count:,}" for name, count in self.rows.items() if count]
        told.append(f"profiles of this person: {self.profiles:,}")
        if self.probable_profiles:
            told.append(f"left alone, only probably this person's: {self.probable_profiles:,} profiles")
        return told


def erase(settings: Settings, clock: Clock, address: str, *, dry_run: bool = False) -> Erasure:
    """Erases the person behind an address: every profile that has it or is certainly the same person's.

    Orders stay as sums without a buyer, and the keyed hash of each of the person's addresses stays in the ledger so
    that it is never written to again. All of it happens or nothing does; a dry run counts the same rows and changes
    none. Running it again is safe.

    Raises DataError for what is no address, when several people share it, and before the first build; TransientError
    when Postgres goes away.
    """
    email = canonical_address(address)
    prepare_raw(settings)
    with postgres_needed("privacy"), connect(settings=settings) as conn, conn.transaction(force_rollback=dry_run):
        conn.execute("set local role transformer")
        person = find_person(conn, settings, email=email)
        rows = {}
        for held in HELD:
            if held.fate in ("deleted", "emptied"):
                conn.execute(sql.SQL("set local role {}").format(sql.Identifier(held.writer)))
                if is_there(conn, held.table):
                    rows[held.table] = conn.execute(_statement(held), person.given).rowcount
        rows["ops.suppression"] = _suppress(conn, {**person.given, "now": clock.now()})
        audit(conn, local_user(), "erase", "privacy", at=clock.now(), rows=sum(rows.values()))
        return Erasure(rows, len(person.keys), person.probable)


def _statement(held: Held) -> sql.Composed:
    statement = sql.SQL(SQL["delete" if held.fate == "deleted" else held.block])
    return statement.format(table=sql.Identifier(*held.table.split(".")), rows=sql.SQL(held.condition))


def _suppress(conn: Connection, given: dict[str, Any]) -> int:
    conn.execute("set local role engine")
    return conn.execute(SQL["suppressed_for_ever"], given).rowcount
