"""`python -m tests.eval NAME`: figures that need test-only packages or data sets, each beside its anchor."""

import argparse
import importlib
import sys
from pathlib import Path

NOT_EVALUATIONS = {"__init__", "__main__"}


def names() -> list[str]:
    """Modules of this folder with a `main`."""
    there = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in NOT_EVALUATIONS)
    return [name for name in there if "def main(" in (Path(__file__).parent / f"{name}.py").read_text()]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.eval", description=__doc__)
    parser.add_argument("name", choices=names())
    chosen, rest = parser.parse_known_args()
    return int(importlib.import_module(f"tests.eval.{chosen.name}").main(rest))


if __name__ == "__main__":
    sys.exit(main())
