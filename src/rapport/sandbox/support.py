"""The support desk: its users under their own spellings, and what they write about."""

from __future__ import annotations

import random
from typing import Any

from rapport.sandbox.people import Person
from rapport.sandbox.spelling import other_email, other_name, other_phone, slug
from rapport.sandbox.times import DAY, HOUR, iso

FIRST_USER_ID = 380_000_000_001
AGENTS = (
    ("Mara Lindqvist", "mara@shop.example"),
    ("Tom Adeyemi", "tom@shop.example"),
    ("Ines Roth", "ines@shop.example"),
)

# Topic: subject per language; {order} is an order's name.
_SUBJECTS: dict[str, dict[str, str]] = {
    "delivery": {
        "en": "Where is my parcel {order}?", "de": "Wo bleibt mein Paket {order}?", "fr": "Où est mon colis {order} ?",
        "es": "¿Dónde está mi pedido {order}?",
        "pl": "Gdzie jest moja paczka {order}?", "it": "Dov'è il mio pacco {order}?",
        "ja": "{order} はいつ届きますか", "bg": "Къде е пратката ми {order}?", "ar": "أين طلبي {order}؟",
        "nl": "Waar blijft mijn pakket {order}?", "sv": "Var är mitt paket {order}?",
    },
    "damaged": {
        "en": "Arrived broken: {order}", "de": "Beschädigt angekommen: {order}", "fr": "Article cassé, {order}",
        "es": "Llegó roto: {order}", "pl": "Uszkodzony towar {order}", "ja": "{order} の商品が割れていました",
    },
    "return": {
        "en": "I would like to return {order}", "de": "Rücksendung {order}", "fr": "Retour de la commande {order}",
        "nl": "Retour van {order}", "sv": "Retur av {order}",
    },
    "product": {"en": "Question about a product", "de": "Frage zu einem Produkt", "it": "Domanda su un prodotto"},
    "account": {"en": "Cannot sign in to my account", "de": "Anmeldung geht nicht",
                "es": "No puedo entrar en mi cuenta"},
    "praise": {"en": "Thank you, lovely packaging", "fr": "Merci, très bel emballage", "ja": "ありがとうございました"},
}  # fmt: skip
_TOPIC_WEIGHTS = {"delivery": 36, "damaged": 16, "return": 20, "product": 14, "account": 9, "praise": 5}
_CHANNELS = ("email", "web", "chat", "api", "voice")


def support_user(
    rng: random.Random, person: Person, user_id: int, created: int, until: int, customer_id: int | None
) -> dict[str, Any]:
    """A support user for a person; some wrote from another address, some only called, few carry the store's id."""
    kind = rng.random()
    email: str | None = person.email
    if kind < 0.25:
        email = other_email(rng, person.email, slug(person.first_name) or "me", slug(person.last_name) or "x").lower()
    elif kind < 0.33:
        email = None
    phone = other_phone(rng, person.phone) if email is None or rng.random() < 0.45 else None
    named = email is not None or rng.random() < 0.5
    name = other_name(rng, person.first_name, person.last_name) if named else f"Caller {phone}"
    external = str(customer_id) if customer_id is not None and rng.random() < 0.2 else None
    updated = min(created + rng.randrange(0, 30 * DAY), until)
    return user_doc(
        user_id, name, email, phone, "end-user", person.locale, person.time_zone, external, created, updated
    )


def agents(created: int) -> list[dict[str, Any]]:
    """The people of the shop who answer."""
    return [
        user_doc(FIRST_USER_ID - 10 + at, name, email, None, "agent", "en-GB", "Europe/London", None, created, created)
        for at, (name, email) in enumerate(AGENTS)
    ]


def user_doc(
    user_id: int, name: str, email: str | None, phone: str | None, role: str, locale: str, zone: str,
    external_id: str | None, created: int, updated: int,
) -> dict[str, Any]:  # fmt: skip
    """A Zendesk user; `created` and `updated` in epoch seconds."""
    return {
        "id": user_id,
        "url": f"https://shop.zendesk.example/api/v2/users/{user_id}.json",
        "name": name,
        "email": email,
        "phone": phone,
        "role": role,
        "locale": locale,
        "iana_time_zone": zone,
        "time_zone": zone.split("/")[-1].replace("_", " "),
        "external_id": external_id,
        "verified": email is not None,
        "active": True,
        "suspended": False,
        "tags": [],
        "created_at": iso(created),
        "updated_at": iso(updated),
    }


def compose_ticket(
    rng: random.Random, person: Person, ticket_id: int, requester_id: int, at: int, until: int, order: str | None
) -> dict[str, Any]:
    """A ticket opened at `at` and taken as far as it had come by `until`; `order` is the order's name it is about."""
    topics = list(_TOPIC_WEIGHTS) if order else ["product", "account", "praise"]
    topic = rng.choices(topics, [_TOPIC_WEIGHTS[name] for name in topics])[0]
    subjects = _SUBJECTS[topic]
    subject = subjects.get(person.language, subjects["en"]).format(order=order)
    doc: dict[str, Any] = {
        "id": ticket_id,
        "url": f"https://shop.zendesk.example/api/v2/tickets/{ticket_id}.json",
        "requester_id": requester_id,
        "submitter_id": requester_id,
        "assignee_id": FIRST_USER_ID - 10 + rng.randrange(len(AGENTS)),
        "subject": subject,
        "raw_subject": subject,
        "description": f"{subject}\n\n{person.first_name}",
        "status": "new",
        "priority": rng.choices(("low", "normal", "high", "urgent", None), (10, 55, 15, 4, 16))[0],
        "type": {"damaged": "problem", "delivery": "incident"}.get(topic, "question"),
        "via": {"channel": rng.choices(_CHANNELS, (50, 25, 12, 8, 5))[0]},
        "tags": sorted({topic, person.language}),
        "satisfaction_rating": {"score": "unoffered"},
        "created_at": iso(at),
        "updated_at": iso(at),
        "generated_timestamp": at,
        "metric_set": {"solved_at": None, "reopens": 0, "replies": 0},
    }
    advance_ticket(rng, doc, at, until)
    return doc


def advance_ticket(rng: random.Random, doc: dict[str, Any], at: int, until: int) -> None:
    """Take a ticket through answer, solution, rating and closing, as far as `until` allows."""
    replied, solved = at + rng.randrange(HOUR // 2, 2 * DAY), at + rng.randrange(2 * DAY, 6 * DAY)
    closed = solved + 4 * DAY
    if replied <= until:
        doc["status"] = rng.choice(("open", "pending"))
        doc["metric_set"]["replies"] = 1
        _touch(doc, replied)
    if solved <= until and rng.random() < 0.94:
        doc["status"] = "closed" if closed <= until else "solved"
        doc["metric_set"]["solved_at"] = iso(solved)
        doc["satisfaction_rating"] = {"score": rng.choices(("good", "bad", "offered"), (46, 12, 42))[0]}
        _touch(doc, closed if closed <= until else solved)


def _touch(doc: dict[str, Any], at: int) -> None:
    doc["updated_at"] = iso(at)
    doc["generated_timestamp"] = at
