"""For tests that plan and are about something else than approval: both halves of what lets a campaign go by itself."""

from pathlib import Path

from rapport.campaigns import policy
from rapport.campaigns.folder.definition import FILE
from rapport.settings import Settings


def allow_automatic(settings: Settings) -> None:
    """The shop's policy says that a campaign may state it needs nobody."""
    settings.campaigns_dir.mkdir(parents=True, exist_ok=True)
    (settings.campaigns_dir / policy.FILE).write_text("approval: { automatic: true }\n", encoding="utf-8")


def state_automatic(folder: Path) -> None:
    """The campaign of this folder states it."""
    path = folder / FILE
    path.write_text(f"{path.read_text(encoding='utf-8')}\napproval: automatic\n", encoding="utf-8")
