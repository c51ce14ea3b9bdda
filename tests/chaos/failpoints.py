"""The matrix: each crash point times SIGKILL, a pause beyond the lease, an exception and a crash of Postgres."""

import itertools
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from rapport.errors import TransientError
from tests.chaos import planner, victims
from tests.chaos.house import FORK
from tests.chaos.lane import FEW_LANES, LANES, Lane, Pool, lanes, one_of
from tests.chaos.scenarios import ELSEWHERE, SCENARIOS, Scenario, faulty
from tests.chaos.times import Times
from tests.chaos.victims import ACTIONS, Failpoint

PEOPLE = 40
# Whatever is struck, most of them have nothing to do with it.
LEAST_ACCEPTED = 20
Cell = tuple[str, str, list[str]]


def failpoints(times: Times, seed: int, say: Callable[[str], None], every: int = 1) -> tuple[bool, str]:
    """Runs the matrix, or every so-manieth of its cells beginning at the seed, and tells its table."""
    cells = [(scenario, action) for scenario in SCENARIOS for action in ACTIONS]
    chosen = [cell for at, cell in enumerate(cells) if (at + seed) % every == 0]
    times.shorten_gate()
    with lanes(times, LANES if every == 1 else FEW_LANES) as pool, ThreadPoolExecutor(LANES) as threads:
        found = list(threads.map(lambda cell: _with_lane(pool, *cell), chosen))
        if every == 1:
            found += _planning(pool)
    _tell(found, say)
    broken = sum(bool(faults) for _, _, faults in found)
    return not broken, f"{len(found)} crashes at {len({name for name, _, _ in found})} points: {broken} broke something"


def _with_lane(pool: Pool, scenario: Scenario, action: str) -> Cell:
    with one_of(pool) as lane:
        try:
            return scenario.name, action, crash(lane, scenario, action)
        except Exception as error:
            return scenario.name, action, [f"{type(error).__name__}: {error}"]


def crash(lane: Lane, scenario: Scenario, action: str) -> list[str]:
    """Plays one cell; what went wrong, nothing when all invariants held."""
    occurrence = f"{scenario.name}, {action}"
    people = scenario.people(lane.people(PEOPLE, occurrence))
    lane.plan(people, occurrence)
    lane.house.set_faults(**faulty(scenario, lane))
    settings = lane.house.settings
    if scenario.refused:
        settings = settings.model_copy(update={"sendgrid_url": f"http://127.0.0.1:{_closed_port()}"})
    ours, theirs = FORK.Pipe()
    failpoint = Failpoint(action, theirs, scenario.nth, scenario.error)
    victim = lane.house.spawn(victims.dispatch_until_struck, settings, lane.times, scenario.point, failpoint)
    if not lane.reached(victim, ours):
        return ["the point was never reached"]
    scenario.meanwhile(lane, occurrence)
    found = lane.strike(victim, ours, action, occurrence)
    scenario.afterwards(lane, occurrence)
    if not lane.rescue(occurrence):
        found.append("not every send came to an end")
    verdict = lane.verdict(len(people), occurrence, scenario.held_seconds)
    if not verdict.holds:
        found.append(str(verdict))
    states = Counter(verdict.states)
    as_expected = (
        verdict.accepted >= LEAST_ACCEPTED
        and states["suppressed"] == scenario.suppressed
        and states["failed"] <= scenario.failed
        and not states["expired"]
    )
    return found if as_expected else [*found, f"the ends are odd: {verdict}"]


def _planning(pool: Pool) -> list[Cell]:
    """A plan is whole or not there at all, whoever plans beside it."""
    with one_of(pool) as lane:
        settings = planner.prepare(lane.house)
        cells = itertools.product((False, True), ACTIONS)
        return [
            (
                "two planners at once" if second else "before the plan commits",
                action,
                _crash_planner(lane, settings, f"plan_{number}", action, second),
            )
            for number, (second, action) in enumerate(cells)
        ]


def _crash_planner(lane: Lane, settings: planner.Settings, name: str, action: str, second: bool) -> list[str]:
    planner.make_campaign(settings, name)
    ours, theirs = FORK.Pipe()
    victim = lane.house.spawn(planner.plan_until_struck, settings, name, Failpoint(action, theirs, 1, TransientError))
    if not lane.reached(victim, ours):
        return ["the point was never reached"]
    other = planner.Second(settings, name) if second else None
    found = lane.strike(victim, ours, action, name)
    if other is not None and not other.ended(30):
        found.append("the second planner did not end")
    return found + planner.faults_of(settings, name)


def _tell(found: Sequence[Cell], say: Callable[[str], None]) -> None:
    names = list(dict.fromkeys(name for name, _, _ in found))
    width = max(map(len, names))
    cells = {(name, action): faults for name, action, faults in found}
    say("  " + " ".ljust(width) + "".join(f"  {action:<9}" for action in ACTIONS))
    for name in names:
        marks = (
            "" if (name, action) not in cells else "FAILED" if cells[name, action] else "held" for action in ACTIONS
        )
        say("  " + name.ljust(width) + "".join(f"  {mark:<9}" for mark in marks).rstrip())
    for name, action, faults in found:
        for fault in faults:
            say(f"  FAILED {name}, {action}: {fault}")
    for name, where in ELSEWHERE.items():
        say(f"  elsewhere: {name}: {where}")


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
