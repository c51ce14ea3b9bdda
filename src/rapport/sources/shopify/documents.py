"""The operations of `queries.graphql`, each with the fragments it uses."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_DEFINITION = re.compile(r"^(fragment|query|mutation) (\w+)", re.MULTILINE)
_SPREAD = re.compile(r"\.\.\.(\w+)")


@cache
def document(name: str) -> str:
    """Text of one operation followed by its fragments. Raises KeyError for a name that is not in the file."""
    definitions = _definitions()
    used = [name]
    for part in used:
        used.extend(found for found in _SPREAD.findall(definitions[part]) if found != "on" and found not in used)
    return "\n".join(definitions[part] for part in used)


@cache
def _definitions() -> dict[str, str]:
    text = (files("rapport.sources.shopify") / "queries.graphql").read_text(encoding="utf-8")
    found = list(_DEFINITION.finditer(text))
    ends = [match.start() for match in found[1:]] + [len(text)]
    return {match.group(2): text[match.start() : end].strip() for match, end in zip(found, ends, strict=True)}
