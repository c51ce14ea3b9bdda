"""Benchmarks: each prints its figures with the ceiling or peer that was measured in the same run."""

from rapport.errors import PermanentError

NAMES = ("import",)


def run_benchmarks(names: list[str] | None, *, rows: int) -> bool:
    """Runs the named benchmarks, or all, and prints one table. True when each reached what was wanted of it."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Benchmarks on this machine", title_justify="left")
    for column in ("figure", "value", "unit", "beside it", "its value", "ratio"):
        table.add_column(column)
    reached = True
    for name in names or NAMES:
        if name not in NAMES:
            raise PermanentError(f"no benchmark {name!r}; there are: {', '.join(NAMES)}")
        from rapport.bench import imports

        result = imports.run(rows=rows)
        print("\n".join(result.lines()))
        table.add_row(*result.row())
        reached = reached and result.rows_per_second >= imports.TARGET_ROWS_PER_SECOND
    Console().print(table)
    return reached
