"""The search syntax of the store's lists, as far as a reader of changes needs it: bounds on two times."""

from __future__ import annotations

import re
from dataclasses import dataclass

from graphql import GraphQLError

from rapport.sandbox.times import epoch_of

_TERM = re.compile(r"""\s*(?:AND\s+)?(\w+):\s*(>=|<=|>|<)?\s*(?:'([^']*)'|"([^"]*)"|(\S+))\s*""")
_FIELDS = {"updated_at": "updated", "created_at": "created", "processed_at": "created"}
_WHOLE_SECOND = 1.0


@dataclass
class Window:
    """Bounds in epoch seconds, both included."""

    updated_min: float = -1.0
    updated_max: float = 1e12
    created_min: float = -1.0
    created_max: float = 1e12

    def values(self) -> dict[str, float]:
        return dict(vars(self))


def window(query: str | None) -> Window:
    """The bounds that `updated_at:>='2026-01-01T00:00:00Z' AND created_at:<2026-02-01` states.

    Raises GraphQLError for anything else. The real store ignores what it does not understand; a sandbox that did
    would let a wrong filter pass for a right one.
    """
    bounds = Window()
    text, at = query or "", 0
    while at < len(text.rstrip()):
        term = _TERM.match(text, at)
        if term is None or term[1] not in _FIELDS:
            raise GraphQLError(f"the sandbox does not understand this search: {text[at : at + 60]}")
        _narrow(bounds, _FIELDS[term[1]], term[2] or "=", term[3] or term[4] or term[5] or "")
        at = term.end()
    return bounds


def _narrow(bounds: Window, name: str, operator: str, text: str) -> None:
    try:
        value = epoch_of(text)
    except ValueError as error:
        raise GraphQLError(f"the sandbox does not understand this time: {text[:60]}") from error
    low, high = f"{name}_min", f"{name}_max"
    if operator in (">=", ">", "="):
        # The world's times are whole seconds.
        setattr(bounds, low, max(getattr(bounds, low), value + (_WHOLE_SECOND if operator == ">" else 0)))
    if operator in ("<=", "<", "="):
        setattr(bounds, high, min(getattr(bounds, high), value - (_WHOLE_SECOND if operator == "<" else 0)))
