"""Writes what is held of a person into one archive that they, or another shop's machine, can read."""

from __future__ import annotations

import os
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from rapport.campaigns.approving.audit import audit, local_user
from rapport.clock import Clock
from rapport.db import Connection, connect, load_queries, postgres_needed
from rapport.errors import DataError
from rapport.keys import canonical_address
from rapport.landing import prepare_raw
from rapport.privacy.person import find_person, is_there
from rapport.privacy.readme import readme
from rapport.privacy.tables import HELD, Held
from rapport.settings import Settings

SQL = load_queries("rapport.privacy", "export.sql")
# The shape that rapport.keys.sign_token gives: whoever has one can unsubscribe or answer in the person's name.
_TOKEN = re.compile(r"[\w-]{4,}\.[\w-]{40,}\.[\w-]{16,}")


@dataclass(frozen=True)
class Export:
    """Rows written by table, profiles of the person, and profiles that only probably are the person's."""

    path: Path
    rows: dict[str, int]
    profiles: int
    probable_profiles: int

    def lines(self) -> list[str]:
        told = [f"{name}: {count:,}" for name, count in self.rows.items()]
        told.append(f"profiles of this person: {self.profiles:,}")
        if self.probable_profiles:
            told.append(f"not exported, only probably this person's: {self.probable_profiles:,} profiles")
        return [*told, f"written: {self.path}"]


def export(
    settings: Settings, clock: Clock, path: Path, *, address: str | None = None, customer_id: str | None = None
) -> Export:
    """Everything held of the person behind an address or a customer id: JSON lines by table and a README.txt, in a zip.

    All tables are read at one moment. The file is new and only its owner may read it. Links in mails lose their tokens.

    Raises DataError for what is no address, when nothing is held, when several people share the address, when `path`
    exists or cannot be written, and before the first build; TransientError when Postgres goes away.
    """
    email = canonical_address(address) if address else None
    prepare_raw(settings)
    with postgres_needed("privacy"), connect(settings=settings) as conn:
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with conn.transaction():
            conn.execute("set local role engine")
            person = find_person(conn, settings, email=email, customer_id=customer_id)
            tables = {held: lines for held in HELD if held.about and (lines := _lines(conn, held, person.given))}
            if not tables:
                raise DataError(
                    "privacy: nothing is held under this address or number. Ask which other address the person "
                    "ordered, wrote or signed up with; a customer's number stands in marts.customers."
                )
            counts = {held.table: len(lines) for held, lines in tables.items()}
            told = readme(settings.shop_name, clock.now(), counts, person.probable)
            audit(conn, local_user(), "export", "privacy", at=clock.now(), rows=sum(counts.values()))
            _write(path, {f"{held.table}.jsonl": "\n".join(lines) + "\n" for held, lines in tables.items()}, told)
            return Export(path, counts, len(person.keys), person.probable)


def _lines(conn: Connection, held: Held, given: dict[str, object]) -> list[str]:
    if not is_there(conn, held.table):
        return []
    names = held.table.split(".")
    query = sql.SQL(SQL["rows"]).format(
        row=sql.Identifier(names[-1]), table=sql.Identifier(*names), rows=sql.SQL(held.condition)
    )
    return [_TOKEN.sub("(removed)", row["line"]) for row in conn.execute(query, given)]


def _write(path: Path, files: dict[str, str], told: str) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise DataError(f"privacy: {path} exists; name another file by --output.") from None
    except OSError as error:
        raise DataError(f"privacy: {path} cannot be written: {error.strerror}. Name another by --output.") from error
    with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", told)
        for name, text in files.items():
            archive.writestr(name, text)
