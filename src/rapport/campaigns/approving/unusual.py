"""What is out of the ordinary about a plan, compared with what the campaign did before."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from rapport.campaigns.approving.rules import GateRules
from rapport.db import Connection, load_queries

FORMER = 10


@dataclass(frozen=True)
class Finding:
    """One thing that a person should look at. `code` is for programs, `told` for people."""

    code: str
    told: str


def findings(
    conn: Connection, campaign_id: str, occurrence_key: str, waterfall: Mapping[str, int], rules: GateRules
) -> list[Finding]:
    """Volume against the median of the last ten occurrences, segment against the last one. Nothing at the first."""
    queries = load_queries(__package__, "approval.sql")
    values = {"campaign_id": campaign_id, "occurrence_key": occurrence_key, "former": FORMER}
    former = [row["waterfall"] for row in conn.execute(queries["former_waterfalls"], values)]
    if not former:
        return []
    found = [
        _volume(waterfall["planned"], median(each.get("planned", 0) for each in former), rules),
        _segment(waterfall["segment"], former[0].get("segment", 0), rules),
    ]
    return [finding for finding in found if finding]


def _volume(planned: int, usual: float, rules: GateRules) -> Finding | None:
    # Fewer than usual harms nobody; a segment that broke is told by its own size.
    if planned <= usual * rules.volume_factor or planned - usual < rules.least_people:
        return None
    return Finding(
        "volume", f"{planned:,} messages, {usual:,.0f} are usual (limit: {rules.volume_factor:g} times as many)"
    )


def _segment(size: int, before: int, rules: GateRules) -> Finding | None:
    change = abs(size - before)
    if change < rules.least_people or change * 100 <= before * rules.segment_change_percent:
        return None
    percent = f"{(size - before) * 100 / before:+.0f} %" if before else "it was empty"
    return Finding(
        "segment_size",
        f"the segment has {size:,} people, {before:,} at the last occurrence ({percent}, "
        f"limit: {rules.segment_change_percent} %)",
    )
