"""Coupons: what a campaign says of them, and pools of codes of which each goes to one person."""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from psycopg.types.json import Jsonb
from pydantic import Field, model_validator

from rapport.campaigns.folder.parts import Duration, Part, Slug
from rapport.db import Connection, load_queries
from rapport.errors import DataError

# Shops hand codes over by mail and by telephone; stores take more, and nobody types it.
_CODE = re.compile(r"[A-Za-z0-9_-]{4,64}")
_MOST_FAULTS = 1_000
SQL = load_queries(__package__, "coupons.sql")


class Coupon(Part):
    """A code of one's own for every reader."""

    name: Slug = Field(description="The pool of codes; see `rapport coupons import`.")
    valid_for: Duration = Field(description="From sending on, such as 14d; the mail prints the day.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not timedelta(hours=1) <= self.valid_for <= timedelta(days=366):
            raise ValueError("valid_for must lie between 1h and 366d")
        return self


@dataclass(frozen=True)
class ImportReport:
    """What became of a file's rows. `faults` name line and reason; those rows are left out, the others are in."""

    coupon: str
    added: int
    known: int
    faults: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.coupon}: {self.added:,} codes added, {self.known:,} were there already"]
        return "\n".join([*lines, *(f"  {fault}" for fault in self.faults)])


@dataclass(frozen=True)
class Pool:
    """Counts of one coupon. `free` can be handed out now, `ended` no longer, `sent` are bound."""

    coupon: str
    free: int
    ended: int
    sent: int
    newest_at: datetime


@dataclass(frozen=True)
class Redeemed:
    """Of one pool's codes that were handed out before the last build. `newest_at`: the newest order that named one."""

    sent: int
    redeemed: int
    newest_at: datetime | None

    def __str__(self) -> str:
        share = f" ({self.redeemed / self.sent:.1%})" if self.sent else ""
        newest = f", last on {self.newest_at:%Y-%m-%d}" if self.newest_at else ""
        return f"{self.redeemed:,} of {self.sent:,} redeemed{share}{newest}, as of the last build"


def import_codes(conn: Connection, coupon: str, path: Path, now: datetime) -> ImportReport:
    """Adds the codes of a CSV file: a column `code`, and `ends_at` where they end; without a header only codes.

    Importing it again adds nothing. Raises DataError when the file cannot be read at all.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows, faults = _read(file, now)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path.name} cannot be read ({error}); save it as CSV in UTF-8") from None
    added, known, taken = add(conn, coupon, "import", rows.values(), now)
    lines = {code.upper(): line for line, (code, _) in rows.items()}
    faults += [(lines[code.upper()], f"belongs to {other} already") for code, other in taken.items()]
    told = tuple(f"line {line}: {reason}" for line, reason in sorted(faults)[:_MOST_FAULTS])
    return ImportReport(coupon, added, known, told)


def add(
    conn: Connection, coupon: str, origin: str, codes: Iterable[tuple[str, datetime | None]], now: datetime
) -> tuple[int, int, dict[str, str]]:
    """Puts codes into a pool: how many are new, how many it had, and those that another pool has, with its name."""
    rows = [{"code": code, "ends_at": ends_at.isoformat() if ends_at else None} for code, ends_at in codes]
    values = {"coupon": coupon, "origin": origin, "now": now, "rows": Jsonb(rows)}
    found = conn.execute(SQL["add_codes"], values).fetchall()
    taken = {row["code"]: row["coupon"] for row in found if row["coupon"] != coupon}
    return len(rows) - len(found), len(found) - len(taken), taken


def pools(conn: Connection, now: datetime) -> list[Pool]:
    return [Pool(**row) for row in conn.execute(SQL["pools"], {"now": now})]


def bound(conn: Connection, coupon: str, most: int) -> list[dict[str, Any]]:
    """The newest codes that were handed out, with campaign, occurrence and state of their sends; no code in full."""
    return conn.execute(SQL["bound"], {"coupon": coupon, "most": most}).fetchall()


def redeemed(conn: Connection, coupon: str) -> Redeemed | None:
    """As the published tables know it; None before the first build."""
    there = conn.execute(SQL["published"]).fetchone()
    if not there or not there["there"]:
        return None
    row = conn.execute(SQL["redeemed"], {"coupon": coupon}).fetchone()
    return Redeemed(**row) if row else None


def free(conn: Connection, coupon: str, valid_for: timedelta, now: datetime) -> int:
    """Codes that could be handed out now and would be good for so long."""
    values = {"coupon": coupon, "now": now, "valid_seconds": valid_for.total_seconds()}
    row = conn.execute(SQL["free"], values).fetchone()
    return int(row["free"]) if row else 0


def shortage(conn: Connection, coupon: Coupon | None, audience: int, now: datetime, name: str = "") -> str | None:
    """What a person who is asked to approve should read: fewer codes than mails; None when there are enough.

    `name` is the pool of a variant that has one of its own.
    """
    if coupon is None:
        return None
    pool = name or coupon.name
    left = free(conn, pool, coupon.valid_for, now)
    if left >= audience:
        return None
    return (
        f"coupon {pool} has {left:,} free codes for {audience:,} mails: {audience - left:,} would fail; "
        "add some with `rapport coupons create` or `rapport coupons import`"
    )


def _read(file: Iterable[str], now: datetime) -> tuple[dict[int, tuple[str, datetime | None]], list[tuple[int, str]]]:
    """Rows by line, and faults by line."""
    reader = csv.reader(file)
    rows: dict[int, tuple[str, datetime | None]] = {}
    faults: list[tuple[int, str]] = []
    seen: set[str] = set()
    columns = ["code"]
    for number, cells in enumerate(reader):
        names = [cell.strip().lower() for cell in cells]
        if number == 0 and "code" in names:
            columns = names
            continue
        if not any(names):
            continue
        row = dict(zip(columns, (cell.strip() for cell in cells), strict=False))
        told = list(_row_faults(row, seen, now))
        if told:
            faults.append((reader.line_num, told[0]))
        else:
            seen.add(row["code"].upper())
            rows[reader.line_num] = (row["code"], _moment(row.get("ends_at", "")))
    return rows, faults


def _row_faults(row: dict[str, str], seen: set[str], now: datetime) -> Iterator[str]:
    code = row.get("code", "")
    if not _CODE.fullmatch(code):
        yield "a code has 4 to 64 letters, digits, hyphens and underscores"
    if code.upper() in seen:
        yield "stands twice in this file; stores do not tell upper case from lower case"
    try:
        ends_at = _moment(row.get("ends_at", ""))
    except ValueError:
        yield "ends_at must be a date or a time such as 2027-03-31 or 2027-03-31T22:00:00+00:00"
        return
    if ends_at and ends_at <= now:
        yield "has ended already"


def _moment(text: str) -> datetime | None:
    """A moment without a zone is in UTC. Raises ValueError."""
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
