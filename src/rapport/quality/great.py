"""The only module that speaks Great Expectations; it is imported when a suite runs, for the import takes seconds.

Results never hold a value of a row: examples are asked for as keys, so neither Data Docs nor messages show a person.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

os.environ["GX_ANALYTICS_ENABLED"] = "false"

import great_expectations as gx
from great_expectations.core import ExpectationSuite, RunIdentifier
from great_expectations.data_context.types.base import (
    DataContextConfig,
    FilesystemStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.data_context.types.resource_identifiers import (
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)
from great_expectations.exceptions.exceptions import GreatExpectationsError
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

from rapport.errors import PermanentError
from rapport.quality.suite import Check, Suite, TableChecks

EXAMPLES = 3
KEPT_RUNS = 10
QUIET = {"result_format": "BASIC", "partial_unexpected_count": 0}


@dataclass(frozen=True)
class Failure:
    """One check that failed: how many rows of how many, and keys of a few of them."""

    table: str
    check: Check
    unexpected: int | None
    rows: int | None
    observed: Any
    keys: Sequence[str]
    error: str


class Checker:
    """Runs the tables of one suite in Postgres and writes their results into Data Docs."""

    def __init__(self, suite: Suite, url: str, docs: Path, now: datetime) -> None:
        self._suite = suite
        self._now = now
        with _quiet():
            self._context = _context(docs)
            self._source = self._context.data_sources.add_postgres(name=suite.name, connection_string=engine_url(url))
        self._stored: list[Any] = []

    def run(self, table: TableChecks) -> list[Failure]:
        """Failures of one table, which must be there with its columns."""
        with _quiet():
            asset = self._source.add_table_asset(
                name=table.table, table_name=table.table, schema_name=self._suite.schema_name
            )
            batch = asset.add_batch_definition_whole_table("whole").get_batch()
            suite = _ge_suite(f"{self._suite.name}.{table.table}", table.checks)
            result = batch.validate(suite, result_format=QUIET)
            self._store(suite, batch, result)
            # Results come back in an order of their own.
            failed = [r for r in result.results if not r.success]
            return [self._failure(table, batch, r) for r in failed]

    def write_docs(self) -> None:
        with _quiet():
            self._context.build_data_docs(resource_identifiers=self._stored)

    def _store(self, suite: ExpectationSuite, batch: Any, result: Any) -> None:
        name = ExpectationSuiteIdentifier(suite.name)
        run = RunIdentifier(run_name=self._now.strftime("%Y%m%dT%H%M%S"), run_time=self._now)
        key = ValidationResultIdentifier(expectation_suite_identifier=name, run_id=run, batch_identifier=batch.id)
        result.meta["run_id"] = run
        self._context.suites.add_or_update(suite)
        self._context.validation_results_store.set(key, result)
        self._stored += [name, key]

    def _failure(self, table: TableChecks, batch: Any, result: Any) -> Failure:
        number = result.expectation_config.meta["check"]
        check = table.checks[number]
        found = result.result or {}
        unexpected = found.get("unexpected_count")
        is_query = check.type == "unexpected_rows_expectation"
        if is_query:
            unexpected = found.get("observed_value")
        error = _error(result.exception_info)
        return Failure(
            table=table.table,
            check=check,
            unexpected=unexpected,
            rows=found.get("element_count"),
            observed=None if is_query else found.get("observed_value"),
            keys=[] if error or not unexpected else _keys(batch, table, check),
            error=error,
        )


def engine_url(url: str) -> str:
    """The database's address acting as role `engine`, through the driver that SQLAlchemy is given."""
    parts = urlsplit(url)
    query = [(key, value) for key, value in parse_qsl(parts.query) if key != "options"]
    query.append(("options", "-c role=engine -c timezone=UTC"))
    return urlunsplit(("postgresql+psycopg2", parts.netloc, parts.path, urlencode(query, quote_via=quote), ""))


def _context(docs: Path) -> Any:
    """A context that lives in memory but for results and Data Docs: a file one would write the address down."""
    docs.mkdir(parents=True, exist_ok=True)
    stores = FilesystemStoreBackendDefaults(root_directory=docs)
    config = DataContextConfig(
        store_backend_defaults=stores,
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False),
    )
    for name, folder in (("expectations", "suites"), ("validation_results", "results")):
        config.stores[f"{name}_store"]["store_backend"]["base_directory"] = f".gx/{folder}/"
    for name in ("checkpoint", "validation_definition"):
        config.stores[f"{name}_store"]["store_backend"] = {"class_name": "InMemoryStoreBackend"}
    config.data_docs_sites = {
        "local_site": {
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "store_backend": {
                "class_name": "TupleFilesystemStoreBackend",
                "base_directory": str(docs),
            },
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder", "validation_results_limit": KEPT_RUNS},
        }
    }
    return gx.get_context(mode="ephemeral", project_config=config)


def _ge_suite(name: str, checks: Sequence[Check]) -> ExpectationSuite:
    expectations = []
    for number, check in enumerate(checks):
        meta: dict[str, Any] = {"check": number}
        if check.why:
            meta["notes"] = {"format": "string", "content": [check.why]}
        try:
            made = ExpectationConfiguration(type=check.type, kwargs=dict(check.kwargs), meta=meta).to_domain_obj()
        except (GreatExpectationsError, ValueError, TypeError) as error:
            raise PermanentError(
                f"expectations: {name}: check {number + 1} ({check.type}) is malformed: {error}"
            ) from None
        expectations.append(made)
    # Adding them one by one would let a second check of the same column or query replace the first.
    suite = ExpectationSuite(name=name, expectations=expectations)
    if len(suite.expectations) != len(checks):
        raise PermanentError(f"expectations: {name}: a check stands twice")
    return suite


def _keys(batch: Any, table: TableChecks, check: Check) -> list[str]:
    """Keys of a few rows that fail `check`, found by asking again for that check alone."""
    if check.type == "unexpected_rows_expectation":
        wanted: dict[str, Any] = {"result_format": "COMPLETE", "partial_unexpected_count": EXAMPLES}
    else:
        wanted = {
            "result_format": "SUMMARY",
            "partial_unexpected_count": EXAMPLES,
            "unexpected_index_column_names": [table.key],
        }
    result = batch.validate(_ge_suite("examples", [check]), result_format=wanted).results[0].result or {}
    rows = result.get("partial_unexpected_index_list") or result.get("unexpected_index_list")
    rows = rows or (result.get("details") or {}).get("unexpected_rows") or []
    return [str(row[table.key]) for row in rows[:EXAMPLES] if isinstance(row, dict) and table.key in row]


def _error(info: Any) -> str:
    """The first line of what stopped a check from being made; empty when it was made."""
    if not isinstance(info, dict):
        return ""
    parts = [info] if "raised_exception" in info else [part for part in info.values() if isinstance(part, dict)]
    for part in parts:
        if part.get("raised_exception"):
            lines = str(part.get("exception_message") or "").strip().splitlines()
            return lines[0][:200] if lines else "it could not be made"
    return ""


@contextmanager
def _quiet() -> Iterator[None]:
    """Great Expectations warns about its own settings; a task's log is for the gate's words."""
    logger = logging.getLogger("great_expectations")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
