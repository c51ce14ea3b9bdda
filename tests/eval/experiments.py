"""`python -m tests.eval experiments [--part NAME]`: errors under peeking, power, a published trial."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

from tests.eval import experiments_hillstrom, experiments_peeking
from tests.eval.figures import Figure, show

PARTS: dict[str, tuple[Callable[[], Iterator[Figure]], ...]] = {
    "peeking": (experiments_peeking.peeking, experiments_peeking.heavy_tails, experiments_peeking.cuped),
    "hillstrom": (experiments_hillstrom.hillstrom,),
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.eval experiments", description=__doc__)
    parser.add_argument("--part", action="append", choices=list(PARTS), help="only this part; may be given again")
    figures = [
        figure for part in parser.parse_args(arguments).part or PARTS for made in PARTS[part] for figure in made()
    ]
    return 0 if show(figures) else 1
