"""Documents into their tables and back. Which time a row is found by is said here and nowhere else."""

from __future__ import annotations

from sqlite3 import Connection
from typing import Any

import orjson

from rapport.sandbox.store import QUERIES
from rapport.sandbox.times import epoch_of


def dumps(doc: dict[str, Any]) -> str:
    return orjson.dumps(doc).decode()


def loads(text: str) -> dict[str, Any]:
    return dict(orjson.loads(text))


def put_account(con: Connection, system: str, account_id: int | str, person_id: int) -> None:
    """Keep the truth that this account is that person's."""
    con.execute(QUERIES["put_account"], {"system": system, "account_id": str(account_id), "person_id": person_id})


def put_customer(con: Connection, doc: dict[str, Any]) -> None:
    """Insert or replace a store account."""
    email = doc["defaultEmailAddress"]
    values = _times(doc) | {
        "id": int(doc["legacyResourceId"]),
        "email": None if email is None else email["emailAddress"].lower(),
        "doc": dumps(doc),
    }
    con.execute(QUERIES["put_customer"], values)


def put_order(con: Connection, doc: dict[str, Any], person_id: int, campaign: str | None = None) -> None:
    """Insert or replace an order; person and campaign of an order that exists stay."""
    customer = doc["customer"]
    values = _times(doc) | {
        "id": int(doc["legacyResourceId"]),
        "customer_id": None if customer is None else int(customer["id"].rpartition("/")[2]),
        "person_id": person_id,
        "campaign": campaign,
        "doc": dumps(doc),
    }
    con.execute(QUERIES["put_order"], values)


def put_product(con: Connection, doc: dict[str, Any]) -> None:
    """Insert or replace a product."""
    con.execute(QUERIES["put_product"], _times(doc) | {"id": int(doc["legacyResourceId"]), "doc": dumps(doc)})


def put_user(con: Connection, doc: dict[str, Any]) -> None:
    """Insert or replace a support user."""
    email = doc["email"]
    values = {
        "id": doc["id"],
        "updated_at": epoch_of(doc["updated_at"]),
        "email": None if email is None else email.lower(),
        "doc": dumps(doc),
    }
    con.execute(QUERIES["put_user"], values)


def put_ticket(con: Connection, doc: dict[str, Any], person_id: int) -> None:
    """Insert or replace a support ticket."""
    values = {
        "id": doc["id"],
        "updated_at": epoch_of(doc["updated_at"]),
        "requester_id": doc["requester_id"],
        "person_id": person_id,
        "doc": dumps(doc),
    }
    con.execute(QUERIES["put_ticket"], values)


def put_profile(con: Connection, doc: dict[str, Any]) -> None:
    """Insert a Bluesky profile."""
    values = {
        "id": doc["did"],
        "updated_at": epoch_of(doc["indexedAt"]),
        "handle": doc["handle"],
        "doc": dumps(doc),
    }
    con.execute(QUERIES["put_profile"], values)


def put_interaction(con: Connection, doc: dict[str, Any]) -> None:
    """Insert a Bluesky record; the same one again changes nothing."""
    values = {
        "id": doc["uri"],
        "updated_at": epoch_of(doc["indexedAt"]),
        "kind": doc["reason"],
        "author_did": doc["author"]["did"],
        "doc": dumps(doc),
    }
    con.execute(QUERIES["put_interaction"], values)


def _times(doc: dict[str, Any]) -> dict[str, float]:
    return {"updated_at": epoch_of(doc["updatedAt"]), "created_at": epoch_of(doc["createdAt"])}
