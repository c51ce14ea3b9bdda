"""`rapport deliver evidence`: what a mail server's log proves, for shops without webhooks."""

import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from rapport.clock import get_clock
from rapport.errors import DataError
from rapport.settings import get_settings


def evidence(
    files: Annotated[list[Path], typer.Argument(help="Log files, oldest first; .gz is unpacked, - is the input.")],
    time_zone: Annotated[
        str | None, typer.Option(help="Of the log, where its stamps name none; left out: the shop's.")
    ] = None,
) -> None:
    """Read a Postfix log and prove which mails it took; `rapport deliver reconcile` applies it."""
    from rapport.delivery.evidence_log import read_evidence

    settings = get_settings()
    typer.echo(read_evidence(settings, get_clock(settings), _lines(files), time_zone=time_zone))


def _lines(files: list[Path]) -> Iterator[str]:
    for path in files:
        if str(path) == "-":
            yield from sys.stdin
            continue
        try:
            with (
                gzip.open(path, "rt", errors="replace") if path.suffix == ".gz" else path.open(errors="replace") as log
            ):
                yield from log
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror or 'it is no log'}") from None


def register(app: typer.Typer) -> None:
    app.command()(evidence)
