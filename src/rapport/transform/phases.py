"""A build in two phases. Customer ids are settled between them, by `rapport.identity`; `publish` follows them."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from time import monotonic

import psycopg

from rapport.db import postgres_needed
from rapport.errors import DataError, TransientError
from rapport.settings import Settings
from rapport.transform.ledger import building, finish_build
from rapport.transform.report import BuildReport, NodeResult
from rapport.transform.runner import run_dbt

logger = logging.getLogger(__name__)

NAMED_FAILURES = 10

_PREPARE = ("path:seeds", "path:models/staging", "path:models/intermediate/unified")
_BUILD = ("path:models/intermediate/customers", "path:models/marts", "path:models/segments", "path:models/activation")


def prepare(settings: Settings, as_of: datetime, *, full_refresh: bool = False) -> BuildReport:
    """Seeds, staging, profiles, identifiers and edges, with their tests. `full_refresh` makes orders anew that did not
    change; so does another version of the dbt project.

    Raises DataError naming the models and tests that failed, TransientError when the database or its lock is not free.
    """
    # Tests that also look at marts belong to the second phase.
    return _run("prepare", settings, as_of, _PREPARE, full_refresh, ("--indirect-selection", "buildable"))


def build(settings: Settings, as_of: datetime, *, full_refresh: bool = False) -> BuildReport:
    """Marts, segments and the audience, with their tests, beside those that are read; needs resolved customer ids.

    Raises as `prepare` does. What is read stays as it is until `publish`.
    """
    return _run("build", settings, as_of, _BUILD, full_refresh)


def generate_docs(settings: Settings, as_of: datetime) -> Path:
    """dbt's documentation as one page; returns its path."""
    run_dbt("docs generate", settings, as_of, ("--static",), schema_suffix="")
    return settings.home / "dbt" / "target" / "static_index.html"


def _run(
    phase: str,
    settings: Settings,
    as_of: datetime,
    paths: Sequence[str],
    full_refresh: bool,
    arguments: Sequence[str] = (),
) -> BuildReport:
    started = monotonic()
    nodes: tuple[NodeResult, ...] = ()
    with postgres_needed(phase), building(settings, phase, as_of) as opened:
        build_id = opened.build_id
        anew = ("--full-refresh",) if full_refresh or opened.is_first_of_version else ()
        try:
            nodes = run_dbt(
                "build", settings, as_of,
                ("--select", *paths, "--exclude", "test_type:unit", *arguments, *anew),
            )  # fmt: skip
            _require_passed(phase, nodes)
        except Exception as error:
            # With Postgres away the build stays open; the next one closes it as abandoned.
            with suppress(TransientError, psycopg.OperationalError):
                finish_build(settings, build_id, nodes, str(error))
            raise
        finish_build(settings, build_id, nodes, None)
    seconds = monotonic() - started
    report = BuildReport(build_id, phase, as_of, seconds, nodes)
    logger.info("%s", report)
    return report


def _require_passed(phase: str, nodes: Sequence[NodeResult]) -> None:
    broken = [node for node in nodes if node.broken]
    if not broken:
        return
    named = "; ".join(f"{node.kind} {node.node}: {node.message}" for node in broken[:NAMED_FAILURES])
    more = f"; and {len(broken) - NAMED_FAILURES} more" if len(broken) > NAMED_FAILURES else ""
    skipped = sum(node.status == "skipped" for node in nodes)
    raise DataError(
        f"{phase}: {len(broken)} of {len(nodes)} dbt nodes failed and {skipped} were skipped: {named}{more}. "
        "Fix the model or the data it reads and run again; what campaigns read is unchanged."
    )
