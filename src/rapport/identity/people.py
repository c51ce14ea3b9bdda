"""From edges to people: which profiles stand together, and how sure that is. Pure, no database."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rapport.identity.clusters import connected_components
from rapport.identity.linkage import Pair, average_linkage, certain_groups
from rapport.identity.rules import Rules

DECISION, LIKENESS = "decision", "likeness"
_LATEST = datetime.max.replace(tzinfo=UTC)
_LAST_RANK = 1000
LARGEST = 1000
STRICTEST = 0.9999


@dataclass(frozen=True)
class Profile:
    """What of a profile bears on whom it belongs to. `store_email` is null for profiles that are no store account."""

    profile_key: str
    created_at: datetime | None
    source_rank: int | None = None
    has_email: bool = False
    birth_date: str | None = None
    store_email: str | None = None


@dataclass(frozen=True)
class Edge:
    """Why two profiles may be one person; `profile_key_a < profile_key_b`. Exact rules have probability 1."""

    profile_key_a: str
    profile_key_b: str
    rule: str
    is_certain: bool
    probability: float

    @property
    def pair(self) -> Pair:
        return self.profile_key_a, self.profile_key_b


@dataclass(frozen=True)
class Decision:
    """A person's word on a pair; it stands before every rule."""

    profile_key_a: str
    profile_key_b: str
    is_same: bool

    @property
    def pair(self) -> Pair:
        return self.profile_key_a, self.profile_key_b


@dataclass(frozen=True)
class Membership:
    """`certain_key` names those profiles of the customer that are one person for certain; `confidence` is certain for
    the part that mail may speak of: the one with the most trusted record, of several the one that can be written to."""

    confidence: str
    certain_key: str


@dataclass(frozen=True)
class Person:
    """One cluster: its profiles in sorted order, and how each belongs."""

    keys: list[str]
    memberships: dict[str, Membership]


def find_people(
    profiles: Mapping[str, Profile], edges: Sequence[Edge], decisions: Sequence[Decision], rules: Rules
) -> list[Person]:
    """Clusters of the profiles, sorted by first key: the same for any order of the edges.

    What names a profile that is not there is left out.
    """
    edges = [edge for edge in edges if edge.profile_key_a in profiles and edge.profile_key_b in profiles]
    decisions = [word for word in decisions if word.profile_key_a in profiles and word.profile_key_b in profiles]
    apart = [decision.pair for decision in decisions if not decision.is_same]
    same = [decision.pair for decision in decisions if decision.is_same]
    order = {rule: number for number, rule in enumerate(rules.exact)}
    certain = [edge for edge in edges if edge.is_certain]
    certain.sort(key=lambda edge: (order.get(edge.rule, len(order)), edge.pair))
    marks = _marks(profiles, rules)
    groups = certain_groups(profiles, [*same, *(edge.pair for edge in certain)], apart, marks)
    likely: dict[Pair, float] = {}
    for edge in edges:
        # A certain edge that joined nothing met a conflict or a person's word: it does not come back as a likely one.
        if edge.rule == LIKENESS or not (edge.is_certain or _conflict(edge.pair, marks)):
            likely[edge.pair] = max(likely.get(edge.pair, 0), edge.probability)
    clusters = _clusters(groups, likely, apart, rules)
    return sorted((_person(cluster, profiles) for cluster in clusters), key=lambda person: person.keys)


def _marks(profiles: Mapping[str, Profile], rules: Rules) -> list[dict[str, str]]:
    """What two profiles of one person cannot have two of, as far as exact rules go."""
    marks = []
    if rules.conflicts.different_birth_dates.is_on:
        marks.append({key: profile.birth_date for key, profile in profiles.items() if profile.birth_date})
    if rules.conflicts.different_store_accounts.is_on:
        marks.append({key: profile.store_email for key, profile in profiles.items() if profile.store_email})
    return marks


def _conflict(pair: Pair, marks: Sequence[Mapping[str, str]]) -> bool:
    a, b = pair
    return any(a in mark and b in mark and mark[a] != mark[b] for mark in marks)


def _clusters(
    groups: list[list[str]], likely: Mapping[Pair, float], apart: Sequence[Pair], rules: Rules
) -> list[list[Sequence[str]]]:
    """Average linkage within each component of groups; there is nothing to do for most, which stand alone."""
    group_of = {key: group[0] for group in groups for key in group}
    by_name = {group[0]: group for group in groups}
    between = {pair: p for pair, p in likely.items() if group_of[pair[0]] != group_of[pair[1]]}
    found: list[list[Sequence[str]]] = []
    for names, pairs, strict in _parts(by_name, between, group_of, rules.likeness.accept):
        members = [by_name[name] for name in names]
        inside = set(names)
        kept_apart = [(a, b) for a, b in apart if group_of[a] in inside and group_of[b] in inside] if pairs else []
        found += (
            average_linkage(members, pairs, kept_apart, accept=strict, mean=rules.likeness.mean)
            if pairs
            else [[member] for member in members]
        )
    return found


def _parts(
    names: Iterable[str], between: Mapping[Pair, float], group_of: Mapping[str, str], accept: float
) -> Iterator[tuple[list[str], dict[Pair, float], float]]:
    """Components of groups with the pairs inside each, and the `accept` that holds there: a component too large to be
    one person, or to fit into memory, falls apart under a stricter one, at the end into groups that stand alone."""
    strong = [(group_of[a], group_of[b]) for (a, b), probability in between.items() if probability >= accept]
    parts = connected_components(names, strong)
    place = {name: number for number, part in enumerate(parts) for name in part}
    pairs: dict[int, dict[Pair, float]] = {}
    for (a, b), probability in between.items():
        if place[group_of[a]] == place[group_of[b]]:
            pairs.setdefault(place[group_of[a]], {})[a, b] = probability
    for number, part in enumerate(parts):
        if len(part) <= LARGEST:
            yield part, pairs.get(number, {}) if len(part) > 1 else {}, accept
        elif accept > STRICTEST:
            yield from (([name], {}, accept) for name in part)
        else:
            yield from _parts(part, pairs[number], group_of, (1 + accept) / 2)


def _person(cluster: Sequence[Sequence[str]], profiles: Mapping[str, Profile]) -> Person:
    def trust(group: Sequence[str]) -> tuple[bool, int, int, datetime, str]:
        members = [profiles[key] for key in group]
        rank = min(_LAST_RANK if member.source_rank is None else member.source_rank for member in members)
        oldest = min(member.created_at or _LATEST for member in members)
        return not any(member.has_email for member in members), rank, -len(group), oldest, group[0]

    core = min(cluster, key=trust)
    memberships = {
        key: Membership("certain" if group is core else "probable", group[0]) for group in cluster for key in group
    }
    return Person(sorted(memberships), memberships)
