"""`python -m tests.chaos [run|controls|failpoints|sweep|all] --recipients N --seed S`"""

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
from tests.chaos.times import SINGLE, STORM

Part = Callable[[], tuple[bool, str]]


def main() -> int:
    """Runs the parts that were asked for; 0 when all of them proved what they should."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="The proof of delivery under faults.")
    parser.add_argument("part", nargs="?", default="all", choices=["all", "run", "controls", "failpoints", "sweep"])
    parser.add_argument("--recipients", type=int, default=FULL_RECIPIENTS)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    # A polite end lets every house take down what it began.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rivals = min(CONTROL_RECIPIENTS, chosen.recipients)
    parts: dict[str, Part] = {
        "run": lambda: chaos_run(chosen.recipients, chosen.seed, STORM, say),
        "controls": lambda: controls(rivals, chosen.seed, STORM, say),
        "failpoints": lambda: failpoints(SINGLE, chosen.seed, say),
        "sweep": lambda: sweep(SINGLE, chosen.seed, say),
    }
    held = [tell(name, part) for name, part in parts.items() if chosen.part in ("all", name)]
    return 0 if all(held) else 1


def tell(name: str, part: Part) -> bool:
    begun = time.monotonic()
    held, result = part()
    say(f"{'held  ' if held else 'FAILED'}  {name:<10}  {result}  [{time.monotonic() - begun:.0f} s]")
    return held


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
