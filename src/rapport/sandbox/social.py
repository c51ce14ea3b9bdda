"""Bluesky around the shop: profiles, the shop's own posts, and what people and strangers say or do about them."""

from __future__ import annotations

import base64
import hashlib
import random
from typing import Any

from rapport.sandbox.people import Person
from rapport.sandbox.spelling import slug, without_accents
from rapport.sandbox.times import iso_ms

SHOP_HANDLE = "shop.social.example"
REASONS = ("mention", "reply", "quote", "like", "repost", "follow")
_WEIGHTS = (16, 18, 5, 42, 11, 8)
_COLLECTION = {"like": "app.bsky.feed.like", "repost": "app.bsky.feed.repost", "follow": "app.bsky.graph.follow"}

_POSTS = (
    "New in: the linen table runner, woven in small batches.",
    "How we pack so that plates arrive whole.",
    "A quiet Sunday, a pour-over, and the new filter roast.",
    "Herb seeds are back. What will you sow first?",
    "Three candles that smell of winter and nothing else.",
    "We are at the market on Saturday, come and say hello.",
    "Sharpening day in the workshop: bring your knives.",
    "Your letters: the writing set in four colours.",
)
_MENTIONS = {
    "en": ("Parcel from @{shop} came today, so well packed", "@{shop} do you ship to my country?",
           "The @{shop} kettle is a joy", "Third week without my order, @{shop}. Not impressed."),
    "de": ("Paket von @{shop} ist da, sehr schön verpackt", "@{shop} wann gibt es die Schalen wieder?"),
    "fr": ("Colis de @{shop} bien reçu, merci !", "@{shop} livrez-vous en Belgique ?"),
    "ja": ("@{shop} から届きました。きれいです",),
    "bg": ("Пратката от @{shop} пристигна, чудесна е",),
    "ar": ("وصل طلبي من @{shop} شكرا",),
}  # fmt: skip


def did_of(seed: str) -> str:
    """A stable `did:plc:` identifier."""
    digest = hashlib.sha256(f"did:{seed}".encode()).digest()
    return "did:plc:" + base64.b32encode(digest).decode().lower()[:24]


def cid_of(text: str) -> str:
    """A content id in the shape of a CIDv1."""
    return "bafyrei" + base64.b32encode(hashlib.sha256(text.encode()).digest()).decode().lower()[:52]


def handle_of(person: Person) -> str:
    """The handle a person took; unique by their number where names alone would collide."""
    name = slug(person.first_name) + slug(person.last_name)
    return f"{(name or 'user')[:20]}{person.person_id}.social.example"


def profile_doc(did: str, handle: str, name: str | None, about: str, created: float, followers: int) -> dict[str, Any]:
    """A profile view; `created` in epoch seconds."""
    return {
        "did": did,
        "handle": handle,
        "displayName": name,
        "description": about,
        "followersCount": followers,
        "followsCount": followers // 2 + 3,
        "postsCount": followers // 5,
        "labels": [],
        "createdAt": iso_ms(created),
        "indexedAt": iso_ms(created),
    }


def person_profile(rng: random.Random, seed: str, person: Person, created: float) -> dict[str, Any]:
    """A person's profile: their name as they show it, which is not always their name."""
    shown = rng.choice(
        (
            f"{person.first_name} {person.last_name}",
            without_accents(f"{person.first_name} {person.last_name}"),
            person.first_name,
            f"{person.first_name} ☕",
            None,
        )
    )
    about = rng.choice(("", person.city, f"{person.city} · plants, books", "coffee first"))
    did = did_of(f"{seed}:{person.person_id}")
    return profile_doc(did, handle_of(person), shown, about, created, rng.randrange(3, 900))


def shop_post(rng: random.Random, shop: dict[str, Any], number: int, at: float) -> dict[str, Any]:
    """One of the shop's own posts."""
    text = f"{_POSTS[number % len(_POSTS)]} #{number + 1}"
    return _record(shop, "post", "app.bsky.feed.post", f"{at:.3f}:{number}", at, at, None, text, "en")


def interaction(
    rng: random.Random, author: dict[str, Any], language: str, at: float, posts: list[dict[str, Any]],
    until: float, kind: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """What a person did at `at`, seen by the network some seconds later but not after `until`."""
    earlier = [post["uri"] for post in posts if post["indexedAt"] < iso_ms(at)]
    reason = kind or rng.choices(REASONS, _WEIGHTS)[0]
    if not earlier and reason in ("reply", "quote", "like", "repost"):
        reason = "mention"
    subject = None if reason in ("mention", "follow") else rng.choice(earlier[-12:])
    text = None
    if reason in ("mention", "reply", "quote"):
        sayings = _MENTIONS.get(language, _MENTIONS["en"])
        text = rng.choice(sayings).format(shop=SHOP_HANDLE)
    collection = _COLLECTION.get(reason, "app.bsky.feed.post")
    indexed = min(at + rng.uniform(0.4, 9.0), until)
    return _record(author, reason, collection, f"{at:.3f}", at, indexed, subject, text, language)


def _record(
    author: dict[str, Any], reason: str, collection: str, salt: str, at: float, indexed: float,
    subject: str | None, text: str | None, language: str,
) -> dict[str, Any]:  # fmt: skip
    rkey = base64.b32encode(hashlib.sha256(f"{author['did']}:{reason}:{salt}".encode()).digest()).decode().lower()[:13]
    uri = f"at://{author['did']}/{collection}/{rkey}"
    record: dict[str, Any] = {"$type": collection, "createdAt": iso_ms(at)}
    if text is not None:
        record |= {"text": text, "langs": [language]}
    if subject is not None:
        target = {"uri": subject, "cid": cid_of(subject)}
        if reason == "reply":
            record["reply"] = {"root": target, "parent": target}
        elif reason == "quote":
            record["embed"] = {"$type": "app.bsky.embed.record", "record": target}
        else:
            record["subject"] = target
    if reason == "follow":
        record["subject"] = did_of("shop")
    view = {key: author[key] for key in ("did", "handle", "displayName")} | {"labels": []}
    doc = {
        "uri": uri,
        "cid": cid_of(uri),
        "author": {key: value for key, value in view.items() if value is not None},
        "reason": reason,
        "record": record,
        "isRead": False,
        "indexedAt": iso_ms(indexed),
        "labels": [],
    }
    return doc | ({"reasonSubject": subject} if subject is not None and reason != "quote" else {})
