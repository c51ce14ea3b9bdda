"""Imports what lies in `.rapport/inbox/<mapping>/`; the folder is named as a mapping that ships, or holds mapping.yml."""

from pathlib import Path

from rapport.clock import Clock
from rapport.landing.files import find_mapping, import_file
from rapport.settings import Settings

FOLDER = "inbox"
MAPPING_FILE = "mapping.yml"


def import_inbox(settings: Settings, clock: Clock) -> list[str]:
    """Imports every file not imported before; returns a line for each. Raises DataError naming file and column."""
    lines = []
    for folder in sorted(path for path in (settings.home / FOLDER).glob("*") if path.is_dir()):
        own = folder / MAPPING_FILE
        mapping = find_mapping(str(own) if own.exists() else folder.name)
        for path in _exports(folder):
            report = import_file(path, mapping, settings, clock)
            if not report.already_imported:
                lines.append(str(report))
    return lines


def _exports(folder: Path) -> list[Path]:
    """Files by name, but for the mapping and for what is still being copied (hidden, or named *.part)."""
    files = (path for path in folder.iterdir() if path.is_file() and path.name != MAPPING_FILE)
    return sorted(path for path in files if not path.name.startswith(".") and path.suffix != ".part")
