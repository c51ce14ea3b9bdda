"""Paging that must end: a pager that stands still or runs empty is stopped."""

from __future__ import annotations

from rapport.errors import TransientError

EMPTY_PAGES = 20


class PageGuard:
    """Watches the pages of one listing. An empty page with a next link is gone past, but only so many in a row."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._empty = 0
        self._cursors: set[str] = set()

    def seen(self, rows: int, cursor: str) -> None:
        """Note a page of `rows` whose next page is `cursor`. Raises TransientError when paging goes nowhere."""
        self._empty = 0 if rows else self._empty + 1
        if self._empty >= EMPTY_PAGES:
            raise TransientError(f"{self._what}: {EMPTY_PAGES} empty pages in a row, each with a next link; stopped")
        if cursor in self._cursors:
            raise TransientError(f"{self._what}: the next link points back to a page already read; stopped")
        self._cursors.add(cursor)
