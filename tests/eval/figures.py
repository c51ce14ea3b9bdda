"""One printed figure beside its anchor, and the table of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`anchor` is a published value, a goal or what a rival did in this same run; `note` says which of these.

    `reached` is None for what is shown for comparison only.
    """

    name: str
    value: float
    note: str
    anchor: float
    reached: bool | None = None
    digits: int = 4

    @property
    def ratio(self) -> float:
        return self.value / self.anchor if self.anchor else float("nan")


def show(figures: Iterable[Figure]) -> bool:
    """Prints the table; True when nothing that had to be reached was missed."""
    from rich.console import Console
    from rich.table import Table

    table = Table("figure", "value", "beside it", "its value", "ratio", "")
    missed = 0
    for one in figures:
        mark = {None: "", True: "reached", False: "MISSED"}[one.reached]
        missed += one.reached is False
        values = (f"{one.value:,.{one.digits}f}", one.note, f"{one.anchor:,.{one.digits}f}", f"{one.ratio:.3f}")
        table.add_row(one.name, *values, mark)
    Console(width=150).print(table)
    return not missed
