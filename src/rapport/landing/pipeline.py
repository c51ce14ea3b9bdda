"""The dlt pipeline of a source: where it lands, as whom, and the tables it declares."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from rapport.clock import Clock
from rapport.db import database_url
from rapport.errors import PermanentError
from rapport.settings import Settings
from rapport.sources.dlt_source import Feed, quiet_dlt
from rapport.sources.records import Intake, Table

if TYPE_CHECKING:
    from dlt import Pipeline

NAMES = ("shopify", "zendesk", "bluesky")


@dataclass(frozen=True)
class Source:
    """A connector: its tables, and how its feeds are made from settings, clock, intake and a way to wait."""

    name: str
    tables: Sequence[Table]
    feeds: Callable[[Settings, Clock, Intake, Callable[[float], None]], list[Feed]]

    @property
    def schema(self) -> str:
        return f"raw_{self.name}"


def find_source(name: str) -> Source:
    """The connector of that name. Raises PermanentError that lists those there are."""
    if name not in NAMES:
        raise PermanentError(f"there is no source {name!r}; there are {', '.join(NAMES)} (and files, for exports)")
    module = import_module(f"rapport.sources.{name}")
    return Source(name=name, tables=module.TABLES, feeds=module.feeds)


def make_pipeline(source: Source, settings: Settings) -> Pipeline:
    """A pipeline without local memory: state and pending packages of earlier runs are dropped.

    What it must remember it takes back from the warehouse, where a cursor is committed with its rows. So a restored or
    a fresh database is read from where *it* stands, and a package of a failed run never comes in later.
    """
    settings.dlt_dir.mkdir(parents=True, exist_ok=True)
    os.environ["DLT_DATA_DIR"] = str(settings.dlt_dir)
    quiet_dlt()
    import dlt

    def build() -> Pipeline:
        return dlt.pipeline(
            pipeline_name=f"rapport_{source.name}",
            pipelines_dir=str(settings.dlt_dir / "pipelines"),
            destination=dlt.destinations.postgres(credentials=loader_url(database_url(settings))),
            dataset_name=source.schema,
        )

    build().drop()
    return build()


def loader_url(url: str) -> str:
    """The database's address acting as role `loader`, with the password that dlt demands even where none is needed."""
    parts = urlsplit(url)
    query = [(key, value) for key, value in parse_qsl(parts.query) if key != "options"]
    query.append(("options", "-c role=loader -c timezone=UTC"))
    user = quote(parts.username or "postgres") if parts.username is None else parts.username
    password = parts.password or "unused"
    host = parts.netloc.rpartition("@")[2] or "localhost"
    netloc = f"{user}:{password}@{host}"
    return urlunsplit(("postgresql", netloc, parts.path, urlencode(query, quote_via=quote), ""))


def cursors_of(pipeline: Pipeline, source: Source) -> dict[str, str]:
    """How far each table has been read, from the pipeline's state."""
    resources: dict[str, Any] = pipeline.state.get("sources", {}).get(source.name, {}).get("resources", {})
    return {name: str(kept["cursor"]) for name, kept in resources.items() if "cursor" in kept}
