"""`python -m tests.chaos [all|run|controls|failpoints|sweep] --recipients N --seed S`"""

import argparse
import signal
import sys
import time
from collections.abc import Callable

from tests.chaos.controls import RECIPIENTS as CONTROL_RECIPIENTS
from tests.chaos.controls import controls
from tests.chaos.failpoints import failpoints
from tests.chaos.run import chaos_run
from tests.chaos.schedule import FULL_RECIPIENTS
from tests.chaos.sweep import sweep
from tests.chaos.times import BRIEF, SINGLE, STORM

Part = Callable[[], tuple[bool, str]]
# A short proof plays one in so many crashes and operations; the seed says which.
THIN_CRASHES, THIN_OPERATIONS = 13, 29


def main() -> int:
    """Runs the parts that were asked for; 0 when all of them proved what they should."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="The proof of delivery under faults.")
    parser.add_argument("part", nargs="?", default="all", choices=["all", "run", "controls", "failpoints", "sweep"])
    parser.add_argument("--recipients", type=int, default=FULL_RECIPIENTS)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--short", action="store_true", help="a storm of seconds, and a few crashes of each kind")
    chosen = parser.parse_args()
    # A polite end lets every house take down what it began.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parts = _parts(chosen.recipients, chosen.seed, chosen.short)
    held = [tell(name, part) for name, part in parts.items() if chosen.part in ("all", name)]
    return 0 if all(held) else 1


def _parts(recipients: int, seed: int, short: bool) -> dict[str, Part]:
    storm = BRIEF if short else STORM
    crashes, operations = (THIN_CRASHES, THIN_OPERATIONS) if short else (1, 1)
    rivals = min(CONTROL_RECIPIENTS, recipients)
    return {
        "run": lambda: chaos_run(recipients, seed, storm, say),
        "controls": lambda: controls(rivals, seed, storm, say),
        "failpoints": lambda: failpoints(SINGLE, seed, say, crashes),
        "sweep": lambda: sweep(SINGLE, seed, say, operations),
    }


def tell(name: str, part: Part) -> bool:
    begun = time.monotonic()
    held, result = part()
    say(f"{'held  ' if held else 'FAILED'}  {name:<10}  {result}  [{time.monotonic() - begun:.0f} s]")
    return held


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
