"""From clusters to customer ids that stay: pure, no database."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

NAMESPACE = UUID("8f0a3c1e-5d0b-5b57-9d3e-6c1a2f4b7e90")
_LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class KnownId:
    """A customer id given before. `merged_into` is the id that lives on after a merge; `is_elsewhere` says that
    profiles which this run does not look at hold it."""

    customer_id: str
    founded_by: str
    created_at: datetime
    merged_into: str | None = None
    is_elsewhere: bool = False


@dataclass(frozen=True)
class Change:
    """One entry of the log: create, join, merge, split or retire."""

    kind: str
    customer_id: str
    other_customer_id: str | None = None
    profile_key: str | None = None
    rule: str | None = None
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass
class Assignment:
    """Who each profile is, which ids are new (id -> founding profile), which ended (id -> survivor), and why."""

    members: dict[str, str] = field(default_factory=dict)
    created: dict[str, str] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)


def assign(
    clusters: Sequence[Sequence[str]],
    first_seen: Mapping[str, datetime | None],
    members: Mapping[str, str],
    known: Mapping[str, KnownId],
    rules: Mapping[str, Sequence[tuple[str, str]]],
) -> Assignment:
    """Give each cluster an id: the oldest one it inherits, else a new one from its founding profile.

    `members` is the assignment of the last run, `known` the ids that these profiles have or ever founded. Of a
    customer that falls apart the part with the founding profile keeps the id, else the part that holds most of its
    profiles.
    """
    heirs = _heirs(clusters, members, known)
    in_use = set(members.values()) | {customer_id for customer_id, entry in known.items() if entry.is_elsewhere}
    result = Assignment()
    for cluster, inherited in zip(clusters, heirs, strict=True):
        owner = _oldest(inherited, known, first_seen)
        if owner is None:
            founder = min(cluster, key=lambda key: (first_seen.get(key) or _LATEST, key))
            owner = _new_id(founder, known, in_use, result.created)
            result.created[owner] = founder
            result.changes.extend(_beginning(owner, founder, cluster, members))
        for loser in sorted(inherited - {owner}):
            result.merged[loser] = owner
            result.changes.append(_merge(owner, loser, cluster, members, rules))
        for key in cluster:
            result.members[key] = owner
        result.changes.extend(_joins(owner, cluster, inherited, members, rules))
    result.changes.extend(_retirements(result, members))
    return result


def _heirs(
    clusters: Sequence[Sequence[str]], members: Mapping[str, str], known: Mapping[str, KnownId]
) -> list[set[str]]:
    """For each cluster the ids that go to it; every id goes to one cluster at most."""
    claims: dict[str, list[tuple[bool, int, int]]] = {}
    for number, cluster in enumerate(clusters):
        keys = set(cluster)
        for customer_id, count in Counter(members[key] for key in cluster if key in members).items():
            has_founder = known[customer_id].founded_by in keys
            claims.setdefault(customer_id, []).append((has_founder, count, -number))
    heirs: list[set[str]] = [set() for _ in clusters]
    for customer_id, offers in claims.items():
        heirs[-max(offers)[2]].add(customer_id)
    return heirs


def _oldest(ids: set[str], known: Mapping[str, KnownId], first_seen: Mapping[str, datetime | None]) -> str | None:
    def age(customer_id: str) -> tuple[datetime, datetime, str]:
        entry = known[customer_id]
        return entry.created_at, first_seen.get(entry.founded_by) or _LATEST, customer_id

    return min(ids, key=age) if ids else None


def first_id(founder: str) -> str:
    """The id of a customer whom this profile founds and never founded before."""
    return str(uuid5(NAMESPACE, founder))


def _new_id(founder: str, known: Mapping[str, KnownId], in_use: set[str], created: Mapping[str, str]) -> str:
    """The founder's own id: never one that lives on elsewhere; one that stands empty returns to its founder."""
    for attempt in range(len(known) + 2):
        candidate = first_id(founder if attempt == 0 else f"{founder}#{attempt}")
        entry = known.get(candidate)
        free = entry is None or (entry.merged_into is None and candidate not in in_use)
        if free and candidate not in created:
            return candidate
    raise AssertionError("more ids taken than given")


def _beginning(owner: str, founder: str, cluster: Sequence[str], members: Mapping[str, str]) -> list[Change]:
    """A new customer, or the part of an old one that goes its own way."""
    before = sorted({members[key] for key in cluster if key in members})
    if not before:
        return [Change("create", owner, profile_key=founder, evidence={"profiles": len(cluster)})]
    return [Change("split", old, owner, founder, evidence=_sides(old, cluster, members)) for old in before]


def _sides(customer_id: str, cluster: Sequence[str], members: Mapping[str, str]) -> dict[str, Any]:
    """Who left a customer, and who stayed: what undoing it needs to know."""
    inside = set(cluster)
    of_customer = sorted(key for key, owner in members.items() if owner == customer_id)
    return {
        "moved": [key for key in of_customer if key in inside],
        "kept": [key for key in of_customer if key not in inside],
    }


def _merge(
    owner: str,
    loser: str,
    cluster: Sequence[str],
    members: Mapping[str, str],
    rules: Mapping[str, Sequence[tuple[str, str]]],
) -> Change:
    """Names an edge between the two when there is one, else any that leads out of the loser's profiles."""
    inside = [key for key in cluster if members.get(key) == loser]
    edges = [(key, other, rule) for key in inside for other, rule in rules.get(key, ()) if members.get(other) != loser]
    direct = [edge for edge in edges if members.get(edge[1]) == owner]
    sides = {"moved": inside, "kept": [key for key in cluster if members.get(key) == owner]}
    chosen = min(direct or edges, default=None)
    if chosen is None:
        return Change("merge", owner, loser, evidence=sides)
    return Change("merge", owner, loser, chosen[0], chosen[2], {"with": chosen[1], **sides})


def _joins(
    owner: str,
    cluster: Sequence[str],
    inherited: set[str],
    members: Mapping[str, str],
    rules: Mapping[str, Sequence[tuple[str, str]]],
) -> list[Change]:
    """Profiles that are new to a customer who was there before."""
    if not inherited:
        return []
    found = []
    there = [key for key in cluster if members.get(key) in inherited]
    for key in cluster:
        if members.get(key) not in inherited:
            other, rule = next(iter(rules.get(key, ())), (None, None))
            evidence = {"moved": [key], "kept": there} | ({"with": other} if other else {})
            found.append(Change("join", owner, members.get(key), key, rule, evidence))
    return found


def _retirements(result: Assignment, members: Mapping[str, str]) -> list[Change]:
    living = set(result.members.values()) | set(result.merged)
    return [Change("retire", customer_id) for customer_id in sorted(set(members.values()) - living)]
