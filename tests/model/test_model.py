"""The protocol holds in every schedule, and each of its rules is needed: without it some schedule breaks."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from . import evidence
from .__main__ import explore, replay, run_chunk
from .coverage import missing
from .ledger import AT_LEAST, AT_MOST, Ledger
from .mutants import MUTANTS, SEED, Mutant, caught_after
from .rules import Rules
from .schedule import World, new_covered

SCHEDULES = 100_000
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_no_schedule_breaks_the_protocol_and_every_fault_and_transition_happens() -> None:
    covered, broken = explore(SCHEDULES, 7, 1, Rules())
    assert broken == [], f"look with: python -m tests.model --replay {broken[0][0]}"
    assert missing(covered) == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.rule)
def test_a_protocol_without_this_rule_is_caught(mutant: Mutant) -> None:
    found = caught_after(mutant)
    assert found is not None, f"nobody noticed in {mutant.within} schedules: {mutant.what}"


def test_the_whole_protocol_passes_where_its_mutants_fail() -> None:
    _, broken = run_chunk(SEED, max(mutant.within for mutant in MUTANTS), Rules())
    assert broken == []


@pytest.mark.parametrize("policy", [AT_MOST, AT_LEAST])
@pytest.mark.parametrize("seed", range(20))
def test_any_permutation_and_repetition_of_the_events_gives_the_same_tables(policy: str, seed: int) -> None:
    events = [(send_id, kind) for send_id in (1, 2, 3) for kind in range(1, 5)]
    expected = tables_after(policy, [events])
    told = events + random.Random(seed).choices(events, k=12)
    random.Random(seed).shuffle(told)
    size = 1 + seed
    assert tables_after(policy, [told[at : at + size] for at in range(0, len(told), size)]) == expected


def tables_after(policy: str, batches: list[list[tuple[int, int]]]) -> object:
    """Three sends (sending, unknown, final) and their events, read batch by batch."""
    world = World(0, Rules(), new_covered())
    ledger = world.ledger = Ledger(world)
    world.ids = 0
    ledger.plan([((0, address), policy, 0.0, 1e6) for address in range(3)], 0)
    epoch = ledger.open_session()
    ledger.claim(epoch, ledger.due(3, stopped=False), 1)
    ledger.settle([(2, 2, "unknown", 0.0), (3, 3, "rejected", 0.0)])
    for batch in batches:
        for send_id, kind in batch:
            evidence.receive(ledger, (send_id, kind), send_id, kind)
        evidence.read_inbox(ledger)
    return ledger.sends, ledger.attempts, ledger.suppressed, {key: event.kind for key, event in ledger.inbox.items()}


def test_a_failure_is_shown_again_by_its_seed(capsys: pytest.CaptureFixture[str]) -> None:
    without = Mutant("doubt_timeout", 400, "").rules()
    seed = next(seed for seed in range(400) if run_chunk(seed, 1, without)[1])
    assert replay(seed, without) == 1
    first = capsys.readouterr().out
    assert f"seed {seed}" in first
    assert "BROKEN" in first
    assert replay(seed, without) == 1
    assert capsys.readouterr().out == first


def test_the_command_line_tells_in_one_line_and_fails_with_the_protocol() -> None:
    def run(*given: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tests.model", "--schedules", "300", "--processes", "2", *given]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)

    whole, broken = run("--seed", "3"), run("--mutant", "doubt_5xx")
    assert whole.returncode == 0
    assert "300 schedules, seed 3" in whole.stdout.splitlines()[-1]
    assert "0 broke an invariant" in whole.stdout.splitlines()[-1]
    assert broken.returncode == 1
