"""Finds a person: the profiles that are certainly theirs, and what the tables know them by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from rapport.db import Connection, load_queries
from rapport.errors import DataError
from rapport.keys import recipient_key
from rapport.settings import Settings

FIND = load_queries("rapport.privacy", "person.sql")


@dataclass(frozen=True, repr=False)
class Person:
    """Profiles of the person, how many more only probably are, and the parameters of every condition of rows.sql."""

    keys: list[str]
    probable: int
    given: dict[str, Any]


def find_person(conn: Connection, settings: Settings, *, email: str | None, customer_id: str | None = None) -> Person:
    """The person behind an address, in its canonical form, or a customer: every profile that is certainly theirs.

    Somebody without a profile may have been written to all the same, so nobody found is a Person without keys. `conn`
    acts as a role that reads profiles. Raises DataError when several people share the address, and before the first
    build.
    """
    try:
        with conn.transaction():
            found = conn.execute(FIND["profiles"], {"email": email, "customer_id": customer_id}).fetchone() or {}
    except psycopg.errors.UndefinedTable:
        raise DataError("privacy: no profiles are known yet; run `rapport run` once, then repeat this.") from None
    if found["customers"] > 1:
        raise DataError(
            f"privacy: {found['customers']:,} customers share this address; it does not say which one asks. "
            "To export, name the customer by `--customer`; to erase, erase the person's record in the store or help "
            "desk itself: the next load takes it over."
        )
    identifiers = conn.execute(FIND["identifiers"], {"keys": found["keys"]}).fetchone() or {}
    emails = sorted({*identifiers["emails"], *([email] if email else [])})
    given = identifiers | {
        "keys": found["keys"],
        "emails": emails,
        "recipient_keys": [recipient_key(settings, known) for known in emails],
    }
    return Person(found["keys"], found["probable"], given)


def is_there(conn: Connection, table: str) -> bool:
    """Whether a table has been made: derived ones come with the first build, copies of loads with the first load."""
    return bool((conn.execute(FIND["exists"], {"table": table}).fetchone() or {})["is_there"])
