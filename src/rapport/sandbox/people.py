"""Real persons with tempers: who they are, how they buy, and how they take to mail."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, fields
from sqlite3 import Connection, Row
from typing import Any

from faker import Faker

from rapport.sandbox.places import COUNTRIES, Country
from rapport.sandbox.spelling import DOMAINS, email_local, new_phone, slug


@dataclass(frozen=True)
class Temper:
    """Shares are probabilities; `weight` is the share of people in per cent."""

    weight: int
    opens: float
    clicks: float
    buys: float
    complains: float
    unsubscribes: float


# Of ten thousand mails to people who asked for them about one is complained of; with ten, providers block a shop.
PERSONAS: dict[str, Temper] = {
    "champion": Temper(8, 0.62, 0.22, 0.30, 0.00002, 0.001),
    "loyal": Temper(14, 0.50, 0.15, 0.20, 0.00003, 0.002),
    "new": Temper(9, 0.45, 0.12, 0.12, 0.0001, 0.004),
    "one_time": Temper(27, 0.26, 0.05, 0.06, 0.0001, 0.006),
    "lapsed": Temper(19, 0.22, 0.06, 0.10, 0.0001, 0.009),
    "bargain_hunter": Temper(13, 0.40, 0.18, 0.14, 0.00005, 0.004),
    "browser": Temper(10, 0.30, 0.08, 0.05, 0.0001, 0.006),
}


@dataclass(frozen=True)
class Person:
    """One row of `persons`; the columns say what each field is."""

    person_id: int
    first_name: str
    last_name: str
    email: str
    phone: str
    country: str
    city: str
    zip: str
    address: str
    time_zone: str
    locale: str
    language: str
    persona: str
    open_propensity: float
    click_propensity: float
    buy_propensity: float
    complaint_propensity: float
    unsubscribe_propensity: float
    preferred_hour: int
    machine_opens: int
    bounces: str | None

    @classmethod
    def of(cls, row: Row) -> Person:
        return cls(**{field.name: row[field.name] for field in fields(cls)})


def load_person(con: Connection, person_id: int) -> Person:
    """Raises LookupError for a person nobody knows."""
    row = con.execute("select * from persons where person_id = ?", (person_id,)).fetchone()
    if row is None:
        raise LookupError(f"no person {person_id} in this world")
    return Person.of(row)


def make_people(rng: random.Random, count: int) -> Iterator[Person]:
    """`count` persons, the same for the same state of `rng`. About one in sixty shares a home and a phone."""
    fakers = {country.code: _faker(country, rng) for country in COUNTRIES}
    weights = [country.weight for country in COUNTRIES]
    taken: set[str] = set()
    before: Person | None = None
    for person_id in range(1, count + 1):
        if before is not None and rng.random() < 1 / 60:
            country = next(c for c in COUNTRIES if c.code == before.country)
            person = _make(rng, person_id, country, fakers[country.code], taken, family=before)
        else:
            country = rng.choices(COUNTRIES, weights)[0]
            person = _make(rng, person_id, country, fakers[country.code], taken, family=None)
        before = person
        yield person


def _faker(country: Country, rng: random.Random) -> Faker:
    faker = Faker(country.faker_locale)
    faker.seed_instance(rng.randrange(2**31))
    return faker


def _make(
    rng: random.Random, person_id: int, country: Country, faker: Faker, taken: set[str], *, family: Person | None
) -> Person:
    first, last = str(faker.first_name()), str(faker.last_name())
    city, zone = rng.choice(country.cities)
    address, code = str(faker.street_address()).replace("\n", ", "), str(faker.postcode())
    phone = new_phone(rng, country.code)
    if family is not None:
        last, phone, address = family.last_name, family.phone, family.address
        city, code, zone = family.city, family.zip, family.time_zone
    return Person(
        person_id=person_id,
        first_name=first,
        last_name=last,
        email=_email(rng, faker, country, first, last, taken),
        phone=phone,
        country=country.code,
        city=city,
        zip="" if country.code == "AE" else code,
        address=address,
        time_zone=zone,
        locale=country.locale,
        language=country.language,
        **_temper(rng),
    )


def _email(rng: random.Random, faker: Faker, country: Country, first: str, last: str, taken: set[str]) -> str:
    if country.code == "JP":
        first, last = str(faker.first_romanized_name()), str(faker.last_romanized_name())
    local = email_local(rng, slug(first) or "a", slug(last) or "x")
    domain = rng.choice(DOMAINS)
    email = f"{local}@{domain}"
    while email in taken:
        email = f"{local}{rng.randint(1, 9999)}@{domain}"
    taken.add(email)
    return email


def _temper(rng: random.Random) -> dict[str, Any]:
    persona = rng.choices(list(PERSONAS), [temper.weight for temper in PERSONAS.values()])[0]
    temper = PERSONAS[persona]
    luck = rng.random()
    return {
        "persona": persona,
        "open_propensity": _around(rng, temper.opens),
        "click_propensity": _around(rng, temper.clicks),
        "buy_propensity": _around(rng, temper.buys),
        "complaint_propensity": _around(rng, temper.complains),
        "unsubscribe_propensity": _around(rng, temper.unsubscribes),
        "preferred_hour": rng.choices(range(24), _HOURS)[0],
        "machine_opens": int(rng.random() < 0.35),
        "bounces": "hard" if luck < 0.012 else "soft" if luck < 0.03 else None,
    }


_HOURS = (1, 1, 0, 0, 0, 1, 3, 7, 9, 8, 7, 6, 8, 6, 5, 5, 6, 8, 10, 12, 13, 11, 6, 3)
"""How many people read their mail first in each local hour."""


def _around(rng: random.Random, share: float) -> float:
    return round(min(0.98, share * rng.uniform(0.5, 1.5)), 6)
