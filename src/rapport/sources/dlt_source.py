"""Turns declared tables and their readers into a dlt source."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from rapport.sources.records import Table, moment

if TYPE_CHECKING:
    from dlt.extract import DltSource

OVERLAP = timedelta(minutes=10)
"""Read again at each load: vendors' clocks and indexes lag behind their writes."""

State = MutableMapping[str, Any]
Reader = Callable[[State], Iterator[list[dict[str, Any]]]]


@dataclass(frozen=True)
class Feed:
    """A table and the generator of its pages; the generator moves its own cursor in the state it is given."""

    table: Table
    pages: Reader


def quiet_dlt() -> None:
    """Imports dlt with the settings that must stand before: no telemetry, no look into Airflow's secrets."""
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    os.environ.setdefault("PROVIDERS__ENABLE_AIRFLOW_SECRETS", "false")
    os.environ.setdefault("RUNTIME__LOG_LEVEL", "ERROR")
    # One reader after the other: Bluesky's profiles are those of the authors just read.
    os.environ.setdefault("EXTRACT__NEXT_ITEM_MODE", "fifo")
    from dlt.pipeline import trace

    # Even with telemetry off its trackers write an id into the home folder (root's: /var/dlt).
    trace.TRACKING_MODULES = []


def dlt_source(name: str, feeds: Sequence[Feed]) -> DltSource:
    """A dlt source that merges each feed on `id`; its tables are made even when there is nothing to read."""
    quiet_dlt()
    import dlt

    @dlt.source(name=name, max_table_nesting=0, schema_contract={"columns": "freeze", "data_type": "freeze"})
    def source() -> Any:
        for feed in feeds:
            yield dlt.resource(
                _pages(feed),
                name=feed.table.name,
                columns=cast("Any", feed.table.hints()),
                primary_key="id",
                write_disposition="merge",
            )

    return source()


def _pages(feed: Feed) -> Callable[[], Iterator[Any]]:
    import dlt

    def pages() -> Iterator[Any]:
        yield dlt.mark.materialize_table_schema()
        yield from feed.pages(dlt.current.resource_state())

    return pages


class TimeCursor:
    """The newest time read so far, kept in the dlt state; the next load starts an overlap before it."""

    def __init__(self, state: State, overlap: timedelta = OVERLAP) -> None:
        self._state = state
        self._overlap = overlap

    @property
    def start(self) -> datetime | None:
        """First moment to read, included; None means from the beginning."""
        kept = self._state.get("cursor")
        return None if kept is None else moment(kept) - self._overlap

    def advance(self, seen: datetime | None, limit: datetime | None = None) -> None:
        """Move on to `seen`, never back nor past `limit`: one record with a wrong clock must not hide the rest."""
        if seen is None:
            return
        seen = seen if limit is None else min(seen, limit)
        kept = self._state.get("cursor")
        if kept is None or seen > moment(kept):
            self._state["cursor"] = seen.isoformat()


def newest(rows: Sequence[dict[str, Any]], column: str) -> datetime | None:
    """Greatest time in a column of rows that `Table.read` made."""
    return max((row[column] for row in rows), default=None)
