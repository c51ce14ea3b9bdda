"""What an export says of itself, in plain words."""

from datetime import datetime

from rapport.privacy.tables import HELD


def readme(shop: str, at: datetime, counts: dict[str, int], probable: int) -> str:
    """README.txt of an export: which file holds what, and what is left out. `counts`: rows by table."""
    width = max(len(name) for name in counts) + len(".jsonl")
    files = [
        f"  {held.table + '.jsonl':<{width}}  {held.about} ({counts[held.table]:,})"
        for held in HELD
        if held.table in counts
    ]
    left_out = [
        "Links in mails stand here without the part that lets whoever has it act in your name.",
        "What other systems hold (the store, the help desk, the mail provider) is what they gave us or what they will"
        " tell you themselves; backups are not searched.",
    ]
    if probable:
        left_out.append(
            f"{probable:,} more records are probably yours, but not certainly: they may be somebody else's, so they are"
            " not here, nor is what was worked out from them and yours together. Tell us which other addresses or"
            " numbers you used, and we look again."
        )
    return "\n".join(
        [
            f"What {shop} holds about you, as of {at:%Y-%m-%d %H:%M} UTC",
            "",
            "Each file is text in UTF-8 with one record a line, as JSON (JSON Lines): programs can read it, and so can",
            "a text editor. Empty fields are written as null. Times carry their zone. The number in brackets is how",
            "many records the file has; what we hold nothing of has no file.",
            "",
            *files,
            "",
            "Left out:",
            *(f"  - {line}" for line in left_out),
            "",
        ]
    )
