"""What separates the fields of a text table, and what its header says."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from rapport.errors import PermanentError

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


def find_delimiter(lines: str, wanted: Sequence[str]) -> str:
    """The delimiter under which the header holds most of the `wanted` names, then the most columns."""
    text = lines.splitlines(keepends=True)

    def score(delimiter: str) -> tuple[int, int]:
        header = read_header(text, delimiter)
        names = {fold(name) for name in header}
        return sum(fold(name) in names for name in wanted), len(header)

    return max(DELIMITERS, key=score)


def read_header(lines: Iterable[str], delimiter: str) -> list[str]:
    """The first record of the text, empty when there is none."""
    try:
        return [name.strip() for name in next(csv.reader(lines, delimiter=delimiter), [])]
    except csv.Error:
        return []


def header_end(text: str, delimiter: str) -> int:
    """How many of the text's characters its header takes; a quoted name may hold line breaks."""
    taken = io.StringIO(text, newline="")
    lines = iter(taken.readline, "")
    next(csv.reader(lines, delimiter=delimiter), None)
    return taken.tell()


def fold(name: str) -> str:
    """Header names differ in case and spacing between exports of one system."""
    return " ".join(name.casefold().replace("\ufeff", "").split())


def match_headers(headers: Sequence[str], wanted: Sequence[str], file: str) -> dict[str, int]:
    """Position of every wanted header. Raises PermanentError when one is missing or stands twice."""
    exact: dict[str, list[int]] = {}
    folded: dict[str, list[int]] = {}
    for at, name in enumerate(headers):
        exact.setdefault(name, []).append(at)
        folded.setdefault(fold(name), []).append(at)
    places = {name: exact.get(name) or folded.get(fold(name)) or [] for name in wanted}
    missing = [name for name, spots in places.items() if not spots]
    if missing:
        shown = ", ".join(repr(name) for name in headers[:60]) or "none"
        raise PermanentError(
            f"{file}: the header lacks {', '.join(repr(name) for name in missing)}; it has {shown}. "
            "Correct columns in the mapping, or its delimiter, encoding or skip_lines. Nothing was imported."
        )
    for name, spots in places.items():
        if len(spots) > 1:
            raise PermanentError(
                f"{file}: {name!r} stands {len(spots)} times in the header; rename one in the file. "
                "Nothing was imported."
            )
    return {name: spots[0] for name, spots in places.items()}
