"""Lands an export file in `raw_files.<relation>`: whole or not at all, and the same file only once."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, LiteralString
from uuid import UUID

import psycopg

from rapport.clock import Clock
from rapport.db import Connection, connect, load_queries
from rapport.errors import DataError, PermanentError, RapportError, TransientError
from rapport.landing.ledger import fail_load, finish_load, quarantine, start_load
from rapport.settings import Settings
from rapport.sources.files import ImportReport, Mapping
from rapport.sources.files.encoding import digest

if TYPE_CHECKING:
    import pyarrow as pa

    from rapport.sources.files.reading import Reading
    from rapport.sources.files.transform import Landing

SQL = load_queries("rapport.landing", "files.sql", "files_stage.sql", "files_merge.sql")
SOURCE = "files"
# Below this a share says little, and a person sees the few rows at a glance.
ROWS_TO_JUDGE = 100

Progress = Callable[[int], None]
"""Called after each batch with the number of rows read so far."""


@dataclass
class _Counts:
    read: int = 0
    staged: int = 0
    changed: int = 0
    superseded: int = 0
    quarantined: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


def import_file(
    path: Path,
    mapping: Mapping,
    settings: Settings,
    clock: Clock,
    *,
    again: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Reads `path` as `mapping` says into `raw_files`, in one transaction, and reports what came of it.

    A file that was imported before under the same mapping is answered at once, unless `again`. Raises
    PermanentError (DataError when too many rows are bad) for a file that cannot be read as a whole, and
    TransientError when Postgres goes away; in both cases nothing of the file has landed.
    """
    began = perf_counter()
    if not path.is_file():
        raise PermanentError(f"{path}: no such file")
    sha256 = fingerprint(path, mapping, settings.shop_time_zone)
    try:
        with connect("loader", settings=settings) as conn:
            known = None if again else _known(conn, mapping, sha256)
            if known:
                report = ImportReport(path.name, mapping.feed, mapping.relation, known, already_imported=True)
                return replace(report, seconds=perf_counter() - began)
            load_id = start_load(conn, SOURCE, clock.now())
            conn.execute(SQL["hold_load"], {"load_id": load_id})
            conn.commit()
            try:
                report = _land(conn, load_id, path, mapping, settings, sha256, again, progress, began)
                conn.commit()
            except BaseException as error:
                _record_failure(conn, load_id, error, settings)
                raise
            return report
    except psycopg.OperationalError as error:
        raise TransientError(
            f"{path}: Postgres went away during the import ({type(error).__name__}); nothing of the file has "
            "landed. Import it again once Postgres is back."
        ) from error
    except psycopg.Error as error:
        # Postgres' own words quote the row, which may be personal data.
        raise PermanentError(
            f"{path}: Postgres refused the rows ({type(error).__name__} {error.sqlstate}). Nothing was imported."
        ) from error


def fingerprint(path: Path, mapping: Mapping, shop_time_zone: str) -> str:
    """Hex SHA-256 of the file's bytes and of how they are read: a corrected mapping makes a new import."""
    said = mapping.model_dump_json(exclude={"file", "max_bad_share"})
    return hashlib.sha256(f"{digest(path)}\n{said}\n{shop_time_zone}".encode()).hexdigest()


def _known(conn: Connection, mapping: Mapping, sha256: str) -> UUID | None:
    row = conn.execute(SQL["known"], {"feed": mapping.feed, "relation": mapping.relation, "sha256": sha256}).fetchone()
    return row["load_id"] if row else None


def _land(
    conn: Connection,
    load_id: UUID,
    path: Path,
    mapping: Mapping,
    settings: Settings,
    sha256: str,
    again: bool,
    progress: Progress | None,
    began: float,
) -> ImportReport:
    """Everything of one file, in the open transaction."""
    from rapport.sources.files.reading import open_reading

    reading = open_reading(path, mapping, settings.shop_time_zone)
    feed = {"feed": mapping.feed, "relation": mapping.relation}
    conn.execute(SQL["close_abandoned"], {"load_id": load_id})
    conn.execute(SQL["one_at_a_time"], feed)
    counts = _rows(conn, load_id, reading, mapping, progress)
    report = ImportReport(
        file=path.name,
        feed=mapping.feed,
        relation=mapping.relation,
        load_id=load_id,
        rows_read=counts.read,
        rows_landed=counts.staged - counts.superseded,
        rows_changed=counts.changed,
        rows_superseded=counts.superseded,
        rows_quarantined=counts.quarantined,
        quarantined_by_reason=dict(counts.reasons),
        detected=reading.detected,
        notes=reading.notes,
        seconds=perf_counter() - began,
    )
    finish_load(
        conn,
        load_id,
        rows_read=report.rows_read,
        rows_landed=report.rows_landed,
        rows_quarantined=report.rows_quarantined,
        detail=report.detail(),
    )
    conn.execute(SQL["remember"], {**feed, "sha256": sha256, "name": path.name, "load_id": load_id})
    return report


