"""python -m tests.model --schedules 1000000 --seed 7 --processes 2"""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from itertools import repeat

from .coverage import missing, repeats, table
from .invariants import Violation
from .mutants import MUTANTS
from .rules import Rules
from .schedule import Covered, new_covered, run_schedule

CHUNK = 5000
FAILURES_SHOWN = 3
# From so many schedules on, everything must have happened at least once.
COVERS_ALL = 100_000


def run_chunk(start: int, count: int, rules: Rules) -> tuple[Covered, list[tuple[int, str]]]:
    """Schedules of the seeds from `start` on: what happened, and which seeds broke what."""
    covered, broken = new_covered(), []
    for seed in range(start, start + count):
        try:
            run_schedule(seed, rules, covered)
        except Violation as violation:
            broken.append((seed, str(violation)))
    return covered, broken


def explore(schedules: int, seed: int, processes: int, rules: Rules) -> tuple[Covered, list[tuple[int, str]]]:
    """As `run_chunk`, for `schedules` seeds that follow from `seed`, side by side."""
    first = seed * 1_000_000_000
    starts = range(first, first + schedules, CHUNK)
    sizes = [min(CHUNK, first + schedules - start) for start in starts]
    covered, broken = new_covered(), []
    with ExitStack() as stack:
        side_by_side = stack.enter_context(ProcessPoolExecutor(processes)).map if processes > 1 else map
        for part, failures in side_by_side(run_chunk, starts, sizes, repeat(rules)):
            broken += failures
            for what, count in part.items():
                covered[what] += count
    return covered, broken


def replay(seed: int, rules: Rules) -> int:
    """Prints what happened, second by second; 1 when an invariant broke."""
    trace: list[str] = []
    try:
        run_schedule(seed, rules, new_covered(), trace)
    except Violation as violation:
        print("\n".join([f"seed {seed}", *trace, f"seed {seed}: {violation}"]))
        return 1
    print("\n".join([f"seed {seed}", *trace, f"seed {seed}: every invariant holds"]))
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.model", description="Explores the delivery protocol.")
    parser.add_argument("--schedules", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument(
        "--replay", type=int, metavar="SEED", help="show one schedule, by the seed that a failure named"
    )
    parser.add_argument("--mutant", choices=[mutant.rule for mutant in MUTANTS], help="turn this rule off")
    given = parser.parse_args()
    rules = Rules(**{given.mutant: False}) if given.mutant else Rules()
    if given.replay is not None:
        return replay(given.replay, rules)
    started = time.monotonic()
    covered, broken = explore(given.schedules, given.seed, given.processes, rules)
    seconds = time.monotonic() - started
    print(table(covered))
    lacking = missing(covered) if given.schedules >= COVERS_ALL else []
    for text in lacking:
        print(f"never happened: {text}")
    for seed, _ in broken[:FAILURES_SHOWN]:
        replay(seed, rules)
    print(
        f"{given.schedules:,} schedules, seed {given.seed}, {seconds:.0f} s: {len(broken)} broke an invariant, "
        f"{len(lacking)} faults or transitions never happened, {repeats(covered)} at-least-once sends went "
        "twice where an assumption about the provider was broken"
    )
    return 1 if broken or lacking else 0


if __name__ == "__main__":
    sys.exit(main())
