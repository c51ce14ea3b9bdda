"""What a build did, node by node, in words that may stand in a log."""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

BROKEN = frozenset({"error", "fail", "runtime error"})
MESSAGE_LIMIT = 600

_ADDRESS = re.compile(r"[^\s@'\"(),]+@[^\s@'\"(),]+")
# Postgres puts the offending row into these lines.
_ROW_LINE = re.compile(r"^\s*(DETAIL|CONTEXT|LINE \d+|HINT):?.*$|^\s*compiled code at .*$|^\s*\^\s*$", re.MULTILINE)


@dataclass(frozen=True)
class NodeResult:
    """One seed, model or test. `seconds` are wall-clock seconds, `rows` those a model wrote or a test found."""

    node: str
    kind: str
    status: str
    seconds: float
    rows: int | None
    message: str

    @property
    def broken(self) -> bool:
        return self.status in BROKEN

    def __str__(self) -> str:
        rows = "" if self.rows is None else f", {self.rows:,} rows"
        return f"{self.kind} {self.node}: {self.status} in {self.seconds:.2f} s{rows}"


@dataclass(frozen=True)
class BuildReport:
    """One phase of a build."""

    build_id: UUID
    phase: str
    as_of: datetime
    seconds: float
    nodes: tuple[NodeResult, ...]

    @property
    def failures(self) -> tuple[NodeResult, ...]:
        return tuple(node for node in self.nodes if node.broken)

    def __str__(self) -> str:
        kinds = Counter(node.kind for node in self.nodes if node.status != "skipped")
        what = ", ".join(f"{count} {kind}{'s' if count != 1 else ''}" for kind, count in sorted(kinds.items()))
        return f"{self.phase}: {what} in {self.seconds:.1f} s"


def readable(message: str) -> str:
    """`message` without rows and addresses of people, in at most MESSAGE_LIMIT characters."""
    kept = _ADDRESS.sub("<address>", _ROW_LINE.sub("", message))
    return " ".join(kept.split())[:MESSAGE_LIMIT]