def _rows(conn: Connection, load_id: UUID, reading: Reading, mapping: Mapping, progress: Progress | None) -> _Counts:
    """Rows into the table, by the shortest way that keeps every key once.

    Line numbers counted here are never given twice, so such lines are merged batch by batch, and those of a feed
    that has none yet are copied straight into the table. Keys that the file states may stand twice in it: those
    rows are staged whole, and the last of each key wins.
    """
    counts = _Counts()
    relation = mapping.relation
    counted = relation == "order_lines" and "line_no" not in mapping.columns
    straight = counted and not _has_lines(conn, mapping.feed)
    into = {"feed": mapping.feed, "load_id": load_id}
    conn.execute(SQL[f"stage_{relation}"])
    for landing in reading.batches():
        if straight:
            counts.changed += _copy_straight(conn, landing.table, mapping.feed, load_id)
        else:
            _copy(conn, SQL["copy"], landing.table)
        quarantine(conn, load_id, SOURCE, relation, landing.bad)
        _count(counts, landing)
        _judge(counts, mapping, reading.file)
        if counted and not straight:
            counts.changed += conn.execute(SQL[f"merge_{relation}"], into).rowcount
            conn.execute(SQL["clear"])
        if progress:
            progress(counts.read)
    if not counted:
        counts.superseded = conn.execute(SQL[f"supersede_{relation}"]).rowcount
        counts.changed = conn.execute(SQL[f"merge_{relation}"], into).rowcount
    return counts


def _has_lines(conn: Connection, feed: str) -> bool:
    row = conn.execute(SQL["has_order_lines"], {"feed": feed}).fetchone()
    return bool(row and row["found"])


def _copy_straight(conn: Connection, table: pa.Table, feed: str, load_id: UUID) -> int:
    import pyarrow as pa

    rows = int(table.num_rows)
    table = table.drop_columns(["record_no"])
    for name, value in (("feed", feed), ("load_id", str(load_id))):
        table = table.append_column(name, pa.repeat(value, rows))
    _copy(conn, SQL["copy_order_lines"], table)
    return rows


def _copy(conn: Connection, statement: LiteralString, table: pa.Table) -> None:
    import pyarrow as pa
    from pyarrow import csv

    sink = pa.BufferOutputStream()
    csv.write_csv(table, sink, csv.WriteOptions(include_header=False, batch_size=16_384))
    with conn.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(memoryview(sink.getvalue()))


def _count(counts: _Counts, landing: Landing) -> None:
    counts.staged += landing.table.num_rows
    counts.quarantined += len(landing.bad)
    counts.read += landing.table.num_rows + len(landing.bad)
    counts.reasons.update(reason for _, reason, _ in landing.bad)


def _judge(counts: _Counts, mapping: Mapping, file: str) -> None:
    """A file of which most cannot be read is read wrongly; landing the rest would look like success."""
    if counts.read < ROWS_TO_JUDGE or counts.quarantined <= counts.read * mapping.max_bad_share:
        return
    worst = "; ".join(f"{reason} ({count:,})" for reason, count in counts.reasons.most_common(3))
    raise DataError(
        f"{file}: {counts.quarantined:,} of the first {counts.read:,} rows cannot be read: {worst}. Correct the "
        f"mapping (columns, decimal, date_format), or raise max_bad_share ({mapping.max_bad_share}). "
        "Nothing was imported."
    )


def _record_failure(conn: Connection, load_id: UUID, error: BaseException, settings: Settings) -> None:
    """Close the load as failed, over a new connection when this one is gone; else the next import does it."""
    told = str(error) if isinstance(error, RapportError) else type(error).__name__
    with suppress(psycopg.Error, RapportError):
        if not conn.closed:
            fail_load(conn, load_id, told)
            return
        with connect("loader", settings=settings) as other:
            fail_load(other, load_id, told)
