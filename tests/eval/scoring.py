"""`python -m tests.eval scoring [--part NAME]`: every score beside its anchors, in one run."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

from tests.eval import scoring_customers, scoring_mail, scoring_shop
from tests.eval.figures import Figure, show

PARTS: dict[str, tuple[Callable[[], Iterator[Figure]], ...]] = {
    "customers": (scoring_customers.published, scoring_customers.hold_out, scoring_customers.speed),
    "mail": (scoring_mail.simulated, scoring_mail.sandbox),
    "shop": (scoring_shop.recommendations, scoring_shop.forecasts),
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.eval scoring", description=__doc__)
    parser.add_argument("--part", action="append", choices=list(PARTS), help="only this part; may be given again")
    figures: list[Figure] = []
    for part in parser.parse_args(arguments).part or PARTS:
        for made in PARTS[part]:
            if made is scoring_shop.recommendations and not scoring_shop.RETAIL.is_file():
                print(
                    f"skipped: the real shop's data is not here ({scoring_shop.RETAIL.name}; set RAPPORT_SHARED_DATA)"
                )
                continue
            figures += made()
    return 0 if show(figures) else 1
