"""Removes a person from raw tables, identity, scores and the ledger: everything else is derived and follows."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from rapport.clock import Clock
from rapport.db import Connection, connect, load_queries, postgres_needed
from rapport.errors import DataError
from rapport.keys import canonical_address, recipient_key
from rapport.landing import prepare_raw
from rapport.settings import Settings

FIND = load_queries("rapport.privacy", "find.sql")
# Each schema is written by its own role, as ever. Identity comes before scores, which go when no profile is left.
STEPS = {
    "loader": load_queries("rapport.privacy", "raw.sql"),
    "transformer": load_queries("rapport.privacy", "identity.sql"),
    "engine": load_queries("rapport.privacy", "ledger.sql"),
}


@dataclass(frozen=True)
class Erasure:
    """Rows removed or emptied by step, profiles of the person, and profiles that only probably are the person's."""

    rows: dict[str, int]
    profiles: int
    probable_profiles: int

    def lines(self) -> list[str]:
        told = [f"{name.replace('_', ' ')}: {count:,}" for name, count in self.rows.items() if count]
        told.append(f"profiles of this person: {self.profiles:,}")
        if self.probable_profiles:
            told.append(f"left alone, only probably this person's: {self.probable_profiles:,} profiles")
        return told


def erase(settings: Settings, clock: Clock, address: str, *, dry_run: bool = False) -> Erasure:
    """Erases the person behind an address: every profile that has it or is certainly the same person's.

    Orders stay as sums without a buyer, and the address's keyed hash stays in the ledger so that it is never written to
    again. All of it happens or nothing does; a dry run counts the same rows and changes none. Running it again is safe.

    Raises DataError for what is no address, when several people share it, and before the first build; TransientError
    when Postgres goes away.
    """
    email = canonical_address(address)
    prepare_raw(settings)
    with postgres_needed("privacy"), connect(settings=settings) as conn, conn.transaction(force_rollback=dry_run):
        conn.execute("set local role transformer")
        try:
            found = conn.execute(FIND["profiles"], {"email": email}).fetchone() or {}
        except psycopg.errors.UndefinedTable:
            raise DataError("privacy: no profiles are known yet; run `rapport run` once, then erase.") from None
        if found["customers"] > 1:
            raise DataError(
                f"privacy: {found['customers']:,} customers share this address; it does not say which one asks. "
                "Erase the person's record in the store or help desk itself; the next load takes it over."
            )
        given = {
            "email": email,
            "keys": found["keys"],
            "recipient_key": recipient_key(settings, email),
            "now": clock.now(),
        }
        return Erasure(_apply(conn, given), len(found["keys"]), found["probable"])


def _apply(conn: Connection, given: dict[str, object]) -> dict[str, int]:
    rows = {}
    for role, queries in STEPS.items():
        conn.execute(f"set local role {role}")  # a name from the constant above
        for name, query in queries.items():
            rows[name] = conn.execute(query, given).rowcount
    return rows
