"""Tables of `raw_bluesky` and how Bluesky's records fill them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rapport.sources.records import Record, Table, Unreadable, dig

KINDS = frozenset({"mention", "reply", "quote", "like", "repost", "follow"})

INTERACTIONS = Table(
    name="interactions",
    columns={
        "id": "text",
        "cid": "text",
        "author_did": "text",
        "author_handle": "text",
        "author_display_name": "text",
        "kind": "text",
        "subject_uri": "text",
        "text": "text",
        "langs": "json",
        "created_at": "timestamp",
        "indexed_at": "timestamp",
    },
    required=frozenset({"id", "author_did", "kind", "indexed_at"}),
    version="indexed_at",
)
PROFILES = Table(
    name="profiles",
    columns={
        "id": "text",
        "handle": "text",
        "display_name": "text",
        "description": "text",
        "followers_count": "bigint",
        "created_at": "timestamp",
        "indexed_at": "timestamp",
    },
    required=frozenset({"id", "handle"}),
    version="indexed_at",
)
TABLES = (INTERACTIONS, PROFILES)


def is_known(notification: Any) -> bool:
    """False for kinds of notification that are no interaction of a person with the shop, such as a starter pack's."""
    return not isinstance(notification, Mapping) or notification.get("reason") in KINDS | {None}


def notification_row(item: Record) -> Record:
    """A notification in the columns of `raw_bluesky.interactions`."""
    return {
        **_post(item),
        "kind": item.get("reason"),
        "subject_uri": item.get("reasonSubject") or dig(item, "record", "reply", "parent", "uri"),
    }


def own_post_row(item: Record) -> Record:
    """An entry of the account's own feed in the columns of `raw_bluesky.interactions`."""
    post = item.get("post")
    if not isinstance(post, Mapping):
        raise Unreadable("post is missing")
    return {**_post(post), "kind": "post", "subject_uri": dig(post, "record", "reply", "parent", "uri")}


def profile_row(profile: Record) -> Record:
    """A detailed profile in the columns of `raw_bluesky.profiles`."""
    return {
        "id": profile.get("did"),
        "handle": profile.get("handle"),
        "display_name": profile.get("displayName"),
        "description": profile.get("description"),
        "followers_count": profile.get("followersCount"),
        "created_at": profile.get("createdAt"),
        "indexed_at": profile.get("indexedAt"),
    }


def _post(item: Record) -> dict[str, Any]:
    return {
        "id": item.get("uri"),
        "cid": item.get("cid"),
        "author_did": dig(item, "author", "did"),
        "author_handle": dig(item, "author", "handle"),
        "author_display_name": dig(item, "author", "displayName"),
        "text": dig(item, "record", "text"),
        "langs": dig(item, "record", "langs"),
        "created_at": dig(item, "record", "createdAt"),
        "indexed_at": item.get("indexedAt"),
    }
