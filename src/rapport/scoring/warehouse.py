"""Reads features from the marts and writes scores, both by COPY."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from uuid import UUID

import pandas as pd
import psycopg

from rapport.db import Connection, connect, load_queries, postgres_needed
from rapport.errors import DataError
from rapport.scoring.measures import Verdict
from rapport.settings import Settings

FEATURES = load_queries("rapport.scoring", "features.sql") | load_queries("rapport.scoring", "activity.sql")
PUBLISH = load_queries("rapport.scoring", "publish.sql")
_TEXTS = dict.fromkeys(("customer_id", "order_id", "product_id", "currency_code", "category", "kind"), "str")
_NUMBERS = {"revenue": "float64", "hour": "int64", "at": "int64"}
_BLOCK_ROWS = 50_000


@dataclass(frozen=True)
class Features:
    """What scores are made from, all of one snapshot of the marts. Days are those of the shop's time zone."""

    customers: pd.DataFrame
    orders: pd.DataFrame
    lines: pd.DataFrame
    returned: pd.DataFrame
    available: pd.DataFrame
    events: pd.DataFrame
    sales: pd.DataFrame


@dataclass(frozen=True)
class Scored:
    """A score's verdict and its rows in the order of its table's columns; None when there are none to publish."""

    verdict: Verdict
    rows: pd.DataFrame | None

    @property
    def published(self) -> bool:
        return self.verdict.passed and self.rows is not None


def read_features(settings: Settings, as_of: datetime) -> Features:
    """Raises DataError when the marts are not there, TransientError when Postgres goes away."""
    given = {"as_of": as_of, "time_zone": settings.shop_time_zone}
    with postgres_needed("scoring"), connect("transformer", settings=settings) as conn:
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        try:
            frames = {name: _read(conn, name, given) for name in Features.__dataclass_fields__}
        except psycopg.errors.UndefinedTable as error:
            raise DataError(f"scoring: {error.diag.message_primary}; build the marts first (`rapport run`).") from None
    return Features(**frames)


def publish(settings: Settings, run_id: UUID, as_of: datetime, scored: Sequence[Scored]) -> None:
    """Writes every verdict, and the rows of the scores that passed, in one transaction: all of it or nothing.

    Raises DataError when a run of a later moment was there first, TransientError when Postgres goes away.
    """
    with postgres_needed("scoring"), connect("transformer", settings=settings) as conn:
        conn.execute(PUBLISH["lock"])
        newest = conn.execute(PUBLISH["newest"]).fetchone()
        if newest and newest["as_of"] and newest["as_of"] > as_of:
            raise DataError(
                f"scoring: scores of {newest['as_of']:%Y-%m-%d %H:%M} are there and newer than this run's "
                f"{as_of:%Y-%m-%d %H:%M}; they stay."
            )
        with conn.cursor().copy(PUBLISH["quality"]) as copy:
            for one in scored:
                copy.write_row((run_id, *_quality(one), as_of))
        for one in scored:
            if one.rows is not None and one.published:
                conn.execute(PUBLISH[f"clear_{one.verdict.score}"])
                _write(conn, f"fill_{one.verdict.score}", one.rows.assign(model=one.verdict.model, as_of=as_of))


def _quality(one: Scored) -> tuple[object, ...]:
    said = one.verdict
    return (
        said.score,
        said.figure,
        said.value,
        said.baseline,
        said.baseline_value,
        said.higher_is_better,
        said.rows,
        said.model,
        one.published,
        said.remark,
    )


def _read(conn: Connection, name: str, given: dict[str, object]) -> pd.DataFrame:
    buffer = BytesIO()
    with conn.cursor().copy(FEATURES[name], given) as copy:
        for part in copy:
            buffer.write(part)
    buffer.seek(0)
    # An id may well read "NA" or "1e5": text stays text, and only an empty field is nothing.
    frame = pd.read_csv(buffer, dtype=_TEXTS | _NUMBERS, keep_default_na=False, na_values=[""])
    if "day" in frame:
        frame["day"] = pd.to_datetime(frame["day"])
    return frame


def _write(conn: Connection, query: str, rows: pd.DataFrame) -> None:
    with conn.cursor().copy(PUBLISH[query]) as copy:
        for start in range(0, len(rows), _BLOCK_ROWS):
            copy.write(rows.iloc[start : start + _BLOCK_ROWS].to_csv(index=False, header=False))
