"""Results in words and figures that a marketer reads. What is not known yet is said to be not known."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from math import isfinite

from rich.console import Group
from rich.table import Table
from rich.text import Text

from rapport.campaigns.outcome.results import Comparison, Results, Row
from rapport.experiments.differences import MISMATCH, Difference
from rapport.experiments.sequential import LEAST_EVENTS
from rapport.experiments.sizes import people_still_needed

COUNTS = ("planned", "accepted", "delivered")
SHARES = ("opened", "machine_opened_only", "clicked", "machine_clicked_only", "unsubscribed", "complained", "bounced")
NAMES = {
    "accepted": "sent",
    "opened": "opened by people",
    "machine_opened_only": "opened by machines only",
    "clicked": "clicked by people",
    "machine_clicked_only": "clicked by machines only",
    "orders_count": "orders, last touch",
    "linear_orders_count": "orders, linear",
    "position_orders_count": "orders, by position",
    "reporting_revenue": "revenue, last touch",
    "linear_reporting_revenue": "revenue, linear",
    "position_reporting_revenue": "revenue, by position",
    "reporting_cost": "cost of the mails",
    "attributed_roi": "return on cost, last touch",
}
AMOUNTS = tuple(NAMES)[5:]
# Beyond this many times the people there are, nobody will wait for the difference to show.
TOO_MANY = 100


def render(results: Results) -> Group:
    """Everything to show on a terminal."""
    said = [*changes(results), *versions(results), *warnings(results)]
    return Group(Text(_head(results)), _table(results), *(Text(line) for line in said))


def changes(results: Results) -> Iterator[str]:
    """What the mail changed, beside those held out."""
    measured = [row for row in results.variants if row["holdout"]]
    if not measured:
        yield "Nobody was held out, so nobody can say what would have been bought anyway (holdout_percent)."
        return
    yield f"Beyond what {measured[0]['holdout_count']:,} people held out bought anyway, the mail brought"
    for row in measured:
        units = {"visitors_count": "visitors", "orders_count": "orders", "reporting_revenue": results.currency}
        for total, unit in units.items():
            if row[f"incremental_{total}"] is None:
                continue
            yield f"  {row['variant']}: {_increment(row, total, unit)}"
    if not results.is_complete and results.effect_ends_at:
        if results.pool and results.pool.is_flow:
            yield "  Each person's orders count for effect_days; for some they are not over: a look on the way."
        else:
            yield f"  Orders count until {results.effect_ends_at:%Y-%m-%d}; until then this is a look on the way."


def versions(results: Results) -> Iterator[str]:
    """Each version against the control."""
    for each in results.comparisons:
        yield f"{each.variant} against a, {each.measure}: {_verdict(each, results)}"
    if results.decision:
        row = results.decision
        yield f"Decided {row['decided_at']:%Y-%m-%d %H:%M} UTC by {row['by']}: {row['winner']}. {row['because']}"


def warnings(results: Results) -> Iterator[str]:
    """What makes the rest doubtful."""
    if results.mismatch is not None and results.mismatch < MISMATCH:
        yield (
            "Do not believe these comparisons: the lot would hardly ever split people like this "
            f"(p = {results.mismatch:.1g}). Look for what takes people out of one group only."
        )


def more(people: int | None, taking_part: int) -> str:
    """How many more people it would take, in words."""
    if people is None:
        return "cannot tell yet"
    if people > TOO_MANY * taking_part:
        return "cannot tell, and no number of people you have would: take them as equal"
    rounded = max(round(people, 1 - len(str(people))), 100)
    return f"cannot tell yet: about {rounded:,} more people, if the difference stays as it is"


def _head(results: Results) -> str:
    pool, as_of = results.pool, results.as_of
    if pool is None:
        head = f"{results.campaign_id} {results.occurrence_key}, planned {results.planned_at:%Y-%m-%d %H:%M} UTC"
        return f"{head}, figures of {as_of:%Y-%m-%d %H:%M} UTC" if as_of else head
    named = [results.campaign_id, *([f"step {pool.step}"] if pool.step else [])]
    named += [f"experiment {results.experiment}"] if results.experiment else []
    several = "occurrence" if pool.occurrences == 1 else "occurrences"
    return (
        f"{', '.join(named)}: the {pool.days} days before {as_of:%Y-%m-%d %H:%M} UTC, {pool.occurrences:,} {several} "
        f"with mails, the first of {pool.first_planned_at:%Y-%m-%d}. In comparisons each of {pool.people:,} people "
        "counts once."
    )


def _verdict(each: Comparison, results: Results) -> str:
    found = each.found
    figure, unit = (100, "points") if each.measure == "clicks" else (1, f"{results.currency} a person")
    if not isfinite(found.low):
        return f"{figure * found.estimate:+,.2f} {unit}; cannot tell yet: fewer than {LEAST_EVENTS} people did anything"
    said = f"{figure * found.estimate:+,.2f} {unit} [{figure * found.low:,.2f} to {figure * found.high:,.2f}]"
    if found.is_clear:
        return f"{said}: {each.variant if found.low > 0 else 'a'} is better"
    taking_part = sum(row["planned"] for row in results.variants)
    return f"{said}; {more(each.more_people, taking_part)}"


def _increment(row: Row, total: str, unit: str) -> str:
    estimate, low, high = (row[f"incremental_{total}{end}"] for end in ("", "_low", "_high"))
    if low is None:
        return f"{estimate:+,.0f} {unit}; cannot tell yet: too few people held out"
    said = f"{estimate:+,.0f} {unit} [{low:,.0f} to {high:,.0f}]"
    if low > 0 or high < 0:
        return said
    people = row["planned"] + int(row["holdout_count"])
    error = float(high - low) / 2 / 1.96
    found = Difference(float(estimate), float(low), float(high), error**2)
    return f"{said}; {more(people_still_needed(found, people), people)}"


def _table(results: Results) -> Table:
    table = Table("", *(f"{row['variant']}" for row in results.variants), show_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"

    rows = {name: [f"{row[name]:,}" for row in results.variants] for name in COUNTS}
    for name in SHARES:
        reached = "accepted" if name == "bounced" else "delivered"
        rows[name] = [_share(row[name], row[reached] or row["accepted"]) for row in results.variants]
    for name in AMOUNTS:
        rows[name] = [_amount(row[name]) for row in results.variants]
    for name, shown in rows.items():
        table.add_row(NAMES.get(name, name), *shown)
    table.caption = f"money in {results.currency}; what the figures mean: docs/marts.md"
    return table


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({part / whole:.1%})" if whole else f"{part:,}"


def _amount(value: Decimal | int | None) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"
