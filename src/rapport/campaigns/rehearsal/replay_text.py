"""A rehearsal in words and tables, for a terminal."""

from collections.abc import Iterator

from rich.table import Table

from rapport.campaigns.rehearsal.replay import OUTCOMES, Rehearsal

NOT_KNOWN = (
    "As of each day: segments, what was bought, consent, suppressions, what others really sent. As of today: "
    "addresses, zones, languages, content, definitions, refunds, which campaigns are paused, and who was merged with "
    "whom. Not played: flows, send hours by score, versions of an experiment, and fields that a mail lacks."
)


def render(found: Rehearsal) -> Iterator[str | Table]:
    """Days, overlaps, pressure and what to expect, with what the replay cannot know."""
    if found.begins is None:
        yield "Nothing was ever built, so nobody knows who was in which segment; run `rapport run` first."
        return
    if found.left_out:
        yield (
            f"{found.left_out} occurrences lie before {found.begins:%Y-%m-%d %H:%M} UTC, when segments were first "
            "kept, and are left out."
        )
    yield _days(found)
    yield f"{found.messages:,} messages to {found.people:,} people."
    for campaign, people in found.overlaps.items():
        yield f"{people:,} of them would have got {campaign}, or did, within a week of it."
    for mails, weeks in found.pressure.items():
        yield f"{weeks:,} times a person would have got {mails} {'mail' if mails == 1 else 'mails'} in a week."
    if not found.expected:
        yield "What it would bring: unknown, as nothing comparable was sent yet."
    for each in found.expected:
        yield (
            f"{each.measure}: {each.low:,.0f} to {each.high:,.0f} expected "
            f"(95 %, by {each.people:,} messages of {each.source})"
        )
    if found.beside:
        yield f"Played beside it: {', '.join(found.beside)}."
    for campaign, parts in found.not_judged.items():
        told = "; ".join(f"`{part}`" for part in parts)
        yield f"Left out of the filter of {campaign}, as nobody kept what it was on a past day: {told}"
    yield NOT_KNOWN


def _days(found: Rehearsal) -> Table:
    made = Table(title=f"{found.campaign}, as it would have gone", title_justify="left")
    made.add_column("occurrence")
    for name in ("segment", *OUTCOMES):
        made.add_column("would get it" if name == "planned" else name.replace("_", " "), justify="right")
    for day in found.days:
        made.add_row(day.occurrence_key, f"{day.segment:,}", *(f"{day.waterfall[name]:,}" for name in OUTCOMES))
    return made
