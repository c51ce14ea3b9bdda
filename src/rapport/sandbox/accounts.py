"""Store accounts: the customer documents, with consent, notes, tags and the spellings a second account brings."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from rapport.sandbox.people import Person
from rapport.sandbox.shopping import Account
from rapport.sandbox.spelling import other_email, other_phone, slug, without_accents
from rapport.sandbox.times import DAY, iso

_STATES = ("SUBSCRIBED", "NOT_SUBSCRIBED", "UNSUBSCRIBED", "PENDING")
_SHARES = (81, 9, 7, 3)


@dataclass
class StoreAccount:
    """An account under construction. `doc` is the customer document; `created` in epoch seconds."""

    account: Account
    created: int
    updated: int
    doc: dict[str, Any]


def main_account(rng: random.Random, person: Person, customer_id: int, created: int, until: int) -> StoreAccount:
    """The account a person shops with; one in fifty has no e-mail address, two in three gave a phone."""
    email = None if rng.random() < 0.02 else person.email
    phone = person.phone if email is None or rng.random() < 0.66 else None
    return _account(rng, person, customer_id, created, until, email, phone, person.first_name, person.last_name)


def second_account(rng: random.Random, person: Person, customer_id: int, created: int, until: int) -> StoreAccount:
    """The same person again, as the store does not know: another address spelling, phone format or name form."""
    email = other_email(rng, person.email, slug(person.first_name) or "me", slug(person.last_name) or "x")
    phone = other_phone(rng, person.phone) if rng.random() < 0.7 else None
    first, last = person.first_name, person.last_name
    kind = rng.random()
    if kind < 0.25:
        first, last = without_accents(first), without_accents(last)
    elif kind < 0.35:
        first = first[:1]
    elif kind < 0.45:
        first, last = first.lower(), last.lower()
    return _account(rng, person, customer_id, created, until, email, phone, first, last)


def note_handle(doc: dict[str, Any], handle: str) -> None:
    """The customer gave their social handle; it stands in the note."""
    doc["note"] = f"bluesky:@{handle}"


def consent(doc: dict[str, Any], state: str, at: int) -> None:
    """Set the e-mail marketing state of a customer document; `at` in epoch seconds. No-op without an address."""
    address = doc["defaultEmailAddress"]
    if address is None:
        return
    address["marketingState"] = state
    address["marketingUpdatedAt"] = iso(at)
    if state == "SUBSCRIBED" and address["marketingOptInLevel"] is None:
        address["marketingOptInLevel"] = "SINGLE_OPT_IN"


def _account(
    rng: random.Random, person: Person, customer_id: int, created: int, until: int,
    email: str | None, phone: str | None, first: str, last: str,
) -> StoreAccount:  # fmt: skip
    doc = {
        "id": f"gid://shopify/Customer/{customer_id}",
        "legacyResourceId": str(customer_id),
        "firstName": first,
        "lastName": last,
        "displayName": f"{first} {last}",
        "locale": person.locale,
        "note": None,
        "tags": _tags(rng, person),
        "state": rng.choice(("ENABLED", "ENABLED", "DISABLED")),
        "verifiedEmail": email is not None,
        "taxExempt": False,
        "numberOfOrders": 0,
        "amountSpent": 0,
        "createdAt": iso(created),
        "updatedAt": iso(created),
        "defaultEmailAddress": None if email is None else _email(rng, email, created),
        "defaultPhoneNumber": None if phone is None else {"phoneNumber": phone},
        "defaultAddress": _address(person, customer_id, first, last, phone) if rng.random() < 0.93 else None,
    }
    updated = _later_choice(rng, doc, created, until)
    doc["updatedAt"] = iso(updated)
    account = Account(customer_id, person.person_id, email, phone)
    return StoreAccount(account, created, updated, doc)


def _later_choice(rng: random.Random, doc: dict[str, Any], created: int, until: int) -> int:
    state = rng.choices(_STATES, _SHARES)[0]
    if doc["defaultEmailAddress"] is None:
        return created
    if state != "UNSUBSCRIBED":
        consent(doc, state, created)
        return created
    # Somebody who left had joined before.
    consent(doc, "SUBSCRIBED", created)
    left = rng.randrange(created, max(until, created + 1))
    consent(doc, state, left)
    return left


def _email(rng: random.Random, email: str, created: int) -> dict[str, Any]:
    return {
        "emailAddress": email,
        "marketingState": "NOT_SUBSCRIBED",
        "marketingOptInLevel": rng.choices(("SINGLE_OPT_IN", "CONFIRMED_OPT_IN", None), (60, 30, 10))[0],
        "marketingUpdatedAt": iso(created),
        "validFormat": True,
    }


def _address(person: Person, customer_id: int, first: str, last: str, phone: str | None) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/MailingAddress/{customer_id}?model_name=CustomerAddress",
        "firstName": first,
        "lastName": last,
        "name": f"{first} {last}",
        "address1": person.address,
        "address2": None,
        "city": person.city,
        "zip": person.zip,
        "provinceCode": None,
        "countryCodeV2": person.country,
        "phone": phone,
        "timeZone": person.time_zone,
    }


def _tags(rng: random.Random, person: Person) -> list[str]:
    tags = []
    if person.persona in ("champion", "loyal") and rng.random() < 0.7:
        tags += [f"loyalty:{1_000 + person.person_id}", "loyalty"]
    if rng.random() < 0.08:
        tags.append(rng.choice(("wholesale", "press", "gift-buyer", "market-stall")))
    return sorted(tags)


def account_age(rng: random.Random, first_order: int | None, until: int, days: int) -> int:
    """When the account was opened: with the first order or some weeks before it."""
    if first_order is None:
        return until - rng.randrange(DAY, days * DAY)
    return first_order - (rng.randrange(120, 900) if rng.random() < 0.7 else rng.randrange(DAY, 40 * DAY))
