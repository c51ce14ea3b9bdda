"""Named SQL: blocks in `.sql` files beside the code, each opened by `-- name: the_name`."""

import re
from functools import cache
from importlib.resources import files
from typing import LiteralString, cast

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


class Queries(dict[str, LiteralString]):
    """Name to SQL text. A name that is missing is a programming error and raises KeyError."""


@cache
def load_queries(package: str, *names: str) -> Queries:
    """Blocks of the files named, found in `package` or its `sql` folder. Raises ValueError for a block given twice."""
    folder = files(package)
    queries = Queries()
    for file in names:
        path = folder / "sql" / file
        text = (path if path.is_file() else folder / file).read_text(encoding="utf-8")
        parts = _NAME.split(text)[1:]
        for name, body in zip(parts[::2], parts[1::2], strict=True):
            if name in queries:
                raise ValueError(f"{package}/{file}: block {name} stands twice")
            # The files ship with the package, which is what LiteralString asks for.
            queries[name] = cast(LiteralString, body.strip())
    return queries
