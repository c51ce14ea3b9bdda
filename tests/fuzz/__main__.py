"""`python -m tests.fuzz [--PART N ...] [--seed S]`, the parts being those of FULL; without a number: all."""

import argparse
import os
import sys
import time
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import ec

from rapport.settings import Settings

from . import conditions, events, forgery, templates, tokens
from .house import house

FULL = {
    "forgery": 1_000_000,
    "tokens": 1_000_000,
    "scanners": 10_000,
    "events": 1_000_000,
    "templates": 20_000,
    "conditions": 1_000_000,
}


def main() -> int:
    """Runs the parts that were asked for; 0 when all of them proved what they should."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description="What others may try with the gateway, and with templates."
    )
    for name in FULL:
        parser.add_argument(f"--{name}", type=int, metavar="N")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    asked = {name: number for name in FULL if (number := getattr(chosen, name))} or FULL
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    parts: dict[str, Callable[[Settings, int], tuple[bool, str]]] = {
        "forgery": lambda settings, number: forgery.forge(settings, keys, number, chosen.seed, chosen.processes),
        "tokens": lambda settings, number: tokens.forge(settings, number, chosen.seed, chosen.processes),
        "scanners": lambda settings, number: tokens.scan(settings, number, chosen.seed),
        "events": lambda settings, number: events.shuffle(settings, keys[0], number, chosen.seed),
        "conditions": lambda settings, number: conditions.attack(settings, number, chosen.seed, chosen.processes),
        "templates": lambda _, number: templates.attack(number, chosen.seed, chosen.processes),
    }
    held = True
    for name, number in asked.items():
        began = time.monotonic()
        with house(keys) as settings:
            good, told = parts[name](settings, number)
        print(f"{'held  ' if good else 'FAILED'}  {name:<10} {told}  [{time.monotonic() - began:.0f} s]", flush=True)
        held = held and good
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
