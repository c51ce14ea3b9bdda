"""Runs a source into its raw schema: one load at a time, closed in `landing.load` whatever happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import psycopg

from rapport.clock import Clock
from rapport.db import Connection, connect
from rapport.errors import DataError, RapportError, TransientError
from rapport.landing import ledger
from rapport.landing.pipeline import NAMES, Source, cursors_of, find_source, make_pipeline
from rapport.landing.report import LoadReport, TableReport
from rapport.settings import Settings
from rapport.sources.dlt_source import Feed, dlt_source
from rapport.sources.records import Intake, Record

LOST = {"OperationalError", "InterfaceError", "AdminShutdown", "DatabaseTransientException", "LoadClientJobRetry"}
FEW = 20
"""Below this many records a majority of bad ones says nothing about the source."""


def load_source(
    name: str, settings: Settings, clock: Clock, *, wait: Callable[[float], None] = time.sleep
) -> LoadReport:
    """Merge what changed at a source into `raw_<name>` and return what was done.

    Raises TransientError (vendor or Postgres away, another load of the source running), PermanentError (settings,
    scopes) or DataError (most records of a table unreadable). Then nothing has landed and the cursor stands where it
    stood.
    """
    source = find_source(name)
    with _alone(source, settings) as conn:
        conn.execute(ledger.SQL["close_abandoned"], {"source": name})
        load_id = ledger.start_load(conn, name, clock.now())
        intake = Intake(sink=_quarantine_sink(conn, load_id, name))
        try:
            report = _load(source, settings, clock, load_id, intake, wait)
            _close(conn, report)
        except BaseException as error:
            translated = _translate(error, name)
            _note_failure(conn, load_id, translated, settings)
            if translated is error:
                raise
            raise translated from error
        return report


def prepare_raw(settings: Settings, names: Sequence[str] = NAMES) -> list[str]:
    """Make the declared raw tables of these sources that are missing, empty; return the sources that were prepared."""
    prepared = []
    for name in names:
        source = find_source(name)
        if _is_prepared(source, settings):
            continue
        with _alone(source, settings):
            if not _is_prepared(source, settings):
                nothing = [Feed(table, lambda state: iter(())) for table in source.tables]
                make_pipeline(source, settings).run(dlt_source(name, nothing))
                prepared.append(name)
    return prepared


def _load(
    source: Source,
    settings: Settings,
    clock: Clock,
    load_id: UUID,
    intake: Intake,
    wait: Callable[[float], None],
) -> LoadReport:
    feeds = source.feeds(settings, clock, intake, wait)
    pipeline = make_pipeline(source, settings)
    pipeline.sync_destination()
    pipeline.extract(dlt_source(source.name, feeds))
    intake.flush()
    for table in source.tables:
        read, bad = intake.read[table.name], intake.bad[table.name]
        if read >= FEW and bad * 2 > read:
            raise DataError(
                f"{source.name}: {bad} of {read} records of {table.name} cannot be read; the source has likely changed "
                "its shape. Nothing was landed; see landing.quarantine for the reasons"
            )
    pipeline.normalize()
    pipeline.load(raise_on_failed_jobs=True)
    tables = {
        table.name: TableReport(
            read=intake.read[table.name],
            landed=intake.read[table.name] - intake.bad[table.name],
            quarantined=intake.bad[table.name],
        )
        for table in source.tables
    }
    return LoadReport(load_id=load_id, source=source.name, tables=tables, cursors=cursors_of(pipeline, source))


def _is_prepared(source: Source, settings: Settings) -> bool:
    with connect("loader", settings=settings) as conn:
        rows = conn.execute(ledger.SQL["existing_tables"], {"schema": source.schema}).fetchall()
    return {table.name for table in source.tables} <= {row["table_name"] for row in rows}


@contextmanager
def _alone(source: Source, settings: Settings) -> Iterator[Connection]:
    """A loader's connection that holds the source's lock until it closes, so that two loads never share a cursor."""
    with connect("loader", settings=settings) as conn:
        row = conn.execute(ledger.SQL["try_lock"], {"source": source.name}).fetchone()
        conn.commit()
        if row is None or not row["locked"]:
            raise TransientError(f"{source.name}: another load of this source is running", retry_after=30)
        yield conn


def _quarantine_sink(
    conn: Connection, load_id: UUID, source: str
) -> Callable[[str, list[tuple[int, str, Record]]], None]:
    def sink(relation: str, rows: list[tuple[int, str, Record]]) -> None:
        ledger.quarantine(conn, load_id, source, relation, rows)
        conn.commit()

    return sink


def _close(conn: Connection, report: LoadReport) -> None:
    ledger.finish_load(
        conn,
        report.load_id,
        rows_read=report.rows_read,
        rows_landed=report.rows_landed,
        rows_quarantined=report.rows_quarantined,
        detail=report.detail(),
    )
    conn.commit()


def _note_failure(conn: Connection, load_id: UUID, error: BaseException, settings: Settings) -> None:
    """Close the load as failed, over a fresh connection when this one is gone; failing that the next load does."""
    message = f"{type(error).__name__}: {error}"
    try:
        ledger.fail_load(conn, load_id, message)
    except psycopg.Error:
        try:
            with connect("loader", settings=settings) as fresh:
                ledger.fail_load(fresh, load_id, message)
        except (psycopg.Error, TransientError):
            return


def _translate(error: BaseException, name: str) -> BaseException:
    """Ours, if it was one of ours that went through dlt; else one of ours that says whether a retry can help."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    for link in chain:
        if isinstance(link, RapportError):
            return link
    if not isinstance(error, Exception):
        return error
    if any(isinstance(link, psycopg.OperationalError) or type(link).__name__ in LOST for link in chain):
        return TransientError(f"{name}: Postgres went away during the load; a new run reads from the same cursor")
    words = str(chain[-1]).strip().splitlines() or [""]
    return DataError(f"{name}: the load failed in dlt ({type(error).__name__}): {words[0][:300]}")
