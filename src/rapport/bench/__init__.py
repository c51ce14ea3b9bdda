"""Benchmarks: each prints its figures with the ceiling or peer that was measured in the same run."""

import signal
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Protocol, cast

from rapport.errors import PermanentError

# Each is a module of this package with a function `run(rows)`; None stands for the size that counts.
NAMES = ("import", "delivery", "clients", "events", "visits", "plan", "render")
_MODULES = {"import": "imports", "plan": "planning"}


class Result(Protocol):
    """What a benchmark found."""

    @property
    def reached(self) -> bool:
        """Whether the figure is what was wanted of it."""
        ...

    def row(self) -> tuple[str, ...]:
        """Figure, value, unit, peer, its value, ratio."""
        ...

    def lines(self) -> list[str]: ...


def run_benchmarks(names: list[str] | None, *, rows: int | None) -> bool:
    """Runs the named benchmarks, or all, and prints one table. True when each reached what was wanted of it."""
    from rich.console import Console
    from rich.table import Table

    # Each benchmark stops its servers in a `finally`, which the signal's own way of ending would leave out.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    table = Table(title="Benchmarks on this machine", title_justify="left")
    for column in ("figure", "value", "unit", "beside it", "its value", "ratio"):
        table.add_column(column)
    reached = True
    for name in names or NAMES:
        if name not in NAMES:
            raise PermanentError(f"no benchmark {name!r}; there are: {', '.join(NAMES)}")
        module = import_module(f"rapport.bench.{_MODULES.get(name, name)}")
        result = cast(Callable[[int | None], Result], module.run)(rows)
        print("\n".join(result.lines()), flush=True)
        table.add_row(*result.row())
        reached = reached and result.reached
    Console().print(table)
    return reached
