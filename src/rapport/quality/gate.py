"""Run a suite and say yes or no, in words a person can act on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg.types.json import Jsonb

from rapport.clock import Clock
from rapport.db import connect, database_url, load_queries, lost, postgres_needed, tells_of_loss
from rapport.errors import GateFailed
from rapport.keys import uuid7
from rapport.quality.suite import Suite, TableChecks, load_suite
from rapport.settings import Settings

if TYPE_CHECKING:
    from rapport.quality.great import Checker, Failure

SQL = load_queries("rapport.quality", "gate.sql")


@dataclass(frozen=True)
class Verdict:
    """What a suite said. `failures` are sentences with counts and keys, without personal data."""

    suite: str
    passed: bool
    checks_count: int
    failures: list[str]
    docs_path: Path


def run_suite(name: str, settings: Settings, clock: Clock, *, schema: str | None = None) -> Verdict:
    """Run `expectations/<name>.json` against the warehouse and record the verdict. `schema` stands in for the suite's
    own, for tables that are not published yet.

    Raises PermanentError for a suite that is missing or malformed, TransientError when Postgres is away or goes away;
    then there is no verdict.
    """
    with postgres_needed(f"gate {name}"):
        return _run(name, settings, clock, schema)


def _run(name: str, settings: Settings, clock: Clock, schema: str | None) -> Verdict:
    now = clock.now()
    suite = load_suite(name, settings, now)
    if schema is not None:
        suite = suite.model_copy(update={"schema_name": schema})
    docs = settings.home / "data_docs"
    failures, ready = _missing(suite, settings)
    if ready:
        from rapport.quality.great import Checker

        with _one_writer(docs):
            checker = Checker(suite, database_url(settings), docs, now)
            for table in ready:
                failures += _check(checker, suite, table)
            checker.write_docs()
    verdict = Verdict(name, not failures, suite.checks_count, failures, docs / "index.html")
    _record(verdict, settings, clock)
    return verdict


def require_gate(name: str, settings: Settings, clock: Clock, *, schema: str | None = None) -> Verdict:
    """As `run_suite`, but raises GateFailed naming each check that failed and where the Data Docs lie."""
    verdict = run_suite(name, settings, clock, schema=schema)
    if not verdict.passed:
        lines = "\n".join(f"  - {failure}" for failure in verdict.failures)
        raise GateFailed(
            f"gate {name}: {len(verdict.failures)} of {verdict.checks_count} checks failed; what follows is stopped.\n"
            f"{lines}\nData Docs: {verdict.docs_path}"
        )
    return verdict


def _check(checker: Checker, suite: Suite, table: TableChecks) -> list[str]:
    """Sentences for what failed in one table. A check that Postgres left in the middle says nothing of the data."""
    try:
        found = checker.run(table)
    except Exception as error:
        if tells_of_loss(str(error)):
            raise lost(f"gate {suite.name}", type(error).__name__) from error
        raise
    if any(tells_of_loss(failure.error) for failure in found):
        raise lost(f"gate {suite.name}", table.table)
    return [sentence(suite, failure) for failure in found]


def sentence(suite: Suite, failure: Failure) -> str:
    """One failure in words: table and column, expectation, counts, reason, keys."""
    kwargs = failure.check.kwargs
    columns = [str(kwargs[name]) for name in ("column", "column_A", "column_B") if name in kwargs]
    columns += [str(column) for column in kwargs.get("column_list", [])]
    parts = [f"{suite.schema_name}.{failure.table}" + (f" ({', '.join(columns)})" if columns else "")]
    parts.append(failure.check.type)
    if failure.error:
        parts.append(f"could not be checked: {failure.error}")
    elif failure.unexpected is not None:
        of = f" of {failure.rows}" if failure.rows is not None else ""
        parts.append(f"{failure.unexpected}{of} rows")
    elif failure.observed is not None:
        parts.append(f"observed {str(failure.observed)[:100]}")
    if failure.check.why:
        parts.append(failure.check.why)
    if failure.keys:
        parts.append(f"for example {', '.join(failure.keys)}")
    return ": ".join((parts[0], "; ".join(parts[1:])))


def _missing(suite: Suite, settings: Settings) -> tuple[list[str], list[TableChecks]]:
    """Failures for tables or columns that are not there, and the tables that can be checked further."""
    with connect("engine", settings=settings) as conn:
        rows = conn.execute(SQL["existing_columns"], {"schema": suite.schema_name}).fetchall()
    there: dict[str, set[str]] = {}
    for row in rows:
        there.setdefault(row["table_name"], set()).add(row["column_name"])
    failures, ready = [], []
    for table in suite.tables:
        lacking = [column for column in table.columns if column not in there.get(table.table, set())]
        name = f"{suite.schema_name}.{table.table}"
        if table.table not in there:
            failures.append(f"{name}: the table is missing or the engine may not read it; was it ever loaded or built?")
        elif lacking:
            failures.append(f"{name}: columns are missing: {', '.join(lacking)}")
        else:
            ready.append(table)
    return failures, ready


def _record(verdict: Verdict, settings: Settings, clock: Clock) -> None:
    with connect("engine", settings=settings) as conn:
        conn.execute(
            SQL["record_gate_run"],
            {
                "gate_run_id": uuid7(),
                "suite": verdict.suite,
                "passed": verdict.passed,
                "checks_count": verdict.checks_count,
                "failures": Jsonb(verdict.failures),
                "docs_path": str(verdict.docs_path),
                "ran_at": clock.now(),
            },
        )


@contextmanager
def _one_writer(docs: Path) -> Iterator[None]:
    """Gates of several sources may run at once; the pages they share have one writer at a time."""
    import fcntl

    docs.mkdir(parents=True, exist_ok=True)
    with (docs / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
