"""Consent facts from the warehouse to where the claim asks for them. They only ever grow.

A double opt-in is what a person confirmed at our own gateway, and it alone lifts a suppression (see
ops.suppression_in_force). What another system calls so is a consent like others.
"""

from collections.abc import Iterable
from typing import Any

from rapport.db import connect, load_queries, require_known_secret
from rapport.errors import DataError, PermanentError
from rapport.keys import recipient_key
from rapport.settings import Settings

SQL = load_queries("rapport.delivery", "consent.sql")
BATCH = 5000
_COLUMNS = ("recipient_key", "topic", "granted", "occurred_at", "source", "how", "source_record_id")


def sync_consent(settings: Settings) -> int:
    """Copies the warehouse's consent facts into the ledger; returns how many were new. Running it again adds none.

    What is no address can never be sent to and is left out. Raises PermanentError when the warehouse was not built
    or the secret is not the one that recipients are known by.
    """
    added = 0
    with connect("engine", settings=settings) as conn:
        if not (conn.execute(SQL["facts_exist"]).fetchone() or {})["found"]:
            raise PermanentError(
                "intermediate.int_consent_facts does not exist: build the warehouse first (`rapport run`)"
            )
        require_known_secret(conn, settings)
        with conn.cursor("consent_facts") as facts:
            facts.itersize = BATCH
            facts.execute(SQL["read_facts"])
            while rows := facts.fetchmany(BATCH):
                columns = _columns(settings, rows)
                added += conn.execute(SQL["add_facts"], columns).rowcount
    return added


def _columns(settings: Settings, rows: Iterable[dict[str, Any]]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    for row in rows:
        try:
            key = recipient_key(settings, row["email"] or "")
        except DataError:
            continue
        for name in _COLUMNS:
            columns[name].append(key if name == "recipient_key" else row[name])
    return columns
